# What one does with Spine. `make demo` to see it, `make test` before every merge.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

CARGO ?= cargo
# Options of `spine demo`, e.g. make demo ARGS='--port 8080 --fault sap=down'.
ARGS ?=
DENY_VERSION := 0.20.2
FUZZ_VERSION := 0.13.2
FUZZ := $(or $(shell command -v cargo-fuzz),$(CURDIR)/target/tools/bin/cargo-fuzz)
DENY := $(or $(shell command -v cargo-deny),target/tools/bin/cargo-deny)

.PHONY: help demo web release test bench fuzz fmt fmt-check lint doc deny advisories unit outside contract tools clean

help: ## This list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r name what; do \
		printf '  make %-12s %s\n' "$$name" "$$what"; done

demo: web ## Three embedded systems on this machine, and the graph over them. Nothing to configure.
	@$(CARGO) run --locked --profile demo -- demo $(ARGS)

web: web/dist/index.html ## The files of GraphiQL, the reports and the deal card, which the binary carries. Built again only when something of them changed.

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	npm ci --prefix web --no-audit --no-fund
	@touch $@

# The deal card's model is HubSpot's and the page's alike.
web/dist/index.html: web/node_modules/.package-lock.json $(wildcard web/*.html) web/vite.config.ts web/tsconfig.json \
		$(shell find web/src web/scripts deploy/hubspot/src/app/cards/deal -type f)
	npm run build --prefix web
	@touch $@

release: web ## Spine as it is to be deployed: target/spine. The release build, compiled for what it is used for and laid out by it. Some 40 to 60 minutes.
	deploy/release.sh

test: ## Everything: installs what the checks need, runs them all, and ends with a summary.
	tests/all.sh

# Variables choose less, e.g. make bench PEERS=reference,spine ROUNDS=1: see bench/README.md. They reach it by the environment.
bench: $(if $(SPINE),,web) ## Measures Spine against other servers, and writes docs/performance.md. Makes a release first, unless SPINE names a binary; then some 25 minutes.
	bench/all.sh

# Without a sanitizer of memory: Spine has no unsafe code, and so it needs no other toolchain. A panic, a wrong answer, a run
# without an end (20 s) and more than 2 GB end it. TARGETS=... chooses some; see fuzz/README.md.
fuzz: $(FUZZ) ## Random input to each of Spine's doors, SECS seconds (60) each. The first build takes some 10 minutes.
	cd fuzz && for target in $(or $(TARGETS),$(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))); do \
		$(FUZZ) run -s none $$target -- -max_total_time=$(or $(SECS),60) -timeout=20 -rss_limit_mb=2048 -max_len=16384; \
	done

unit: ## Rust's own tests only.
	$(CARGO) test --locked

outside: tools ## The checks from outside, against the debug binary: vendors' clients, audits, a browser.
	tests/outside.sh

fmt: ## Formats the code.
	$(CARGO) fmt
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml

fmt-check: ## Is the code formatted?
	$(CARGO) fmt --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check

# Tests that need a program from outside are no part of `--all-targets`.
OUTSIDE := real_redmine real_odata real_sql real_tryton sqlserver_client

lint: ## Clippy; a warning is an error.
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked $(addprefix --test ,$(OUTSIDE)) -- -D warnings

doc: ## The code's documentation, private items too; a warning is an error.
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items

deny: $(DENY) ## Licences, bans and sources of the dependencies (deny.toml).
	$(DENY) --locked check licenses bans sources

# Apart from `deny`, and not part of `test`: it needs the RustSec database from github.com, which not every machine
# reaches, and its answer changes with the day. Run it on a schedule, not as a gate of a change.
advisories: $(DENY) ## Known vulnerabilities of the dependencies. Needs github.com.
	$(DENY) --locked check advisories

target/tools/bin/cargo-deny:
	CARGO_PROFILE_DEV_DEBUG=false CARGO_TARGET_DIR=target/tools/build \
		$(CARGO) install --locked --debug --root target/tools --version $(DENY_VERSION) cargo-deny
	rm -rf target/tools/build

$(CURDIR)/target/tools/bin/cargo-fuzz:
	CARGO_PROFILE_DEV_DEBUG=false CARGO_TARGET_DIR=target/tools/build \
		$(CARGO) install --locked --debug --root target/tools --version $(FUZZ_VERSION) cargo-fuzz
	rm -rf target/tools/build

contract: ## Writes schema.graphql and the generated pages anew. Look at the difference before you commit it.
	SPINE_UPDATE=1 $(CARGO) test --locked --test it

tools: ## Installs what the checks need: packages by apt, clients by npm and pip.
	tests/tools.sh

clean: ## Removes what was built or installed below this folder.
	rm -rf target fuzz/target fuzz/corpus fuzz/artifacts web/dist web/node_modules tests/audit/node_modules tests/browser/node_modules deploy/hubspot/node_modules tests/clients/*/node_modules \
		bench/target bench/run bench/peers/*/node_modules bench/peers/tailcall/glibc
