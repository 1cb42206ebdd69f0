.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Other programs' modules have no place in these. Bytecode is kept, also where the environment says not to: it saves
# seconds each time.
unexport PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE
UV := UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv

help: ## List what can be typed.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Put everything this project needs into .venv.

# Say what a step does. On a terminal a dot a second shows that it goes on, until the step's shell ends.
step = echo "  $(1)"; [ ! -t 1 ] || { (while sleep 1; do printf .; done) & trap "kill $$!; echo" EXIT; }

# A .venv that was moved or copied here, or whose Python is gone, is no use: it is made anew.
BROKEN := $(shell test ! -e $(VENV)/.ready || { grep -qxF "$$(pwd -P)" $(VENV)/.ready && $(BIN)/python -c ''; } 2>/dev/null || echo broken-venv)

broken-venv:
	@rm -rf $(VENV)

$(VENV)/.ready: pyproject.toml components/pyproject.toml lambda_images/pyproject.toml local/pyproject.toml $(BROKEN)
	@echo "setting up $(VENV), once: 15 s, or a minute while packages are downloaded"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "aurora-lambda needs Python 3.11 or newer, found " + sys.version.split()[0] + ": run make PYTHON=/path/to/python3.11")'
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "could not create $(VENV): make this folder writable for you, or on Debian or Ubuntu, apt-get install python3-venv"; exit 1; }
	@$(call step,uv to install packages); $(BIN)/uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.13,<0.14"
	@$(call step,the project's packages); $(UV) sync --quiet
	@# Two processes have about half of it each.
	@$(call step,compiling what every command imports); \
	  $(BIN)/python -c 'import aurora_lambda_local.deployed.stack, aurora_lambda_local.cli.live_progress, aurora_lambda_local.supervisor.server, pulumi_aws.s3, pulumi_aws.cloudwatch' & \
	  $(BIN)/python -c 'import pulumi_aws.ec2, aurora_lambda.service.stack, aurora_lambda_local.program.deploy' && wait $$!
	@pwd -P > $@

up: setup ## Run the whole stack on this machine.
	@$(BIN)/aurora-lambda up

down: setup ## Stop it and delete its data.
	@$(BIN)/aurora-lambda down

# A file's tests stay together, in order: what they share is started once.
PYTEST := $(BIN)/pytest --dist=loadfile --no-loadscope-reorder

test: setup ## Run every test.
	@# Three processes, each with servers of its own: on two processors too, since many tests wait.
	@$(PYTEST) --numprocesses=3

test-fast: setup ## Run the tests that start no whole stack, build no image and wait for nothing.
	@$(PYTEST) --numprocesses=auto --maxprocesses=4 -m "not slow" tests

lint: setup ## Check style, types, imports, the Dockerfile, and the revisions for Aurora DSQL.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/ty check
	@$(BIN)/lint-imports
	@$(BIN)/hadolint lambda_images/aurora_lambda_runtime/Dockerfile
	@set -o pipefail; $(BIN)/python -m aurora_lambda_runtime.migrations.history.offline dsql lambda_images/application | $(BIN)/dsql-lint -

bench: setup ## Measure, and write docs/performance.md; with PEERS=1 other systems too.
	@PEERS=$(PEERS) $(BIN)/python -m tests.bench

config: setup ## Write the configuration keys into Pulumi.yaml and docs/configuration.md anew.
	@$(BIN)/python -m aurora_lambda.service.reference

picture: setup ## Record docs/first-run.svg and docs/console.png anew.
	@$(BIN)/python docs/first_run.py
	@$(BIN)/python docs/console_picture.py

base-image: ## Pin the images' base to its newest digest, in lambda_images/aurora_lambda_runtime/Dockerfile.
	@.ci/pin-base-image

lock: setup ## Write lambda_images/requirements/ anew from pyproject.toml.
	@for group in handler migrations; do \
	  $(UV) export --quiet --only-group $$group --no-emit-workspace --no-annotate --no-header \
	    --output-file lambda_images/requirements/$$group.txt; done

.PHONY: help setup broken-venv up down test test-fast lint bench config picture base-image lock
