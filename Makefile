PYTHON ?= python3.11
VENV ?= .venv
# Installed first, so that nothing larger than needed comes along; any newer torch works as well.
TORCH ?= torch==2.13.0
BIN := $(VENV)/bin
WEIGHTS := smollm2-135m minilm

.PHONY: demo test install weights lint typecheck self-check picture help

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: weights ## index, annotate, recommend, complete and check a real package
	$(BIN)/python docs/demo.py

test: weights lint typecheck self-check ## every check and every test
	$(BIN)/python -m pytest

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

weights: install ## the small weights, into the user's cache
	@for name in $(WEIGHTS); do $(BIN)/typewright models pull $$name || exit 1; done

lint: install ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: install ## mypy, strict; a folder of links stands in for the import layout, which mypy needs on disk
	@mkdir -p .cache/source/typewright
	@for part in analysis assist cli indexer lsp models; do ln -sfn ../../../$$part .cache/source/typewright/$$part; done
	cd .cache/source && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml -p typewright

self-check: install ## our own code, by our own check
	$(BIN)/typewright check analysis assist cli indexer lsp models

picture: weights ## the picture in the README, from a real run of the demo
	$(BIN)/python docs/demo.py --svg docs/demo.svg
