# Everything a developer or an operator says to Gatepost; `make` alone lists it.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.installed-runtime
DEV := .venv/.installed-dev
PROXIES := .venv-proxies/.installed

# Tests that no database can change, or that are about SQLite.
NO_DATABASE := tests/browser tests/proxies tests/journeys/test_load.py tests/test_architecture.py tests/test_config*.py \
	tests/test_deploy.py tests/test_docs.py tests/test_templates.py tests/services/test_mail_smtp.py \
	tests/services/test_sms_twilio*.py

# What the environment already sets wins over these.
PORT := $(or $(PORT),8000)
HOST := $(or $(HOST),127.0.0.1)
WORKERS := $(or $(WORKERS),2)
THREADS := $(or $(THREADS),4)
GATEPOST_TEST_POSTGRES := $(or $(GATEPOST_TEST_POSTGRES),postgresql://postgres@127.0.0.1:5432/postgres)

PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes
GRANIAN := exec $(BIN)/granian --interface wsgi --factory app:serve --no-ws --blocking-threads $(THREADS) --workers-kill-timeout 15
# Two servers on one port would answer in turn: granian's workers share theirs with whoever asks.
LISTEN := $(BIN)/python -c 'import socket, sys; host, port = sys.argv[1:]; socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET)'
CANNOT_LISTEN := "Gatepost cannot listen there: the port is taken, or no address of this machine was named. PORT=8001 chooses another port."
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(LOCK_FLAGS)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(DEV) ## Make .venv and install what development needs (run and test do it by themselves)

.PHONY: proxies
proxies: $(PROXIES) ## Make .venv-proxies: the real proxies and apps that tests/proxies runs (apt has the others)

.PHONY: run
run: export GATEPOST_ENV := $(or $(GATEPOST_ENV),development)
run: export PORT := $(PORT)
run: $(RUNTIME) ## Run a development portal on 127.0.0.1:8000 (PORT=8001 moves it)
	@$(LISTEN) 127.0.0.1 $(PORT) 2> /dev/null || { echo $(CANNOT_LISTEN) >&2; exit 1; }
	@$(BIN)/flask db upgrade
	@echo "Gatepost: http://127.0.0.1:$(PORT) (texts and mails: http://127.0.0.1:$(PORT)/dev/outbox)"
	@$(GRANIAN) --host 127.0.0.1 --port $(PORT) --workers 1

.PHONY: upgrade
upgrade: $(RUNTIME) ## Prepare or upgrade the database (settings from the environment; run does so by itself)
	@$(BIN)/flask db upgrade

.PHONY: serve
serve: $(RUNTIME) ## Run the production server (HOST, PORT, WORKERS, THREADS; settings from the environment)
	@$(LISTEN) $(HOST) $(PORT) 2> /dev/null || { echo $(CANNOT_LISTEN) >&2; exit 1; }
	@$(BIN)/flask ready
	@$(GRANIAN) --host $(HOST) --port $(PORT) --workers $(WORKERS) --respawn-failed-workers

.PHONY: test
test: $(DEV) ## Run the tests on SQLite, then those without a browser on PostgreSQL, where one answers
	@$(BIN)/pytest --numprocesses auto
	@$(MAKE) --no-print-directory test-postgresql

.PHONY: test-postgresql
test-postgresql: export GATEPOST_TEST_DATABASE_URL := $(GATEPOST_TEST_POSTGRES)
test-postgresql: $(DEV) ## Run them on PostgreSQL alone (at GATEPOST_TEST_POSTGRES), without those that it cannot change
	@if $(BIN)/python -c 'import os, psycopg; psycopg.connect(os.environ["GATEPOST_TEST_DATABASE_URL"], connect_timeout=3)' 2> /dev/null; then \
		$(BIN)/pytest --numprocesses auto $(addprefix --ignore-glob=,$(NO_DATABASE)); \
	else \
		echo "SKIPPED the same tests on PostgreSQL: no server answers at GATEPOST_TEST_POSTGRES." \
			"Install one (apt-get install postgresql) and name it: make test GATEPOST_TEST_POSTGRES=postgresql://user:password@host/postgres"; \
		[ "$${CI:-}" != true ]; \
	fi

.PHONY: lint
lint: $(DEV) ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: $(DEV) ## Check types
	@$(BIN)/mypy

.PHONY: check
check: test lint types ## Run all that CI runs: tests, lint, format, types

.PHONY: bench
bench: $(DEV) ## Measure sign-ins, growth and verdicts against the production server
	@$(BIN)/python -m bench

.PHONY: docs
docs: $(RUNTIME) ## Write docs/configuration.md from config.py
	@$(BIN)/flask settings docs > docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md

.PHONY: samples
samples: $(DEV) ## Write deploy/forward-auth, the lines for proxies, from templates/proxies
	@$(BIN)/python -m tests.proxies.write_samples

.PHONY: screenshots
screenshots: $(DEV) ## Take the README's screenshots of the running product
	@$(BIN)/python -m tests.browser.take_screenshots

.PHONY: lock
lock: $(DEV) ## Write the locked requirements from the .in files (LOCK_FLAGS=--upgrade for newer ones)
	@$(COMPILE) requirements.in --output-file requirements.txt
	@$(COMPILE) requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt
	@$(COMPILE) requirements-proxies.in --output-file requirements-proxies.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gatepost needs Python 3.11 or newer; say which: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt into .venv"
	@$(PIP_INSTALL) --requirement requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing requirements-dev.txt into .venv"
	@$(PIP_INSTALL) --requirement requirements-dev.txt
	@touch $(RUNTIME) $@

# Apart from .venv: nothing of the portal may come to lean on what an app or a proxy brings along.
$(PROXIES): requirements-proxies.txt
	@echo "Installing requirements-proxies.txt into .venv-proxies"
	@$(PYTHON) -m venv .venv-proxies
	@.venv-proxies/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --requirement requirements-proxies.txt
	@touch $@
