#!/bin/sh
# Tailcall, from its npm package. PORT; CACHE_MS (0: off; else it keeps the systems' answers for so long).
# Its binary needs glibc 2.39. Where the machine's is older, setup.sh lays a newer one beside it.
cd "$(dirname "$0")" || exit
export TAILCALL_TRACKER=false TAILCALL_LOG_LEVEL=error npm_execpath=1

graph=served.graphql
sed "s/port: [0-9]*/port: ${PORT:-4205}/" deals.graphql >"$graph"
[ "${CACHE_MS:-0}" = 0 ] || sed -i "s/^type \(Query\|Deal\) {/type \1 @cache(maxAge: $CACHE_MS) {/" "$graph"

set -- node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall start "$graph"
if [ -d glibc ]; then
  libraries=$PWD/glibc/usr/lib/x86_64-linux-gnu
  set -- "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$@"
fi
exec "$@"
