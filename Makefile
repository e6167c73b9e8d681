# One line for each target; CI runs the same. PYTHON may name the interpreter of another virtual environment.
# Slow tests wait more than they compute, so four run at once however few cores there are.
PYTHON ?= .venv/bin/python

check: ; $(PYTHON) -m ruff check && $(PYTHON) -m ruff format --check && $(PYTHON) -m mypy && $(PYTHON) scripts/check_imports.py
test: ; $(PYTHON) -m pytest
test-all: ; $(PYTHON) -m pytest -m "not external"
through-daemon: ; $(PYTHON) -m pytest -n 0 -p tests.support.through_daemon -m "not external" tests/cli
slow: ; $(PYTHON) -m pytest -m slow -n 4
bench: ; $(PYTHON) -m tests.benchmarks.compare
external: ; $(PYTHON) -m pytest -m external
docs: ; $(PYTHON) -m scripts.write_man_pages && $(PYTHON) -m scripts.write_screenshot
screens: ; $(PYTHON) -m scripts.write_screens
contract: ; $(PYTHON) -m scripts.write_contract
completion: ; $(PYTHON) -m scripts.write_completion_table

.PHONY: check test test-all through-daemon slow bench external docs screens contract completion
