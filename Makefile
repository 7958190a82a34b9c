# make help lists the targets. Only git, make and Python (with venv) are needed; nothing here needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDIES ?= demo
PORT ?= 3000
SECONDS ?= 60
FUZZ = $(BIN)/python -m omics_orchestrator_tests.formats.fuzz
COMPILED := --format fastq --format vcf --format bam
.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-faults test-compose load fuzz check format dev bench lock schemas clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed: $$($(PYTHON) --version) was found; choose with PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing: apt-get install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; exit 1; }
	@echo "installing into $(VENV) (once) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --require-hashes -r requirements.lock || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -c 'import pathlib, sysconfig; (pathlib.Path(sysconfig.get_path("purelib")) / "omics_orchestrator.pth").write_text(str(pathlib.Path.cwd()) + "\n")'
	@printf '#!/bin/sh\nexec "%s" -m omics_orchestrator.cli "$$@"\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/omics && chmod +x $(BIN)/omics
	@touch $@

install: $(VENV)/.installed ## build .venv from the lock file

demo: install ## generate the demo cohort and materialise everything (STUDIES=demo|public|all)
	@$(BIN)/omics demo --studies $(STUDIES)

dev: install ## open the Dagster UI on the same instance (PORT=3000)
	@$(BIN)/omics dev --port $(PORT)

test: install ## run the test suite
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow and not compose"

test-slow: install ## run the slow load and browser tests
	@$(BIN)/python -m pytest -q -m "slow and not faults" --timeout 900

test-faults: install ## kill runs, servers and connections in the middle of work
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m faults --timeout 600

test-compose: install ## bring the server stack up in containers and try it (DOCKER_HOST; skipped without an engine)
	@$(BIN)/python -m pytest -q -rfE -m compose omics_orchestrator_tests/compose

load: install ## 1,000 files in a minute and 50 studies in a night, measured
	@$(BIN)/python -m omics_orchestrator_tests.load

fuzz: install ## read random files until SECONDS are over (SECONDS=60 SEED=…)
	@$(BIN)/python -m omics_orchestrator_tests.sources.fuzz --seconds $$(($(SECONDS) / 4)) $(if $(SEED),--seed $(SEED))
	@$(FUZZ) --seconds $$(($(SECONDS) / 2)) $(if $(SEED),--seed $(SEED))
	@$(FUZZ) --seconds $$(($(SECONDS) / 8)) $(if $(SEED),--seed $(SEED)) --numba checked $(COMPILED)
	@$(FUZZ) --seconds $$(($(SECONDS) / 8)) $(if $(SEED),--seed $(SEED)) --numba off $(COMPILED)

check: install ## the one gate: format, lint, types, layers, declarations, schemas
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m omics_orchestrator.studies.schema --check
	@$(BIN)/omics check
	@XDG_DATA_HOME="$(CURDIR)/$(VENV)/caddy-home" OMICS_USERS=omics_orchestrator_tests/end_to_end/users \
	  $(BIN)/caddy validate --config Caddyfile >$(VENV)/caddy.log 2>&1 || { cat $(VENV)/caddy.log; exit 1; }

format: install ## format and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

schemas: install ## write data_dictionary/schema from the models
	@$(BIN)/python -m omics_orchestrator.studies.schema

bench: install ## measure against the physical limit and a peer
	@$(BIN)/python -m bench

lock: install ## resolve requirements.lock anew for Python 3.11 to 3.13
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
	  --no-header --all-extras --upgrade --quiet pyproject.toml -o requirements.lock

clean: ## remove what the demo made (.omics) and the environment
	rm -rf .omics $(VENV)
