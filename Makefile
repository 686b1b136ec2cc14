# Two commands matter: `make demo` shows the main job, `make test` passes the tests.
# Everything else of a machine than Python 3.11+ and make comes from locks/.

PYTHON ?= python3
BIN := .venv/bin
SAM := .venv-sam/bin/sam
export SAM_CLI_TELEMETRY := 0

.PHONY: help setup demo test check bench validate build lock clean

help: ## What can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: .venv/.ready ## .venv with everything that runs, tests and checks the project

demo: setup ## Two simulated samples through the embedded runtime, in under a minute
	$(BIN)/python -m local.demo

test: setup ## Every test that needs nothing but this machine
	$(BIN)/python -m pytest

check: setup validate ## Format, lint, types, the template and the state machine
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml
	$(BIN)/python -m pytest -q tests/infrastructure tests/structure

bench: setup ## Speed and memory as ratios against a baseline of the same run
	$(BIN)/python -m benchmarks

validate: .venv-sam/.ready ## What SAM itself says of the template
	$(SAM) validate --lint --template-file template.yaml --region us-east-1

build: .venv-sam/.ready ## The deployable artifacts, for Lambda's Python 3.13 on arm64
	$(SAM) build --template-file template.yaml

lock: setup ## Newest versions of everything, written to locks/
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes --extra local --extra dev \
		pyproject.toml -o locks/project.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes locks/sam.in -o locks/sam.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) layers/core/requirements.in \
		-o layers/core/requirements.txt

LOCK_OPTIONS := --quiet --upgrade --universal --python-version 3.11 \
	--no-emit-index-url --no-annotate --no-header

clean: ## Everything that was made
	rm -rf .venv .venv-sam .aws-sam .seqdrop .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/.ready: locks/project.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Seqdrop needs Python 3.11 or newer; this is " \
		+ sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-deps --require-hashes -r locks/project.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# SAM pins what it needs to other versions than the project does.
.venv-sam/.ready: locks/sam.txt
	$(PYTHON) -m venv .venv-sam
	.venv-sam/bin/pip install --quiet --no-deps --require-hashes -r locks/sam.txt
	@touch $@
