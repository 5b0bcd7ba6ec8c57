#!/bin/bash
# A real Redmine for the tests, from Debian's packages, on 127.0.0.1 only.
#
#   setup.sh up      installs what is missing, seeds an instance of its own from facts.json, starts it, and prints
#                    SPINE_REDMINE_URL and SPINE_REDMINE_KEY as shell exports. Run again, it leaves a running server be.
#   setup.sh down    stops it and removes the instance. The packages stay.
#
# Needs root, Debian 12 and its package archive. Other instances of Redmine on the machine are not touched.
set -Eeuo pipefail

here=$(cd "$(dirname "$0")" && pwd)
instance=${SPINE_REDMINE_INSTANCE:-spine-test}
app=/usr/share/redmine
home=/var/lib/redmine/$instance

as_redmine() {
  (cd $app && runuser -u www-data -- env HOME="$home/tmp" RAILS_ENV=production REDMINE_INSTANCE="$instance" "$@")
}

packages() {
  local missing
  missing=$(for package in redmine redmine-sqlite puma curl; do
    dpkg-query -W -f='${db:Status-Status}' $package 2>/dev/null | grep -qx installed || echo $package
  done)
  [ -z "$missing" ] && return
  export DEBIAN_FRONTEND=noninteractive
  debconf-set-selections <<<"redmine redmine/instances/default/dbconfig-install boolean true
redmine redmine/instances/default/database-type select sqlite3
redmine redmine/instances/default/default-language select en"
  apt-get -o DPkg::Lock::Timeout=600 update -qq
  # shellcheck disable=SC2086
  apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing
}

answers() {
  [ -s "$home/exports" ] && cmp -s "$here/facts.json" "$home/facts.json" && cmp -s "$here/seed.rb" "$home/seed.rb" || return 1
  # shellcheck disable=SC1091
  . "$home/exports"
  curl -sf -o /dev/null -H "X-Redmine-API-Key: $SPINE_REDMINE_KEY" "$SPINE_REDMINE_URL/users/current.json"
}

down() {
  if [ -s "$home/pid" ]; then
    kill "$(cat "$home/pid")" 2>/dev/null || true
  fi
  rm -rf "$home"
}

up() {
  packages
  answers && return
  down
  install -d -o www-data -g www-data "$home" "$home"/{config,db,files,log,public,tmp,tmp/pids,tmp/cache}
  local port key
  port=${SPINE_REDMINE_PORT:-$(ruby -rsocket -e 'puts TCPServer.new("127.0.0.1", 0).addr[1]')}
  key=$(ruby -rsecurerandom -e 'puts SecureRandom.hex(20)')
  ruby -rsecurerandom -e 'puts SecureRandom.hex(64)' >"$home/config/secret_key.txt"
  printf 'production:\n  adapter: sqlite3\n  database: %s\n  timeout: 20000\n' "$home/db/redmine.sqlite3" >"$home/config/database.yml"
  cp "$here/facts.json" "$here/seed.rb" "$home/"
  chown -R www-data:www-data "$home"

  as_redmine SCHEMA=/dev/null bundle exec rake db:migrate >"$home/log/migrate.log" 2>&1
  as_redmine SPINE_REDMINE_KEY="$key" SPINE_FACTS="$home/facts.json" bin/rails runner "$home/seed.rb" >"$home/log/seed.log" 2>&1
  cd $app
  setsid runuser -u www-data -- env HOME="$home/tmp" RAILS_ENV=production REDMINE_INSTANCE="$instance" \
    puma --bind "tcp://127.0.0.1:$port" --threads 4:4 --environment production --pidfile "$home/pid" config.ru \
    >"$home/log/puma.log" 2>&1 </dev/null &
  (umask 077 && printf 'export SPINE_REDMINE_URL=http://127.0.0.1:%s\nexport SPINE_REDMINE_KEY=%s\n' "$port" "$key" >"$home/exports")
  for _ in $(seq 240); do
    answers && return
    sleep 0.5
  done
  return 1
}

failed() {
  trap - ERR
  tail -n 20 "$home"/log/{migrate,seed,puma}.log >&3 2>/dev/null || true
  echo "Redmine could not be set up" >&3
  exit 1
}

case ${1:-up} in
  up)
    # Not `up || failed`: that would switch off `set -e` inside.
    exec 3>&2 # the trap runs where the failure is, whose output may go to a log
    trap failed ERR
    up >&2
    cat "$home/exports"
    ;;
  down) down ;;
  *)
    echo "usage: setup.sh up|down" >&2
    exit 2
    ;;
esac
