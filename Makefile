# Every verb sets up what it needs: `make demo` and `make test` work on a machine with Python 3.11+, Java 17+ and make.
SHELL := /bin/bash
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench lock clean

help: ## Show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: .venv/ready ## Start everything: Kafka, worker, shop (ARGS="--events 20000 --exit")
	@$(BIN)/streamapp demo $(ARGS)

test: .venv/ready-test .venv/ready-bench ## Run every test, the real Kafka included (ARGS="-k audit")
	@tests/install-packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/ready-test ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/ready-test ## Format the code
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

bench: .venv/ready-bench ## Run a benchmark (ARGS="pipeline --json")
	@$(BIN)/python -m benchmarks $(ARGS)

lock: .venv/ready ## Resolve all dependencies anew
	@for group in "" test bench; do \
	  out=requirements$${group:+-$$group}.lock; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $${group:+--group $$group -c requirements.lock} $${group:-pyproject.toml} -o $$out; \
	done

clean: ## Remove the environment and all local state
	rm -rf .venv .streamapp

# The environment: pip brings uv, uv brings the rest, each by its hash.
.venv/ready: requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: set PYTHON=python3.11")'
	@echo "Setting up .venv (torch alone brings 6 GB; a minute or two) …" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(UV) -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/ready-test: .venv/ready requirements-test.lock
	@$(UV) -r requirements-test.lock
	@touch $@

.venv/ready-bench: .venv/ready requirements-bench.lock
	@$(UV) -r requirements-bench.lock
	@touch $@
