# Everything happens in .venv, made here from hashed lock files; PYTHON chooses the interpreter.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo check test lint types quick unit test-ci test-user lock wheel clean
# Children of the tests import what another has compiled.
unexport PYTHONDONTWRITEBYTECODE
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime
	$(BIN)/loadgen demo

# While you work: a minute, no server.
check: lint
	$(MAKE) --no-print-directory -j2 types quick

# Types are checked beside the tests, which wait for their servers in part.
test: lint
	$(MAKE) --no-print-directory -j2 types unit

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

# Four processes have the cores: threads of matrices would only wait for each other.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest

quick: $(VENV)/.dev
	$(PYTEST) --numprocesses=2 -m "not server and not browser and not slow and not ci"

unit: $(VENV)/.dev
	$(PYTEST) -m "not ci"

# What takes too long for every change.
test-ci: $(VENV)/.dev
	$(PYTEST) -m ci

# What may differ for an ordinary user, without root and without a network.
test-user: $(VENV)/.dev
	$(PYTEST) -m "user and not ci"

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements.lock build.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock -r build.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# Needs uv on PATH and the network: the only target that does.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'
lock:
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) --group build --constraint requirements.lock --output-file build.lock
	$(LOCK) pyproject.toml --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock

wheel: $(VENV)/.dev
	$(BIN)/python -m build --wheel --no-isolation

clean:
	rm -rf $(VENV) dist build *.egg-info
