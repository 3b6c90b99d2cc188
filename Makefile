# Each target sets up what it needs in .venv; needs Python >= 3.11, pip and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
# One thread a process: the machine is shared by the tests' own workers.
export OMP_NUM_THREADS ?= 1
# Tests wait for processes that they start, a third of the time: two cores have work for three.
WORKERS ?= 3
# Tests start hundreds of processes: each would compile supnorm anew where Python is told to keep no bytecode.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test cases quick check docs bench claims mutants clean

demo: .venv/core
	$(BIN)/supnorm demo

test: .venv/dev
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m "not extra"

# Every case of every test: 40 minutes on two cores.
cases: .venv/dev
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup

quick: .venv/dev
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m "not slow and not browser"

check: .venv/dev
	$(BIN)/ruff check src tests examples benchmarks reproduce docs/site
	$(BIN)/ruff format --check src tests examples benchmarks reproduce docs/site
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation as a site in build/docs; index.html opens in a browser, only the search of the site needs a server.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "build/docs/index.html; with the search: $(BIN)/mkdocs serve"

bench: .venv/bench
	$(BIN)/python -m benchmarks.search

# The pages again from the stored results and the records, and which of the results are of older code.
claims: .venv/dev
	$(BIN)/python -m benchmarks.claims write
	$(BIN)/python -m tests.results.keys
	$(BIN)/python -m benchmarks.claims

# A sample of small faults planted in every room, and how many the tests kill: an hour and more.
mutants: .venv/dev
	$(BIN)/python -m benchmarks.mutants --each 4 --save

.venv/python: 
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "supnorm needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/core: .venv/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/dev: .venv/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ .venv/core .venv/docs

.venv/docs: .venv/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@ .venv/core

.venv/bench: .venv/dev
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv build dist
