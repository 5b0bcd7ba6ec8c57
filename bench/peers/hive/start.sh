#!/bin/sh
# Hive Gateway over the composed supergraph. PORT, CACHE_MS: see gateway.config.mjs.
cd "$(dirname "$0")" && exec node node_modules/.bin/hive-gateway supergraph -c gateway.config.mjs
