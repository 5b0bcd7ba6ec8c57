#!/usr/bin/env bash
# `make release`: Spine as it is to be deployed, target/spine.
#
# The release build, laid out anew by LLVM's BOLT: code that is used stands together, in the order in which it is used, so that it
# is in the processor's caches when an answer needs it. What is used is learned from a run of the same code that counts
# (bench/train.py). ADR 26 has what it gives. It takes some five minutes more than the build, and needs Debian 12 or later (x86-64).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/install.sh

newest() { compgen -c | grep -xE 'llvm-bolt-[0-9]+' | sort -uV | tail -1; }
bolt=$(newest) || {
  debian_lists
  debian "$(apt-cache pkgnames bolt- | grep -xE 'bolt-[0-9]+' | sort -V | tail -1)"
  bolt=$(newest)
}
merge=${bolt/llvm-bolt/merge-fdata}
work=$PWD/target/layout
rm -rf "$work"
mkdir -p "$work"

# BOLT moves code, so it has to know what points to it.
"${CARGO:-cargo}" rustc --locked --release --bin spine -- -C link-arg=-Wl,--emit-relocs

# Cryptography is written by hand, some of it in ways that BOLT does not follow, and stays where it is.
lay_out() { "$bolt" "${CARGO_TARGET_DIR:-target}/release/spine" --skip-funcs='aws_lc_.*' "$@" >>"$work/log" 2>&1 || {
  tail -5 "$work/log" >&2
  return 1
}; }

echo "learning what is used"
lay_out --instrument --instrumentation-file="$work/seen" --instrumentation-file-append-pid -o "$work/counting"
PEERS=reference bench/setup.sh
SPINE=$work/counting python3 bench/train.py
"$merge" "$work"/seen.* >"$work/used" 2>>"$work/log"

echo "laying out"
lay_out --data="$work/used" --reorder-blocks=ext-tsp --reorder-functions=cdsort --split-functions --split-all-cold --split-eh \
  --icf=1 --update-debug-sections -o "$work/spine"
# What was moved must say what it said before: the same facts as the reference.
PEERS=reference,spine SPINE=$work/spine python3 bench/parity.py
mv "$work/spine" target/spine
rm -rf "$work"
echo "target/spine is ready"
