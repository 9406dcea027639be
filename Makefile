# Two commands do everything from a fresh clone: `make quickstart` and `make test`. `make` alone lists the others.
#
#   make test PYTHON=python3.12            the interpreter that makes a new .venv
#   make quickstart RUN_DIR=runs/mine      where the run goes; ARGS='seed=1 rounds=3' changes its configuration
#
# On Linux, pip's usual index gives PyTorch with CUDA: several GB that a CPU does not need. To take the CPU build, name
# an index that has CPU wheels in the environment (PIP_EXTRA_INDEX_URL) or for PyTorch alone (TORCH_ARGS='--index-url …').

PYTHON ?= python3
RUN_DIR ?= runs/quickstart-$(shell date +%Y%m%d-%H%M%S)
ARGS ?=
TORCH_ARGS ?=

VENV := .venv
IN_VENV := $(VENV)/bin/python
STAMP := $(VENV)/.installed
TORCH := $(shell grep '^torch==' constraints.txt)
# A process for each core, four at most, and whole files to each: what the tests of a file share is made once. Plain
# `python -m pytest` runs the same tests in one process.
PYTEST := OMP_NUM_THREADS=1 $(IN_VENV) -m pytest -n logical --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help install quickstart test test-slow check format golden benchmark-quickstart benchmark-code-triplet benchmark-loop benchmark-verifiers benchmark-environments benchmark-games soak papers clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 26

install: $(STAMP) ## make .venv and install the project into it

$(STAMP): pyproject.toml constraints.txt
	@test -x $(IN_VENV) || $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 …")'
	@test -x $(IN_VENV) || $(PYTHON) -m venv $(VENV)
	$(IN_VENV) -m pip install --quiet $(TORCH_ARGS) $(TORCH)
	$(IN_VENV) -m pip install --quiet -c constraints.txt -e ".[test]"
	@touch $@

quickstart: $(STAMP) ## the main job: a tiny model lifts itself by self-play, in minutes
	$(IN_VENV) -m scripts.train --config configs/quickstart.yaml --run-dir $(RUN_DIR) $(ARGS)

test: $(STAMP) ## the tests, without the slow ones
	$(PYTEST) -m "not slow"

test-slow: $(STAMP) ## the tests that take minutes: whole runs, killed runs, two processes
	$(PYTEST) -m slow

check: $(STAMP) ## format, lint, types, tests
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m mypy
	$(PYTEST) -m "not slow"

format: $(STAMP) ## rewrite the code in the project's format
	$(IN_VENV) -m ruff format .
	$(IN_VENV) -m ruff check --fix .

golden: $(STAMP) ## rewrite the golden playthroughs of environments and games; look at the difference before committing it
	$(IN_VENV) -m scripts.golden

benchmark-quickstart: $(STAMP) ## five seeds and the controls: writes benchmarks/quickstart.md (hours)
	$(IN_VENV) -m benchmarks.quickstart

benchmark-code-triplet: $(STAMP) ## three seeds and two controls: writes benchmarks/code_triplet.md (an hour)
	$(IN_VENV) -m benchmarks.code_triplet

papers: $(STAMP) ## the papers' claims at small scale, RECIPE=… for one: writes benchmarks/papers.md (hours)
	$(IN_VENV) -m benchmarks.papers $(RECIPE)

benchmark-loop: $(STAMP) ## where the time of a round goes: writes benchmarks/loop.md
	$(IN_VENV) -m benchmarks.loop

benchmark-verifiers: $(STAMP) ## verifiers against what else there is: writes benchmarks/verifiers.md
	$(IN_VENV) -m benchmarks.verifiers

benchmark-environments: $(STAMP) ## problems made and read, games played a second: writes benchmarks/environments.md
	$(IN_VENV) -m benchmarks.environments

benchmark-games: $(STAMP) ## Kuhn poker and tic-tac-toe over seeds: writes benchmarks/games.md (an hour)
	$(IN_VENV) -m benchmarks.games

soak: $(STAMP) ## 200,000 programs and answers with processes killed at random: writes benchmarks/soak.md
	$(IN_VENV) -m benchmarks.soak --items 200000

clean: ## remove .venv and caches; runs stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
