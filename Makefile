# Everything here needs Python 3.11+ and make, nothing else. `make` alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
# How many processes run the tests (auto: one more than there are cores); PYTEST_ARGS takes anything that pytest takes.
WORKERS ?= auto
PYTEST_ARGS ?=

BIN := $(VENV)/bin
SOURCES := hatch_build.py hub connectors tests $(wildcard migrations benchmarks)
READY := $(VENV)/.ready

.PHONY: help setup demo test test-ops check lint types imports bench lock wheel clean

help:  ## Lists the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup: $(READY)  ## Makes the virtual environment, with everything pinned and hash-checked.

# The stamp is as old as what it was made from: a changed lock file or pyproject.toml makes it anew.
$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Connector Hub needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)."; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "setting up $(VENV), once: a minute or two …"
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## Prices leave a MerchantOps simulator, reach an ERP-like server, and their outcomes get back.
	@$(BIN)/hub demo

# Hundreds of processes of the hub start in it; where no bytecode may be kept, each of them compiles all that it imports.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)  ## The test suite, on SQLite and on PostgreSQL.
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

test-ops: $(READY)  ## Tests that need tools which pip cannot install (promtool).
	@$(BIN)/python -m pytest -n 0 -m ops $(PYTEST_ARGS)

check: lint types imports test  ## All that has to hold before a change lands.

lint: $(READY)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

types: $(READY)
	@$(BIN)/mypy

imports: $(READY)
	@$(BIN)/lint-imports

# All are run: a goal that one misses says nothing of the others.
BENCHMARKS := loop backlog http_transport pacing import_jsonl import_shopify simulation initial_load two_stores freshness

bench: $(READY)  ## Records a second, cost under a backlog and more, measured on this machine: 1 where a goal is missed.
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/bench.txt
	@missed=0; for one in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$one || missed=1; done; exit $$missed

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links

lock: $(READY)  ## Pins the newest versions that pyproject.toml allows, for every Python and platform at once.
	@$(LOCK) pyproject.toml --output-file requirements/run.txt
	@$(LOCK) pyproject.toml --extra dev --constraints requirements/run.txt --output-file requirements/dev.txt
	@$(LOCK) pyproject.toml --extra bench --constraints requirements/dev.txt --output-file requirements/bench.txt
	@echo hatchling | $(LOCK) - --constraints requirements/dev.txt --output-file requirements/build.txt

wheel: $(READY)  ## Builds the wheel and the source distribution into dist/.
	@$(BIN)/python -m build --no-isolation

clean:  ## Removes the virtual environment, what was built and all caches. The hub's own state, .hub, stays.
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find hub connectors tests migrations benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
