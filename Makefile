PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint typecheck

typecheck: ## mypy needs the import layout on disk: a folder of links stands in for it
	@mkdir -p .cache/source/typewright
	@for part in analysis assist cli indexer lsp models; do ln -sfn ../../../$$part .cache/source/typewright/$$part; done
	cd .cache/source && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml -p typewright

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
