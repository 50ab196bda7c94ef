# Everything runs in .venv, made by the first target that needs it.

PYTHON ?= python3.11
BIN := .venv/bin
ENVIRONMENT := .venv/.made

.PHONY: demo app test test-all bench screenshots checks system-packages clean

demo: $(ENVIRONMENT)
	$(BIN)/python main.py edit --scene person --edit raise-arms --out outputs/demo --resume
	$(BIN)/python main.py export outputs/demo

app: $(ENVIRONMENT)
	$(BIN)/python main.py

test: checks
	.ci/with-display $(BIN)/python -m pytest -n 2 -m "not slow"

test-all: checks
	.ci/with-display $(BIN)/python -m pytest

bench: $(ENVIRONMENT) system-packages
	$(BIN)/python -m qnerf_core.evaluation.benchmark
	.ci/with-display $(BIN)/python -m app.bench

screenshots: $(ENVIRONMENT) system-packages
	.ci/with-display $(BIN)/python -m app.screenshots --out docs/pictures

checks: $(ENVIRONMENT) system-packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy qnerf_core app main.py
	$(BIN)/lint-imports

system-packages:
	@.ci/system-packages

$(ENVIRONMENT): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { echo "Cannot make .venv. On Debian and Ubuntu: apt-get install python3.11-venv"; exit 1; }
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -c constraints.txt -e ".[test]"
	@touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
