# make demo    from a fresh machine to a picture
# make check   what must hold before a commit

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Quiet twice: errors only.
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install --constraint constraints.txt

.PHONY: demo test check lint docs

# The DNG is a simulated night shot: it holds a hundredth of the light that its picture needs.
demo: $(VENV)/installed
	@$(BIN)/darkroom enhance examples/dark_coffee.dng --ratio 100 --out demo --overwrite
	@echo "The picture is demo/dark_coffee.dng.tif"

# The whole suite: tests, doctests, examples, links and commands in the documents.
test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

# Write the command reference again after a change of the command line.
docs: $(VENV)/installed
	$(BIN)/python docs/make_cli.py

# torch goes first and alone: a build that is on the machine already, with or without CUDA, stays.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable '.[dev]'
	@touch $@
