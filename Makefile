# Two commands matter: `make demo` shows the main job, `make test` passes the tests.
# Everything else of a machine than Python 3.11+ and make comes from locks/.

PYTHON ?= python3
BIN := .venv/bin
SAM := .venv-sam/bin/sam
CHECKOV := .venv-checkov/bin/checkov
# Lambda's Python builds its own packages; it need not be the one that runs everything else.
LAMBDA_PYTHON = $(firstword $(foreach python,python3.13 \
	$(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python3.13),\
	$(shell $(python) -c 'import sys; print(sys.executable)' 2>/dev/null)))
# The template without its loops, beside it because SAM takes the paths in it from there.
EXPANDED := template.expanded.json
REPOSITORIES := bootstrap/template.expanded.json
export SAM_CLI_TELEMETRY := 0

.PHONY: help setup demo test containers-test check lint bench validate build lambda-python lock clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

setup: .venv/.ready ## .venv with everything that runs, tests and checks the project

demo: setup ## Two simulated samples through the embedded runtime, in under a minute
	$(BIN)/python -m local.demo

test: setup ## Every test that needs nothing but this machine
	$(BIN)/python -m pytest -n auto --ignore tests/containers

containers-test: setup ## Every image that Debian and PyPI suffice for: built, and a real sample run in them
	$(BIN)/python -m pytest -n 0 tests/containers

check: lint validate build ## Format, lint, types, the templates and what is built of them
	$(BIN)/python -m pytest -q tests/infrastructure tests/structure

lint: setup ## Format, lint and types alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup ## Speed and memory as ratios against a baseline of the same run
	-@$(MAKE) --no-print-directory .venv-bench/.ready
	$(BIN)/python -m benchmarks

validate: setup .venv-sam/.ready .venv-checkov/.ready $(REPOSITORIES) ## What SAM, cfn-lint and checkov say
	$(BIN)/python -m infrastructure.expansion template.yaml $(EXPANDED)
	for template in $(EXPANDED) $(REPOSITORIES); do \
		$(SAM) validate --lint --template-file $$template --region us-east-1 || exit 1; \
		$(BIN)/cfn-lint $$template || exit 1; \
	done
	$(BIN)/python -m tests.infrastructure.transformed .aws-sam/transformed.json
	LOG_LEVEL=ERROR $(CHECKOV) --config-file .checkov.yaml \
		--file .aws-sam/transformed.json $(REPOSITORIES)

$(REPOSITORIES): bootstrap/template.yaml infrastructure/expansion.py .venv/.ready
	$(BIN)/python -m infrastructure.expansion $< $@

build: lambda-python setup .venv-sam/.ready ## The deployable artifacts, for Lambda's Python 3.13 on arm64
	$(BIN)/python -m infrastructure.expansion template.yaml $(EXPANDED)
	PATH="$(dir $(LAMBDA_PYTHON)):$$PATH" $(SAM) build --template-file $(EXPANDED)
	$(PYTHON) tests/infrastructure/built.py .aws-sam/build/CoreLayer

lambda-python:
	@if [ -z "$(LAMBDA_PYTHON)" ]; then \
		echo "make build needs Python 3.13, Lambda's own version, as python3.13 on PATH" >&2; \
		exit 1; \
	fi

lock: setup ## Newest versions of everything, written to locks/
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes --extra local --extra dev \
		pyproject.toml -o locks/project.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes --constraint locks/project.txt \
		locks/runner.in -o locks/runner.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes --constraint locks/project.txt \
		locks/report.in -o locks/report.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes locks/sam.in -o locks/sam.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes locks/checkov.in -o locks/checkov.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes locks/syft.in -o locks/syft.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --generate-hashes locks/bench.in -o locks/bench.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) layers/core/requirements.in \
		-o layers/core/requirements.txt

LOCK_OPTIONS := --quiet --upgrade --universal --python-version 3.11 \
	--no-emit-index-url --no-annotate --no-header

clean: ## Everything that was made
	rm -rf $(EXPANDED) $(REPOSITORIES) .venv .venv-sam .venv-checkov .venv-syft .venv-bench .aws-sam .seqdrop .pytest_cache .mypy_cache .ruff_cache .hypothesis

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

.venv-checkov/.ready: locks/checkov.txt
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/pip install --quiet --no-deps --require-hashes -r locks/checkov.txt
	@touch $@

# What lists the packages of images.
.venv-syft/.ready: locks/syft.txt
	$(PYTHON) -m venv .venv-syft
	.venv-syft/bin/pip install --quiet --no-deps --require-hashes -r locks/syft.txt
	@touch $@

# What Seqdrop is measured beside; a benchmark leaves out what could not be installed.
.venv-bench/.ready: locks/bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --no-deps --require-hashes -r locks/bench.txt
	@touch $@
