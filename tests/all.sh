#!/usr/bin/env bash
# Every check there is, for `make test`: on Debian 12 with Rust and Node, as root or with sudo. Needs no terminal.
# Runs to the end whatever fails, then prints what was checked, how long it took, and ends with 1 if something failed.
# One build profile only (debug); no release build.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

results=()
failed=0
began=$SECONDS

step() { # name, command...
  local name=$1 start=$SECONDS code=0
  shift
  printf '\n==== %s\n' "$name"
  "$@" || code=$?
  if [ $code -eq 0 ]; then
    results+=("$(printf 'ok    %4d s  %s' $((SECONDS - start)) "$name")")
  else
    results+=("$(printf 'FAIL  %4d s  %s' $((SECONDS - start)) "$name")")
    failed=1
  fi
  return $code
}

summary() {
  printf '\n==== Summary: '
  [ $failed -eq 0 ] && echo "all is well" || echo "something failed"
  printf '  %s\n' "${results[@]}"
  printf '  in all %d s\n' $((SECONDS - began))
}
trap 'failed=1; summary; exit 130' INT TERM

# A real Redmine of its own for this run, taken away afterwards.
real_redmine() (
  root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  setup=("${root[@]}" env SPINE_REDMINE_INSTANCE="spine-test-$$" tests/redmine/setup.sh)
  trap '"${setup[@]}" down' EXIT
  exports=$("${setup[@]}" up) || exit 1
  eval "$exports"
  cargo test --locked --test real_redmine
)

# A real PostgreSQL and a real MariaDB of their own for this run, likewise.
real_sql() (
  root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  setup=("${root[@]}" env SPINE_SQL_HOME="/var/lib/spine-sql-test-$$" tests/sql/setup.sh)
  trap '"${setup[@]}" down' EXIT
  exports=$("${setup[@]}" up) || exit 1
  eval "$exports"
  cargo test --locked --test real_sql
)

# A real Tryton. Its database is made once; see setup.sh.
real_tryton() ( # series
  export SPINE_TRYTON_SERIES=$1 SPINE_TRYTON_INSTANCE=spine-test-$$
  trap 'tests/tryton/setup.sh down' EXIT
  exports=$(tests/tryton/setup.sh up) || exit 1
  eval "$exports"
  cargo test --locked --test real_tryton
)

# Series 8 and 6 side by side: a Tryton keeps one core busy.
real_trytons() {
  local log six code=0
  log=$(mktemp)
  real_tryton 6 >"$log" 2>&1 &
  six=$!
  real_tryton 8 || code=1
  wait $six || code=1
  cat "$log"
  rm -f "$log"
  return $code
}

step "what the checks need is installed" tests/tools.sh || { summary; exit 1; }
# Before anything in Rust: the binary carries these files.
step "GraphiQL is built" make --no-print-directory web || { summary; exit 1; }
step "formatting" cargo fmt --check
step "clippy" make --no-print-directory lint
step "tests" cargo test --locked
step "from outside: clients, audits, browser" tests/outside.sh
step "the Redmine connector against a real Redmine" real_redmine
step "the OData connector against a real OData service" cargo test --locked --test real_odata
step "the SQL connector against a real PostgreSQL and a real MariaDB" real_sql
step "the Tryton connector against a real Tryton 8 and a real Tryton 6" real_trytons
step "documentation" make --no-print-directory doc
step "licences, bans, sources" make --no-print-directory deny

summary
exit $failed
