#!/usr/bin/env bash
# `make bench`: installs and builds what is missing, measures, and writes docs/performance.md. README.md says how to
# measure less. SPINE names another binary than `make release` makes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

began=$SECONDS
./setup.sh
if [ -z "${SPINE:-}" ]; then
  ../deploy/release.sh
fi

# What an earlier run left would be taken for this one's.
rm -rf run
for part in about ${PARTS:-parity run waves growth portfolio overload instructions} report; do
  start=$SECONDS
  python3 "$part.py"
  echo "== $part took $((SECONDS - start)) s"
done
echo "== in all $((SECONDS - began)) s"
