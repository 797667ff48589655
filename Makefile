# What people type while they work on skills. CI runs .ci/run, which needs no make.

FUZZTIME ?= 20s

.DEFAULT_GOAL := help
.PHONY: help build test lint fuzz bench docs ci clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## both programs, into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/ ./cmd/skills ./cmd/skills-registry

test: ## every test, with the race detector
	go test -race ./...

lint: ## gofmt, go vet and the linters of .golangci.yml
	.ci/run format vet lint

fuzz: ## every fuzz target for FUZZTIME (20s)
	FUZZTIME=$(FUZZTIME) .ci/run fuzz

bench: ## measure; BENCH_RUNS, BENCH_DIR and CORPUS (a folder of zips) change how
	go run ./cmd/internal/bench

docs: ## generate the command reference, man pages and completions
	go run ./cmd/skills/internal/gendocs

ci: ## everything that CI checks
	.ci/run

clean: ## remove what make made
	rm -rf bin dist try
