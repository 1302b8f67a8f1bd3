VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help up install test check format bench constraints clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: install ## Install what is missing, then start everything; Ctrl-C stops everything
	@exec $(BIN)/kyo up

install: $(VENV)/installed ## Make the virtual environment with all that KYO needs

test: $(VENV)/installed-dev ## Run all tests with coverage; ARGS="tests/db -k search" for some of them
	@scripts/install-browser
	@scripts/install-language-data
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS) --cov
else # the whole stack has the machine to itself; then the rest, a process for each processor
	@$(BIN)/python -m pytest tests/e2e --cov
	@$(BIN)/python -m pytest --ignore tests/e2e --numprocesses logical --maxprocesses 4 --dist loadfile --cov --cov-append
endif

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
