# How scripts install what they need. To be sourced.

# Debian packages, as root or with sudo. Nothing is done if none is named.
debian() {
  [ $# -gt 0 ] || return 0
  local root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  echo "installing $*"
  "${root[@]}" apt-get -o DPkg::Lock::Timeout=600 update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "$@"
}

# The npm packages that a folder's lock file names, unless they are there already.
npm_packages() {
  local folder=$1 installed=$1/node_modules/.package-lock.json
  if ! [ "$installed" -nt "$folder/package-lock.json" ]; then
    npm ci --prefix "$folder" --no-audit --no-fund
    touch "$installed"
  fi
}
