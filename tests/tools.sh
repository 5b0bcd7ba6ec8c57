#!/usr/bin/env bash
# Installs what the checks need and is not there yet. Rust and Node are taken as given.
#
#   by apt    C and C++ compilers, make, Chromium, Python's venv (as root or with sudo; a real Redmine is redmine/setup.sh's own matter)
#   by npm    the checks' own packages, beside them
#   by pip    into target/venv, and target/venv-NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/install.sh

need() { command -v "$1" >/dev/null || { echo "$1 is not installed: $2" >&2; exit 2; }; }
need cargo "see https://rustup.rs"
need node "version 20.19 or later, see https://nodejs.org"
need npm "it comes with Node, see https://nodejs.org"

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
# SQLite below the OData service is built where there is no binary of it.
command -v g++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
command -v curl >/dev/null || missing+=(curl)
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing+=(chromium)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
debian "${missing[@]}"

for lock in tests/*/package-lock.json tests/clients/*/package-lock.json deploy/hubspot/package-lock.json; do
  npm_packages "$(dirname "$lock")"
done

requirements=()
for file in tests/clients/*/requirements.txt; do
  requirements+=(-r "$file")
done
[ -x target/venv/bin/pip ] || python3 -m venv --clear target/venv
target/venv/bin/pip install --quiet --disable-pip-version-check "${requirements[@]}"
# A client that cannot live with the packages of the others has an environment of its own.
for file in tests/clients/*/requirements-own.txt; do
  venv=target/venv-$(basename "$(dirname "$file")")
  [ -x "$venv/bin/pip" ] || python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$file"
done
