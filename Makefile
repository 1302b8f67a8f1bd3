VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help up install test coverage check format bench constraints clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: install ## Install what is missing, then start everything; Ctrl-C stops everything
	@exec $(BIN)/kyo up

install: $(VENV)/installed ## Make the virtual environment with all that KYO needs

test: $(VENV)/installed-dev ## Run all tests; ARGS="tests/db -k search" for some of them
	@scripts/install-browser
	@scripts/install-language-data
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else # the whole stack has the machine to itself; then the rest, some processes that share it by files
	@$(BIN)/python -m pytest tests/e2e
	@$(BIN)/python -m pytest --ignore tests/e2e --numprocesses 3 --max-worker-restart 1 --dist loadfile
endif

coverage: $(VENV)/installed-dev ## The same, and list the lines that no test has run; takes a third longer
	@$(BIN)/coverage erase
	@PYTEST_ADDOPTS="--cov --cov-append" $(MAKE) --no-print-directory test

check: $(VENV)/installed-dev ## Format, lint, types, import directions
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/installed-dev ## Format the code and put right what can be put right without thinking
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench: $(VENV)/installed-dev ## Run the benchmarks, hours; what they may use again stays in .bench; see docs/benchmarks.md
	@for bench in benchmarks/*.py; do \
		if grep -q __main__ "$$bench"; then \
			echo "== $$bench"; \
			keep=$$(grep -o -m1 -e '--keep"' "$$bench" | tr -d '"'); \
			$(BIN)/python -m "benchmarks.$$(basename "$$bench" .py)" $${keep:+$$keep .bench} || exit 1; \
		fi; \
	done

constraints: $(VENV)/installed-dev ## Write the versions that are installed now into constraints.txt
	@scripts/freeze $(BIN)/python > constraints.new && mv constraints.new constraints.txt

clean: ## Remove the virtual environment and caches; documents and people in .kyo stay
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov

$(BIN)/python:
	@python=$$(scripts/find-python) && "$$python" -m venv $(VENV)

$(VENV)/installed: $(PINS) | $(BIN)/python
	@echo "Installing KYO (the first time takes some minutes)…"
	@$(PIP) install --quiet --editable . --constraint constraints.txt
	@touch $@

$(VENV)/installed-dev: $(PINS) | $(BIN)/python
	@echo "Installing KYO and what its tests need (the first time takes some minutes)…"
	@$(PIP) install --quiet --editable '.[dev]' --constraint constraints.txt
	@touch $@ $(VENV)/installed
