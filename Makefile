# Every target sets up what it needs, from nothing, and re-uses it the next time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
DEV_READY := $(VENV)/.dev-ready
DEMO_READY := $(VENV)/.demo-ready

# One thread a library: two busy libraries on two cores are slower than one after the other.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export POLARS_MAX_THREADS := 2

.PHONY: record-consensus demo test check format docs protocol clean help bench-compression bench-hint bench-hde bench-transfer \
  bench-transfer-scale bench-storage bench-dedup-index bench-prefetch bench-bandwidth \
  bench-bandwidth-modes bench-transfer-forecast bench-anomaly bench-anomaly-nodes bench-anomaly-consensus \
  bench-anomaly-live bench-serving bench-hint-batches

help: ## list the targets
	@awk '{ while (sub(/\\$$/, "")) { getline more; $$0 = $$0 more } } \
	  /^[a-z].*##/ { names = $$0; sub(/:.*/, "", names); sub(/.*## /, ""); count = split(names, each, " "); \
	    for (at = 1; at <= count; at++) printf "%-26s%s\n", each[at], $$0 }' $(MAKEFILE_LIST)

demo: $(DEMO_READY) ## set up, then measure, train, evaluate, ask for hints and send files on this machine
	$(BIN)/dwcp demo

test: $(DEV_READY) ## set up, then run the whole test suite
	@sh tests/install-servers.sh
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(DEV_READY) ## format, lint, types, layers, generated documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m dwcp.cli.reference --check docs/reference
	$(BIN)/python -m benchmarks.pages --check

format: $(DEV_READY) ## mend format and lint where that can be done by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DEV_READY) ## write the generated reference
	$(BIN)/python -m dwcp.cli.reference --write docs/reference
	$(BIN)/python -m benchmarks.pages --write

bench-compression bench-hint bench-hde bench-dedup-index bench-prefetch bench-bandwidth bench-bandwidth-modes \
  bench-anomaly-nodes bench-anomaly-consensus bench-serving bench-hint-batches: bench-%: \
  $(DEV_READY) ## measure against the gates
	$(BIN)/python benchmarks/$(subst -,_,$*).py

bench-transfer: $(DEV_READY) ## measure transfers beside other tools over shaped links (root)
	$(BIN)/python -m benchmarks.transfer

bench-transfer-forecast: $(DEV_READY) ## measure what forecasts are worth to transfers, over recorded links (root)
	$(BIN)/python -m benchmarks.transfer_forecast

bench-anomaly: bench-anomaly-nodes bench-anomaly-consensus ## judge the detectors on recordings

bench-anomaly-live: $(DEV_READY) ## time the alarms of a watched etcd cluster with injected faults (root)
	$(BIN)/python -m benchmarks.consensus live

record-consensus: $(DEV_READY) ## record a real etcd cluster with injected faults (root)
	$(BIN)/python -m benchmarks.consensus record --out .dwcp/bench/consensus

bench-transfer-scale: $(DEV_READY) ## measure many small files, a huge sparse one, nonsense hints, kills
	$(BIN)/python benchmarks/transfer_scale.py

bench-storage: $(DEV_READY) ## keep version sets, beside other tools
	$(BIN)/python -m benchmarks.storage

$(BIN)/python:
	@echo "Setting up a virtual environment in $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "DWCP needs Python 3.11 or newer; run make with PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python cannot make a virtual environment; on Debian install python3-venv"; exit 2; }

$(DEMO_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing DWCP with the training extra (about 1 GB, once) ..."
	$(PIP) install -c constraints.txt -e '.[train]'
	@touch $@

$(DEV_READY): pyproject.toml constraints.txt $(DEMO_READY) | $(BIN)/python
	@echo "Installing the development tools ..."
	$(PIP) install -c constraints.txt -e '.[train,dev]'
	@touch $@

protocol: ## make the protobuf stubs from their descriptions
	$(PYTHON) -m venv build/protocol
	build/protocol/bin/pip install -q grpcio-tools==1.74.0
	build/protocol/bin/python src/dwcp/serving/protocol/generate.py

clean: ## remove what the targets made
	rm -rf $(VENV) .dwcp build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -exec rm -rf {} +
