#!/bin/bash
# A real Tryton for the tests, from PyPI's packages, with SQLite, on 127.0.0.1 only. All of it is below target/tryton.
#
#   setup.sh up      installs what is missing, makes a database that holds the demo's company (seed.py), starts a server of
#                    its own on it, and prints what the tests need as shell exports. Run again, it leaves a running server be.
#   setup.sh down    stops it. Packages and database stay: the next start takes seconds.
#   setup.sh expire  ends all sessions, as time does.
#
# SPINE_TRYTON_SERIES says which series: 8 (unless told) or 6. Needs Python 3 with venv, and Rust for the company.
set -Eeuo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
series=${SPINE_TRYTON_SERIES:-8}
instance=${SPINE_TRYTON_INSTANCE:-spine-test}
home=$project/target/tryton
venv=$home/venv-$series
run=$home/$series-$instance
database=tryton
password=spine-Passw0rd

# The company that `tests/real_tryton.rs` expects.
company() {
  # Built as the tests build it: `cargo run` would make every crate anew, without what only tests need of it.
  cargo test --quiet --locked --no-run --manifest-path "$project/Cargo.toml" --test real_tryton
  "${CARGO_TARGET_DIR:-$project/target}/debug/spine" demo --facts --seed 42 --deals 60 --today 2026-11-25
}

modules="account_invoice analytic_account analytic_invoice analytic_purchase project project_invoice project_revenue
  purchase sale_opportunity timesheet timesheet_cost"

packages() {
  cmp -s "$here/requirements-$series.txt" "$venv/requirements.txt" && return
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-$series.txt"
  cp "$here/requirements-$series.txt" "$venv/requirements.txt"
}

configuration() { # folder of the database, port
  sed -e "s#@HOME@#$1#" -e "s#@PORT@#$2#" "$here/trytond.conf"
}

# Makes the database, unless there is one of these packages, this company and this seed.
seeded() {
  company >"$home/company-$series.json"
  local key folder
  key=$(cat "$here/requirements-$series.txt" "$here/trytond.conf" "$here/seed.py" "$here/reads.txt" "$0" "$home/company-$series.json" |
    sha256sum | cut -c1-16)
  folder=$home/database-$series-$key
  if [ ! -d "$folder" ]; then
    rm -rf "$home/database-$series-"* "$home/making-$series"
    mkdir -p "$home/making-$series"
    configuration "$home/making-$series" 0 >"$home/making-$series/trytond.conf"
    : >"$home/making-$series/$database.sqlite"
    printf '%s' "$password" >"$home/making-$series/password"
    local admin=("$venv/bin/trytond-admin" -c "$home/making-$series/trytond.conf" -d "$database")
    TRYTONPASSFILE=$home/making-$series/password "${admin[@]}" --all --email admin@example.invalid
    # shellcheck disable=SC2086
    "${admin[@]}" -u $modules --activate-dependencies
    SPINE_TRYTON_CONF=$home/making-$series/trytond.conf SPINE_TRYTON_DB=$database SPINE_COMPANY=$home/company-$series.json \
      SPINE_TRYTON_PASSWORD=$password SPINE_TRYTON_READS=$(cat "$here/reads.txt") \
      "$venv/bin/python" "$here/seed.py" >"$home/making-$series/key"
    mv "$home/making-$series" "$folder"
  fi
  echo "$folder" >"$home/database-$series"
}

answers() {
  [ -s "$run/exports" ] && [ -s "$run/pid" ] && kill -0 "$(cat "$run/pid")" 2>/dev/null || return 1
  cmp -s "$home/database-$series" "$run/made-of" || return 1
  # shellcheck disable=SC1091
  . "$run/exports"
  local path=/rpc/
  [ "$series" = 8 ] || path=/
  curl -sf -o /dev/null -H 'content-type: application/json' \
    -d '{"id":1,"method":"common.server.version","params":[]}' "$SPINE_TRYTON_URL$path"
}

down() {
  if [ -s "$run/pid" ]; then
    kill "$(cat "$run/pid")" 2>/dev/null || true
  fi
  rm -rf "$run"
}

up() {
  mkdir -p "$home"
  packages
  seeded
  local folder port
  folder=$(cat "$home/database-$series")
  answers && return
  down
  mkdir -p "$run"
  # Sessions are written to the database: each server has one of its own.
  cp "$folder/$database.sqlite" "$run/"
  cp "$home/database-$series" "$run/made-of"
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  configuration "$run" "$port" >"$run/trytond.conf"
  (umask 077 && cat >"$run/exports" <<EXPORTS
export SPINE_TRYTON_SERIES=$series
export SPINE_TRYTON_INSTANCE=$instance
export SPINE_TRYTON_URL=http://127.0.0.1:$port
export SPINE_TRYTON_DATABASE=$database
export SPINE_TRYTON_PASSWORD=$password
export SPINE_TRYTON_KEY=$(cat "$folder/key")
EXPORTS
  )
  setsid "$venv/bin/trytond" -c "$run/trytond.conf" -d "$database" >"$run/trytond.log" 2>&1 </dev/null &
  echo $! >"$run/pid"
  for _ in $(seq 240); do
    answers && return
    sleep 0.5
  done
  return 1
}

expire() {
  "$venv/bin/python" - "$run/$database.sqlite" <<'PYTHON'
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=30) as database:
    database.execute('DELETE FROM ir_session')
PYTHON
}

failed() {
  trap - ERR
  tail -n 20 "$run/trytond.log" >&3 2>/dev/null || true
  echo "Tryton could not be set up" >&3
  exit 1
}

case ${1:-up} in
  up)
    # Not `up || failed`: that would switch off `set -e` inside.
    exec 3>&2
    trap failed ERR
    up >&2
    cat "$run/exports"
    ;;
  down) down ;;
  expire) expire ;;
  *)
    echo "usage: setup.sh up|down|expire" >&2
    exit 2
    ;;
esac
