#!/usr/bin/env bash
# Looks at a running Spine from outside: starts `spine demo` (a debug binary that carries GraphiQL's files), runs the
# vendors' clients, the audits and a browser against it, and stops what it started. All checks run, whatever fails; ends
# with 1 if one failed.
#
#   outside.sh [BINARY]        BINARY is target/debug/spine unless told; `make tools` installs what the checks need
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

spine=${1:-${CARGO_TARGET_DIR:-target}/debug/spine}
python=target/venv/bin/python
work=$(mktemp -d)
demos=()

finish() {
  for demo in "${demos[@]}"; do
    kill "$demo" 2>/dev/null
    wait "$demo" 2>/dev/null
  done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Starts a demo and waits until it answers. What it says of itself is in $work/NAME.
start() { # name, options...
  local name=$1 demo
  shift
  "$spine" demo --port 0 --json "$@" >"$work/$name" 2>"$work/$name.log" &
  demo=$!
  demos+=("$demo")
  for _ in $(seq 300); do
    [ -s "$work/$name" ] && return
    kill -0 "$demo" 2>/dev/null || break
    sleep 0.2
  done
  echo "the demo did not start:" >&2
  tail -n 20 "$work/$name.log" >&2
  exit 1
}

url() { # name, field
  node -p "JSON.parse(require('fs').readFileSync('$work/$1', 'utf8')).$2"
}

start demo
graphql=$(url demo graphql)
graphiql=$(url demo graphiql)
reports=$(url demo reports)
odata=${graphql%/graphql}/odata/
hubspot=$(url demo systems.hubspot)
sap=$(url demo systems.sap)
redmine=$(url demo systems.redmine)
# The same company with its books elsewhere.
start netsuite --erp netsuite
netsuite=$(url netsuite systems.netsuite)
start quickbooks --erp quickbooks
quickbooks=$(url quickbooks systems.quickbooks)
start odoo --erp odoo
odoo=$(url odoo systems.odoo)
echo "the demo answers at $graphql"

results=()
failed=0
check() { # name, command...
  local name=$1 start=$SECONDS
  shift
  printf '\n-- %s\n' "$name"
  if timeout --kill-after=10 300 "$@"; then
    results+=("ok    $name ($((SECONDS - start)) s)")
  else
    results+=("FAIL  $name ($((SECONDS - start)) s)")
    failed=1
  fi
}

check "ready-made tabs against schema.graphql" npm run --silent --prefix web check
check "the deal card in HubSpot: types, states, project files" npm test --silent --prefix deploy/hubspot
check "HubSpot's own client against the embedded HubSpot" \
  env SPINE_HUBSPOT_URL="$hubspot" node --test --test-reporter=spec tests/clients/hubspot/check.mjs
check "python-redmine against the embedded Redmine" "$python" tests/clients/redmine/check.py "$redmine" demo-redmine-key
[ -e tests/clients/sap/check.py ] &&
  check "b1sl-python against the embedded Service Layer" "$python" tests/clients/sap/check.py "$sap"
check "netsuite and PyJWT against the embedded NetSuite" target/venv-netsuite/bin/python tests/clients/netsuite/check.py "$netsuite"
check "python-quickbooks and intuit-oauth against the embedded QuickBooks Online" \
  "$python" tests/clients/quickbooks/check.py "$quickbooks"
check "OdooRPC and odoo-json2 against the embedded Odoo" "$python" tests/clients/odoo/check.py "$odoo"
# It starts demos of its own: every ERP, and three seeds in one of them.
check "an oracle against every cell of every report" "$python" tests/clients/oracle/check.py "$spine"
check "DuckDB, pandas and pyarrow against the reports" "$python" tests/clients/reports/check.py "$graphql"
# It starts the server itself, which is none of the demo's.
check "python-tds and tedious against the embedded SQL Server" cargo test --quiet --locked --test sqlserver_client -- --nocapture
check "the feed's metadata by the OASIS schemas" node tests/clients/odata/check.mjs "$odata"
check "graphql-ws and graphql-sse against subscriptions" node tests/clients/live/check.mjs "$graphql" "$sap"
check "python-odata, and what Power Query and Tableau ask, against the feed" "$python" tests/clients/odata/check.py "$odata"
check "GraphQL over HTTP, audited by graphql-http" node tests/audit/http-audit.mjs "$graphql"
check "GraphiQL in Chromium" node tests/browser/graphiql.mjs "$graphiql"
check "the reports in Chromium" node tests/browser/reports.mjs "$reports" "$sap"
check "signing in at the pages in Chromium" node tests/browser/sign-in.mjs "$spine" "$hubspot" "$sap" "$redmine"
check "tokens of oauth2-mock-server, with rotation" env SPINE="$spine" node --test --test-reporter=spec tests/clients/sign-in/check.mjs
check "the deal card in Chromium" node tests/browser/card.mjs "$graphql" "$sap" "$redmine" "$hubspot" "$spine"
check "attacks from outside" node tests/audit/security-audit.mjs "$graphql"

# After all of it the processes must still be there.
check "the demos are still alive" kill -0 "${demos[@]}"

printf '\nFrom outside:\n'
printf '  %s\n' "${results[@]}"
exit $failed
