# NET8: `make demo` runs a street that trades, `make test` proves it, `make help` lists the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
STAMPS := $(VENV)/stamps
UV := $(VENV)/bin/uv
PY := $(VENV)/bin/python
SOLC_FOLDER := $(VENV)/solc
# Programs of Python's and npm's packages (vyper, ape, anvil, esbuild) are all in .venv/bin.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export UV_PYTHON := $(VENV)/bin/python
# Where ape-solidity looks for compilers before it would download one.
export SOLCX_BINARY_PATH := $(CURDIR)/$(SOLC_FOLDER)

.PHONY: help setup setup-dev demo test fuzz coverage venom mutate bench lint format abi lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

# --- setting up ------------------------------------------------------------------------------------------------------

setup: $(STAMPS)/packages $(STAMPS)/npm  ## what the demo needs: Python packages, anvil

setup-dev: setup $(STAMPS)/dev $(STAMPS)/npm-tests $(STAMPS)/npm-walletconnect  ## what tests and checks need on top

$(STAMPS)/uv: requirements-uv.lock
	@python=$$(scripts/bootstrap/find_python.sh) && \
	echo "making .venv with $$python" && \
	"$$python" -m venv --clear $(VENV) && \
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-uv.lock
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/requirements: requirements.lock $(STAMPS)/uv
	@echo "installing Python packages (about 1 GB the first time)"
	@$(UV) pip install --no-deps --require-hashes -r requirements.lock
	@touch $@

$(STAMPS)/packages: sdk/pyproject.toml oracle-node/pyproject.toml indexer/pyproject.toml frontend/pyproject.toml $(STAMPS)/requirements
	@$(UV) pip install --no-deps -e sdk -e oracle-node -e indexer -e frontend
	@touch $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/requirements
	@echo "installing what tests and checks need"
	@$(UV) pip install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

$(STAMPS)/npm: package-lock.json scripts/bootstrap/npm.sh $(STAMPS)/uv
	@echo "installing anvil and the browser libraries from npm"
	@scripts/bootstrap/npm.sh . anvil
	@ln -sf ../../$$(ls node_modules/@esbuild/*/bin/esbuild) $(VENV)/bin/esbuild
	@touch $@

$(STAMPS)/npm-tests: tests/package-lock.json scripts/bootstrap/npm.sh scripts/bootstrap/solc.sh $(STAMPS)/npm
	@echo "installing solc, forge and axe-core from npm"
	@scripts/bootstrap/npm.sh tests forge
	@scripts/bootstrap/solc.sh $(SOLC_FOLDER)
	@touch $@

$(STAMPS)/npm-walletconnect: frontend/wallet/walletconnect/package-lock.json scripts/bootstrap/npm.sh $(STAMPS)/npm
	@echo "installing what WalletConnect's bundle is made of from npm"
	@scripts/bootstrap/npm.sh frontend/wallet/walletconnect
	@touch $@

# Versions in the present files are kept where they still fit; delete a line of a file to take its package's newest.
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11
OWN := --no-emit-package net8-sdk --no-emit-package net8-oracle --no-emit-package net8-web --no-emit-package net8-indexer
lock: $(STAMPS)/uv  ## resolve dependencies anew after a change of a pyproject.toml
	@for lock in requirements requirements-dev requirements-node; do \
		test -z "$(LOCKS)" || cp $$lock.lock $(LOCKS); done
	@$(COMPILE) $(OWN) pyproject.toml -o $(LOCKS)requirements.lock
	@$(COMPILE) $(OWN) --group dev -c $(LOCKS)requirements.lock -o $(LOCKS)requirements-dev.lock
	@$(COMPILE) --group node -o $(LOCKS)requirements-node.lock

# --- using it --------------------------------------------------------------------------------------------------------

# Variables given to make reach the street by the environment; `make demo HELP=1` lists them all.
demo: setup  ## a street that trades; HEADLESS=1 SLOTS=8 without the app, HOMES=file.csv, DAY=, SEED=, HELP=1 lists all
	@exec $(PY) -m scripts.street $(if $(HELP),--help)

# ape's own test plugin would start its chain beside titanoboa's. Three workers keep two cores busy: many tests wait.
test: setup-dev $(STAMPS)/chromium $(STAMPS)/mosquitto $(STAMPS)/nats $(STAMPS)/postgresql  ## every test; TESTS=tests/sdk for some
	$(PY) -m pytest -p no:ape_test -n 3 --dist loadfile --no-loadscope-reorder $(TESTS)

$(STAMPS)/chromium: scripts/bootstrap/chromium.sh $(STAMPS)/dev
	@scripts/bootstrap/chromium.sh
	@touch $@

$(STAMPS)/mosquitto: scripts/bootstrap/mosquitto.sh $(STAMPS)/dev
	@scripts/bootstrap/mosquitto.sh
	@touch $@

$(STAMPS)/nats: scripts/bootstrap/nats.sh $(STAMPS)/dev
	@scripts/bootstrap/nats.sh
	@touch $@

$(STAMPS)/postgresql: scripts/bootstrap/postgresql.sh $(STAMPS)/dev
	@scripts/bootstrap/postgresql.sh
	@touch $@

# One process each: these take hours or leave a report behind.
fuzz: setup-dev  ## random histories against the model and on revm, by the hundred thousand: hours
	HYPOTHESIS_PROFILE=nightly $(PY) -m pytest -p no:ape_test -s --timeout 0 \
		tests/forge tests/contracts/test_exchange_stateful.py

coverage: setup-dev  ## lines of the contracts that their tests reach, per file; fails below 98 %
	$(PY) -m pytest -p no:ape_test -n 2 --dist loadfile -q --cov --cov-report=term-missing tests/contracts

venom: setup-dev  ## the contracts' tests on the compiler's other code generator
	$(PY) -m pytest -p no:ape_test -p venom -n 2 --dist loadfile -q \
		--ignore tests/contracts/test_sizes_and_layout.py tests/contracts venom

# Variables given to make reach it by the environment: CONTRACTS="Reserve NET8" MINUTES=30 JOBS=2 AGAIN=survivors.
mutate: setup-dev  ## small faults in the contracts, and whether the tests notice; resumes where it stopped
	@exec $(PY) -m mutation

bench: setup-dev  ## measure gas and latency, write bench/results.json, print it beside the figures to beat
	@exec $(PY) -m bench

lint: setup-dev  ## style, types, import directions, generated files
	ruff check .
	ruff format --check .
	mypy
	mamushi --check -l 120 contracts tests/contracts/hostile
	lint-imports
	$(PY) frontend/wallet/build.py --check
	@$(MAKE) --no-print-directory LOCKS=$(STAMPS)/ lock && for lock in requirements requirements-dev requirements-node; do \
		diff -q $$lock.lock $(STAMPS)/$$lock.lock || { echo "run make lock"; exit 1; }; done
	$(PY) -m scripts.bootstrap.check_libraries

format: setup-dev  ## format Python and Vyper
	ruff format .
	ruff check --fix .
	mamushi -l 120 contracts tests/contracts/hostile

abi: setup-dev  ## generate the SDK's ABIs and the Solidity interfaces from the contracts
	@$(PY) -m scripts.abi
	@$(PY) -m scripts.solidity

clean:  ## remove everything that was made here
	rm -rf $(VENV) node_modules tests/node_modules frontend/wallet/walletconnect/node_modules .build .street .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f deployments/31337.*
