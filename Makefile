# Bare `make` prints this help. Every target makes the environment first when it is missing or out of date.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ARGS ?=
RUNS ?= 5000
SEED ?=
SECONDS ?= 60

.PHONY: help setup run test simulate conformance fuzz lint audit types fmt pr bench bench-quick soak soak-hostile clean

help: ## show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything in it (done by the other targets as needed)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed (set PYTHON=/path/to/python3)" >&2; exit 2; }
	@echo "setting up .venv (once; a minute)"
	@$(PYTHON) -m venv --clear .venv || { echo "error: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu install python3-venv" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)

run: $(READY) ## serve the sample application on this machine (ARGS="--port 9000" for options)
	@exec $(BIN)/wsfleet run $(ARGS)

test: $(READY) ## lint, types and all tests
	@$(MAKE) --no-print-directory --jobs 2 lint types
	@$(BIN)/pytest -n 2 $(ARGS)

conformance: $(READY) ## all of Autobahn's cases against both socket shells (ARGS="--shell parked --cases 12.*"; 20 minutes)
	@$(BIN)/python tests/conformance/run.py $(ARGS)

fuzz: $(READY) ## the parsers under coverage-guided fuzzing (SECONDS=60; ARGS="--contract head")
	@$(BIN)/python -c 'import atheris' 2> /dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]' || { echo "error: atheris cannot be installed here; pytest tests/fuzz fuzzes without it" >&2; exit 3; }
	@$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS) $(ARGS)

lint: $(READY) ## style and security rules, known vulnerabilities of dependencies
	@$(BIN)/ruff check src tests bench .ci
	@$(BIN)/ruff format --check src tests bench .ci
	@$(MAKE) --no-print-directory audit

audit: $(READY) ## known vulnerabilities of dependencies alone (AUDIT_REQUIRED=1: not to find out is a failure)
	@$(BIN)/python .ci/audit.py

simulate: $(READY) ## random schedules over a whole fleet in virtual time (RUNS=5000; SEED=7 for one run again)
	@SIMULATED_RUNS="$(if $(SEED),1,$(RUNS))" SIMULATED_SEED="$(or $(SEED),1)" $(BIN)/pytest -n 2 --dist load tests/simulation $(ARGS)

types: $(READY) ## strict type checking
	@$(BIN)/mypy

fmt: $(READY) ## rewrite the code in the project's style
	@$(BIN)/ruff format src tests bench .ci
	@$(BIN)/ruff check --fix src tests bench .ci

pr: test ## what CI runs

bench: $(READY) ## measure everything beside the peers, and write docs/performance.md (18 minutes)
	@$(BIN)/python bench/run.py --write-docs $(ARGS)

soak: $(READY) ## connects, messages, posts and disconnects for 3 minutes: fails when anything has grown
	@$(BIN)/python bench/soak.py $(ARGS)

bench-quick: $(READY) ## the same table with small counts (2 minutes)
	@$(BIN)/python bench/run.py --quick $(ARGS)

soak-hostile: $(READY) ## 2,000 bad clients beside 1,000 good ones (2 minutes; wants the machine to itself)
	@$(BIN)/python bench/hostile.py $(ARGS)

clean: ## remove the environment and everything built
	@rm -rf .venv .aws-sam .build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
