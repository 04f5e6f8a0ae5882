# Two commands do everything: `make app` starts the app, `make test` passes every test.
# Each makes the environment it needs in .venv. PYTHON chooses the interpreter (3.11 or newer), PORT the app's port;
# TORCH_CPU_INDEX another index of PyTorch's CPU builds, or none if it is empty (see install.py).

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PORT ?= 8501

.PHONY: app test lint bench fuzz venv screenshots train clean

app: $(VENV)/.run
	$(BIN)/python -m photosearch app --no-browser --port $(PORT)

test: $(VENV)/.dev $(VENV)/.browser $(VENV)/.postgres
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz --minutes 10

screenshots: $(VENV)/.dev $(VENV)/.browser
	$(BIN)/python -m tests.browser.screenshots

train: $(VENV)/.dev
	$(BIN)/python -m training --everyday $(EVERYDAY)

venv: $(VENV)/.dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: install.py requirements.txt | $(BIN)/python
	$(BIN)/python install.py requirements.txt
	touch $@

$(VENV)/.dev: install.py requirements-dev.txt requirements-milvus.txt requirements-ray.txt requirements-s3.txt requirements.txt | $(BIN)/python
	$(BIN)/python install.py requirements-dev.txt
	touch $(VENV)/.run $@

$(VENV)/.browser: tests/browser/install.sh | $(VENV)/.dev
	tests/browser/install.sh $(BIN)/python
	touch $@

$(VENV)/.postgres: tests/postgres/install.sh | $(VENV)/.dev
	tests/postgres/install.sh $(BIN)/python
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
