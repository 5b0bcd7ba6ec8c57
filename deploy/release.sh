#!/usr/bin/env bash
# `make release`: Spine as it is to be deployed, target/spine.
#
# The release build, twice made for what it is used for. The compiler is told which way the code goes, and how often; and LLVM's
# BOLT lays out what came of that: code that is used stands together, in the order in which it is used, so that it is in the
# processor's caches when an answer needs it. Both learn from a run that counts (bench/train.py). ADR 26 has what they give. It
# takes twice as long as the build and some ten minutes, and needs Debian 12 or later (x86-64).
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

# What the compiler counts only a tool of its own LLVM understands: rustup's (llvm-tools), or Debian's.
rustc=${RUSTC:-rustc}
llvm=$("$rustc" -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
profdata=$(find "$("$rustc" --print sysroot)/lib/rustlib" -name llvm-profdata | head -1)
if [ -z "$profdata" ]; then
  profdata=llvm-profdata-$llvm
  command -v "$profdata" >/dev/null || debian "llvm-$llvm" || {
    echo "$profdata is needed, of the compiler's LLVM: rustup component add llvm-tools has it, too" >&2
    exit 1
  }
fi

work=$PWD/target/layout
rm -rf "$work"
mkdir -p "$work"

echo "building what counts for the compiler"
CARGO_TARGET_DIR=$PWD/target/counting RUSTFLAGS="${RUSTFLAGS:-} -Cprofile-generate=$work/build" \
  "${CARGO:-cargo}" build --locked --release --bin spine

echo "learning which way the code goes"
PEERS=reference bench/setup.sh
LLVM_PROFILE_FILE=$work/ways/%p.%m.profraw SPINE=$PWD/target/counting/release/spine python3 bench/train.py
"$profdata" merge -o "$work/ways.profdata" "$work"/ways/*.profraw
# Cargo goes by the name: another profile is another build.
ways=$work/$(sha256sum "$work/ways.profdata" | cut -c1-16).profdata
mv "$work/ways.profdata" "$ways"

# BOLT moves code, so it has to know what points to it.
CARGO_TARGET_DIR=$PWD/target/counted RUSTFLAGS="${RUSTFLAGS:-} -Cprofile-use=$ways" \
  "${CARGO:-cargo}" rustc --locked --release --bin spine -- -C link-arg=-Wl,--emit-relocs

# Cryptography is written by hand, some of it in ways that BOLT does not follow, and stays where it is.
lay_out() { "$bolt" target/counted/release/spine --skip-funcs='aws_lc_.*' "$@" >>"$work/log" 2>&1 || {
  tail -5 "$work/log" >&2
  return 1
}; }

echo "learning what is used"
lay_out --instrument --instrumentation-file="$work/seen" --instrumentation-file-append-pid -o "$work/counting"
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
