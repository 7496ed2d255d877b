# Everything made lies in build/. `make help` lists what can be made.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo v0.0.0-dev)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
CLI     := github.com/kubectl-certs/kubectl-certs/pkg/cli
# A release names its published image: REGISTRY/NAME@sha256:DIGEST. A build without
# one asks for --image.
RELEASE_IMAGE ?=
LDFLAGS := -s -w -X $(CLI).version=$(VERSION) -X $(CLI).commit=$(COMMIT) -X $(CLI).releasedImage=$(RELEASE_IMAGE)

# The cluster's own tools (kubectl, kind, krew), kubeconfig and Docker.
CLUSTER_ENV := eval "$$(test/cluster/env)"

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

BINARY := build/kubectl-certs

.PHONY: build
build: ## Build build/kubectl-certs
	@mkdir -p build
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/kubectl-certs

# Pushed to a registry, it is named to inspect --node-files by --image.
IMAGE ?= kubectl-certs/kubectl-certs:$(VERSION)

.PHONY: image
image: ## Build the image for inspect --node-files: IMAGE, from scratch
	@rm -rf build/image && mkdir -p build/image
	@GOOS=linux $(MAKE) --no-print-directory build BINARY=build/image/kubectl-certs
	@cp LICENSE build/image/
	docker build --quiet --file image/Dockerfile --tag $(IMAGE) build/image

.PHONY: demo
demo: cluster build ## Bring up a kind cluster and show issue and inspect on it
	@$(CLUSTER_ENV); test/demo

.PHONY: test
test: lint unit e2e plain ## Everything that says the project is sound

.PHONY: lint
lint: ## Check formatting, vet, staticcheck, known vulnerabilities and shellcheck
	@test/lint/run

.PHONY: unit
unit: ## Unit and command-line tests, with the race detector
	go test -race ./...
	cd test/cluster && go test ./...
	cd test/lint && go test ./...
	cd test/mutate && go test ./...
	cd test/schema && go test ./...

.PHONY: e2e
e2e: cluster build ## End-to-end tests on the kind cluster
	@$(CLUSTER_ENV); go test -tags e2e -count=1 -timeout 40m ./test/e2e/... ./test/html/...
	@$(CLUSTER_ENV); go -C test/schema test -tags e2e -count=1 -timeout 10m -run 'Cluster|Identities' .

.PHONY: schema
schema: ## Write docs/schema from the Go types
	go -C test/schema test -count=1 -run Current -update .

.PHONY: plain
plain: cluster build ## Tests on control planes of plain processes, of many shapes
	@test/cluster/control-plane
	@$(CLUSTER_ENV); go test -tags e2e -count=1 -timeout 20m ./test/plain/

.PHONY: matrix
matrix: cluster build ## The same on older versions of Kubernetes: make matrix VERSIONS="v1.30.14 v1.28.15"
	@test/plain/matrix $(VERSIONS)

.PHONY: bench
bench: cluster build ## Measure against bare client-go and kubectl, as ratios
	@$(CLUSTER_ENV); go test -tags e2e -run '^$$' -bench . -benchtime 20x -timeout 20m ./test/bench/...

# What judges: a wrong answer of theirs is the worst bug.
PKG ?= pkg/inventory pkg/pki pkg/access pkg/rbac pkg/confusable
# A regular expression for names of files, to mutate only those.
FILES ?=

.PHONY: mutate
mutate: ## Test the tests of what judges, by mutants (slow): make mutate PKG=pkg/rbac FILES='index\.go'
	@mkdir -p build
	go -C test/mutate build -o ../../build/gremlins github.com/go-gremlins/gremlins/cmd/gremlins
	go -C test/mutate build -o ../../build/mutate .
	build/mutate -gremlins build/gremlins -files '$(FILES)' $(PKG)

.PHONY: cluster
cluster: ## Bring up the kind cluster, or reuse the one that is up
	@test/cluster/up

.PHONY: cluster-down
cluster-down: ## Take the kind cluster down; nothing is left running
	@test/cluster/down

.PHONY: clean
clean: cluster-down ## Remove everything that was made
	rm -rf build
