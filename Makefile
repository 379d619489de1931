# `make run` and `make test` set everything up by themselves: Python 3.11+, make and git are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.PHONY: help run test unit lint format types bench soak lock clean web setup fuzz

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 20

$(VENV)/.run-stamp: requirements/pbxis.txt pyproject.toml
	@$(PYTHON) tools/setup.py run

$(VENV)/.dev-stamp: requirements/dev.txt pyproject.toml
	@$(PYTHON) tools/setup.py dev

WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' 2>/dev/null)
services/gateway/static/.stamp: $(WEB_SOURCES) tools/web.py | $(VENV)/.run-stamp
	@$(BIN)/python tools/web.py build
	@touch $@

web: services/gateway/static/.stamp ## build the pages

setup: $(VENV)/.run-stamp services/gateway/static/.stamp

run: setup ## run everything on this machine; CONFIG=pbxis.toml for a real PBX
	@exec $(BIN)/pbxis up $(if $(CONFIG),--config $(CONFIG))

test: setup $(VENV)/.dev-stamp ## all checks and all tests
	@$(BIN)/python tools/check.py

unit: $(VENV)/.dev-stamp ## the unit tests alone, in seconds
	@$(BIN)/python tools/check.py unit

lint: $(VENV)/.dev-stamp ## formatting, lint rules and import contracts
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports --no-cache

format: $(VENV)/.dev-stamp ## format the Python code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

types: $(VENV)/.dev-stamp ## strict type check
	@$(BIN)/basedpyright

bench: $(VENV)/.dev-stamp ## the benchmarks, each against its floor
	@$(BIN)/python -m benchmarks

soak: $(VENV)/.dev-stamp ## an hour of demo load with 500 clients coming and going; the result is kept
	@$(BIN)/python -m benchmarks.soak

fuzz: $(VENV)/.dev-stamp ## randomised tests; MINUTES=10, SEED=n and PART=ami|hub if wanted
	@$(BIN)/python tools/fuzz.py --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) \
		$(if $(PART),--part $(PART)) $(if $(CASE),--case $(CASE))

lock: $(VENV)/.dev-stamp ## compile requirements/*.in to pinned, hashed requirements/*.txt
	@$(BIN)/python tools/lock.py

clean: ## remove what the above made
	rm -rf $(VENV) web/node_modules services/gateway/static .ruff_cache .coverage .hypothesis
