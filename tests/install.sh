# How scripts install what they need. To be sourced.

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# What Debian has now.
debian_lists() {
  as_root apt-get -o DPkg::Lock::Timeout=600 update -qq
}

# Debian packages, as root or with sudo. Nothing is done if none is named.
debian() {
  [ $# -gt 0 ] || return 0
  echo "installing $*"
  debian_lists
  as_root env DEBIAN_FRONTEND=noninteractive \
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
