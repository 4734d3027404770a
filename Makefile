# Needs python3 (3.11 or later) with venv, and make; everything else is installed into .venv at first use.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEMO_HOME ?= .demo

.PHONY: demo clean-demo test check lint format soak bench screenshots docs

demo: $(READY)  ## try everything on a practice organisation (it goes on where it was; make clean-demo begins anew)
	@$(BIN)/mse-tui --home $(DEMO_HOME) demo $(DEMO)

clean-demo:
	rm -rf $(DEMO_HOME)

test: $(READY)  ## the quick tests
	$(BIN)/pytest -n 2 -q

check: $(READY)  ## all that .ci/run checks: lint, types, import contracts, quick and slow tests
	.ci/run

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: $(READY)  ## hours: every test, with 500 seeds, 100 kills and a million messages; figures at the end
	MSE_TUI_SEEDS=soak $(BIN)/pytest -n 2 -m "" --timeout 0 -rP

bench: $(READY)  ## speed against plain scripts and bare loops
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.calendars
	$(BIN)/python -m tests.benchmarks.directory
	$(BIN)/python -m tests.benchmarks.groups
	$(BIN)/python -m tests.benchmarks.stubbing
	$(BIN)/python -m tests.benchmarks.expiry
	$(BIN)/python -m tests.benchmarks.search
	$(BIN)/python -m tests.benchmarks.terminal

screenshots: $(READY)  ## docs/screenshots/*.svg, from the app itself
	$(BIN)/python -m tests.screenshots

docs: $(READY)  ## what is generated from the code: troubleshooting, keys
	$(BIN)/python docs/generate.py

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("mse-tui needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv --no-deps --editable .
	@touch $(READY)
