PYTHON ?= python3
VENV := .venv
# Twice as many workers as two cores: many tests wait for processes.
PYTEST_ARGS ?= -n 4 --dist worksteal
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export HF_HUB_DISABLE_TELEMETRY := 1
# Tests start hundreds of processes; without bytecode each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test faults check format lint types contracts pictures keys commands bench clean

help:  ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tuner needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	touch $(STAMP)

demo: $(STAMP)  ## Install and run the embedded study
	$(BIN)/tuner demo

test: $(STAMP)  ## All tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

faults: $(STAMP)  ## Hundreds of kills, pauses and faults, and a soak: up to an hour
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m "long or not long" tests/faults tests/tui/test_every_key.py

format: $(STAMP)  ## Format the code
	$(BIN)/ruff format tuner tests benchmarks
	$(BIN)/ruff check --fix tuner tests benchmarks

lint: $(STAMP)  ## Format and lint, checked
	$(BIN)/ruff format --check tuner tests benchmarks
	$(BIN)/ruff check tuner tests benchmarks

types: $(STAMP)  ## mypy, strict
	$(BIN)/mypy

contracts: $(STAMP)  ## Who may import whom
	$(BIN)/lint-imports

check: lint types contracts test  ## Everything, before a commit

pictures: $(STAMP)  ## The README's pictures, from recorded sessions
	$(BIN)/python -m tests.tui.pictures

keys: $(STAMP)  ## docs/keys.md, from the bindings
	$(BIN)/python -m tests.tui.key_table

commands: $(STAMP)  ## The README's table of commands, from the catalog
	$(BIN)/python -m tests.cli.command_table

reference: $(STAMP)  ## The tables of docs/recipe.md, from the schema
	$(BIN)/python -m tests.recipe.reference

bench: $(STAMP)  ## Benchmarks, in brief; in full with FULL=1
	for script in training techniques evaluation overhead study parity ui; do \
		$(BIN)/python benchmarks/$$script.py $(if $(FULL),,--smoke) || exit 1; done

clean:  ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
