#!/usr/bin/env bash
# Installs and builds what the measurements need and is not there yet. Rust, Node, npm and Python are taken as given.
#
#   by cargo   the stub and the reference, into target/
#   by apt     wrk, valgrind (as root or with sudo)
#   by npm     the Node servers, Tailcall, and the Node that they run on (the LTS; the machine's own stays as it is)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

. ../tests/install.sh

# What is built here is looked for here.
unset CARGO_TARGET_DIR

for tool in cargo node npm python3; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 2; }
done

missing=()
for tool in wrk valgrind; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
debian "${missing[@]}"

cargo build --locked --release

wanted=${PEERS:-apollo,hive,tailcall}
folders=()
case $wanted in *apollo* | *yoga* | *mercurius* | *hive*) folders+=(node) ;; esac
case $wanted in *apollo* | *yoga* | *mercurius*) folders+=(js) ;; esac
case $wanted in *hive*) folders+=(hive) ;; esac
case $wanted in *tailcall*) folders+=(tailcall) ;; esac
for folder in "${folders[@]}"; do
  npm_packages "peers/$folder"
done

# Hive Gateway's supergraph, out of descriptions of the stub's systems. Composing asks no system.
hive() (
  cd peers/hive
  [ -f supergraph.graphql ] && [ supergraph.graphql -nt mesh.config.mjs ] && return
  python3 make-openapi.py
  PATH="$PWD/../node/node_modules/.bin:$PATH" node_modules/.bin/mesh-compose -c mesh.config.mjs -o supergraph.graphql
)
case $wanted in *hive*) hive ;; esac

# Tailcall's binary needs glibc 2.39, which Debian 12 is too old for: then Debian 13's is unpacked beside it, for it alone.
glibc() (
  cd peers/tailcall
  have=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)
  [ "$(printf '%s\n' 2.39 "$have" | sort -V | head -1)" != 2.39 ] && ! [ -d glibc ] || return 0
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"/{sources,lists/partial,cache/archives/partial}
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
    [ -f "$file" ] && sed "s/$codename/trixie/g" "$file" >"$work/sources/$(basename "$file")"
  done
  apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources"
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)")
  "${apt[@]}" update
  (cd "$work" && "${apt[@]}" download libc6 libgcc-s1)
  for package in "$work"/*.deb; do
    dpkg -x "$package" "$work/root"
  done
  mv "$work/root" glibc
)
case $wanted in *tailcall*) glibc ;; esac
