# Everything runs in .venv, which the first target that needs it creates: a machine needs Python 3.11, pip and make.

PYTHON ?= python3
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
FRESH := $(VENV)/pyvenv.cfg
RUN := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check fmt bench clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(RUN) ## ask about, lint and show the example rules
	@$(BIN)/python scripts/demo.py

test: $(DEV) ## run the tests
	@$(BIN)/python -m pytest -n $(JOBS)

check: $(DEV) ## all that must hold: format, lint, types, layers, tests with coverage, the built wheel
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/fwpolicy fmt --check rules
	$(BIN)/fwpolicy lint --statistics $(filter-out rules/mistakes/ rules/lessons%,$(wildcard rules/*/))
	$(BIN)/fwpolicy learn --check rules/lessons
	$(BIN)/fwpolicy learn --check rules/lessons.de
	$(BIN)/python scripts/write_check_pages.py --check
	$(BIN)/python -m pytest -n $(JOBS) --cov
	$(BIN)/python scripts/check_wheel.py

fmt: $(DEV) ## format the code and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(DEV) ## run every benchmark
	@for file in $(sort $(wildcard benchmarks/*.py)); do echo "$$file"; $(BIN)/python "$$file" || exit; done

clean: ## remove what these targets made
	rm -rf $(VENV) policy/language/tables build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(FRESH):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed; if it has another name: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(RUN): pyproject.toml | $(FRESH)
	@echo "installing fwpolicy into $(VENV)" >&2
	@$(PIP) install --editable '.[exact]'
	@$(BIN)/python -m compileall -q policy
	@$(BIN)/python -m policy.language.grammar
	@touch $@

$(DEV): pyproject.toml | $(FRESH)
	@echo "installing fwpolicy and its tools into $(VENV)" >&2
	@$(PIP) install --editable '.[dev]'
	@$(BIN)/python -m compileall -q policy
	@$(BIN)/python -m policy.language.grammar
	@touch $(RUN) $@
