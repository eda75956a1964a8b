# Overtime. `make help` lists what there is. A build needs Go and make; gcc is for the race detector, Node for the
# TypeScript tests and for generating the wire code, Chromium and Firefox for the browser tests.

.DEFAULT_GOAL := help
.PHONY: help build bundle run test test-go test-web race fuzz lint cross determinism generate check-generated browser browser-firefox picture bench load demo soak sim clean ci

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
RUNS     ?= 50
SIEGES   ?= 6
MINUTES  ?= 10
SEED     ?= 1
SEEDS    ?= 1000
JOBS     ?= 2
FUZZTIME ?= 6s
BOTS     ?= 6
FAULT    ?= kill
GODIRS   := cmd game netcode schema cluster bots .ci/bundle
CI_STEPS := lint cross check-generated test race fuzz determinism browser

# List the targets
help:
	@awk '/^# /{c=substr($$0,3)} /^[a-z][a-z-]*:/{if(c!="")printf "make %-16s %s\n",substr($$1,1,length($$1)-1),c} !/^# /{c=""}' Makefile

# Build the page and bin/overtime, the one binary (needs Go only)
build: bundle
	go build -trimpath -ldflags "-X main.built=$(VERSION)" -o bin/overtime ./cmd/overtime

# Bundle the page into netcode/web/dist with esbuild's Go API
bundle:
	go run -C .ci ./bundle

# Build, then serve on http://127.0.0.1:8080 with bots playing already (BOTS=6)
run: build
	bin/overtime serve --bots $(BOTS)

# Run all tests: Go, and TypeScript where Node is installed; under 3 minutes on two cores
test: test-go test-web

# Run the Go tests
test-go:
	.ci/gotest -timeout 170s

# Type-check the TypeScript client and run its unit tests
test-web:
	@if command -v node >/dev/null || [ -n "$$CI" ]; then .ci/web test; else echo 'no Node: the TypeScript tests are left out'; fi

# Run the Go tests under the race detector (needs gcc)
race:
	CGO_ENABLED=1 RACE_PROCS=1 .ci/gotest -race -parallel 2 -timeout 15m

# Run every fuzz target for FUZZTIME (6s)
fuzz:
	.ci/fuzz $(FUZZTIME)

# Check formatting, then run vet and the pinned staticcheck
lint:
	@bad=$$(find $(GODIRS) -name node_modules -prune -o -name '*.go' -print0 | xargs -0 gofmt -l) && \
	if [ -n "$$bad" ]; then echo "not formatted by gofmt:"; echo "$$bad"; exit 1; fi
	go vet ./...
	go vet -C .ci ./...
	go build -C .ci -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	cd .ci && ../bin/staticcheck ./...

# Check that everything compiles for macOS and Windows too
cross:
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 go build ./...
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build ./...

# Compare the arena's state hashes between builds for old and new processors
determinism:
	.ci/determinism

# Generate the wire code of schema/protocol.fbs for Go and TypeScript (needs Node)
generate: .ci/node_modules/.package-lock.json
	cd .ci && node generate.mjs

# Check that the committed wire code is what generate makes, and that old clients still understand it
check-generated: .ci/node_modules/.package-lock.json
	cd .ci && node generate.mjs --check

.ci/node_modules/.package-lock.json: .ci/package.json .ci/package-lock.json
	cd .ci && npm ci && touch node_modules/.package-lock.json

# Play the page in headless Chromium against a real server, and see that other WebSocket clients decode the same
browser: build
	.ci/web test:browser

# Play the page in headless Firefox (firefox-esr, or FIREFOX=PATH), as make browser does in Chromium; not part of make ci
browser-firefox: build
	.ci/web test:firefox

# Take the README's picture of the page anew, with what the browser test plays with
picture: build
	.ci/web picture

# Run all Go benchmarks with their allocations
bench:
	go test -run '^$$' -bench . -benchmem ./...

# Load a server with bots, each on a core of its own, and print the numbers (MATCHES=50 PLAYERS=16 DURATION=30s ARGS=)
load: build
	.ci/load

# Three nodes, bots, and one node killed: every match goes on (FAULT=kill, stop or cut)
demo: build
	@bin/overtime demo --fault $(FAULT)

# As root, with nftables, networks are cut apart too. CELLS="kill owner;" does one kind of fault only.
# Break real clusters in every way RUNS (50) times, SIEGES (6) of them at once, then at random for MINUTES (10); about an hour
soak:
	SOAK_RUNS=$(RUNS) SOAK_MINUTES=$(MINUTES) SOAK_CELLS="$(CELLS)" go test -run '^TestSoak' -count=1 -timeout 0 -parallel $(SIEGES) -v ./cmd/overtime

# Each small simulation takes every seed, that of 20 nodes and 200 matches one of 50; JOBS (2) share the seeds.
# Simulate whole nodes in virtual time, SEEDS=1000 of them from SEED=1 on; a failing one prints its schedule
sim:
	go test -c -o bin/sim.test ./cluster
	cd cluster && for job in $$(seq 0 $$(( $(JOBS) - 1 ))); do \
		../bin/sim.test -test.run '^TestSim' -test.timeout 0 -simlogs ../bin -simseed $$(( $(SEED) + job * $(SEEDS) / $(JOBS) )) -simseeds $$(( $(SEEDS) / $(JOBS) )) & jobs="$$jobs $$!"; \
	done; failed=0; for job in $$jobs; do wait $$job || failed=1; done; exit $$failed

# Remove what builds and tests have made
clean:
	rm -rf bin .ci/node_modules netcode/web/node_modules netcode/web/build
	find netcode/web/dist -mindepth 1 ! -name .gitkeep -delete 2>/dev/null || true

# Check everything that a change must pass, as .ci/run does
ci:
	@for step in $(CI_STEPS); do \
		echo; echo "=== make $$step"; begin=$$(date +%s); \
		$(MAKE) --no-print-directory $$step || { echo "=== make $$step FAILED"; exit 1; }; \
		echo "=== make $$step: $$(( $$(date +%s) - begin )) s"; \
	done
