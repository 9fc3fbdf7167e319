# elastometer: `make help` lists what can be done. CLUSTER says where: lab (default), kind, or current (KUBECONFIG).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLUSTER ?= lab
ORACLE_WORLDS ?= 1000
LAB := $(BIN)/python -m elastometer_lab
export PYTHONUNBUFFERED := 1

.PHONY: help setup lint test test-fast prepare demo lab-up lab-down lab-status e2e e2e-full bench bench-load vllm images clean oracle oracle-mutants oracle-tables

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Python environment in .venv, with everything that development needs

$(VENV)/.ready: pyproject.toml operator/vendor.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q -e '.[dev]'
	@touch $@

lint: setup ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test-fast: setup ## everything that needs no cluster
	$(BIN)/pytest -q -m 'not lab and not slow'

test: lint prepare ## what decides: lint, every fast test, and a real test on a real Kubernetes
	$(BIN)/pytest -m 'not slow' --cluster=$(CLUSTER)

prepare: setup
	@$(BIN)/python -m elastometer_lab.demo --cluster $(CLUSTER) --prepare-only

demo: setup ## a real Kubernetes, the chart, a test, a report  [CLUSTER=lab|kind|current]
	@$(BIN)/python -m elastometer_lab.demo --cluster=$(CLUSTER)

lab-up: setup ## the lab: a real Kubernetes on this host, as root, without Docker
	@$(LAB) up

lab-down: setup ## ends the lab and leaves nothing behind
	@$(LAB) down

lab-status: setup ## what runs in the lab, and what is wrong
	@$(LAB) status

images: setup ## builds the images and puts them into the lab
	@$(LAB) images

e2e: prepare ## the end-to-end tests alone, on the lab (or CLUSTER=kind|current)
	$(BIN)/pytest -m 'lab and not slow' --cluster=$(CLUSTER)

e2e-full: setup ## the same and the slow ones: KEDA, CPU, a real vLLM (6.2 GB in ~/.cache), the lab's own life cycle
	@$(BIN)/python -m elastometer_lab.demo --cluster $(CLUSTER) --prepare-only --keda
	-@$(BIN)/python tests/bench_load/real_vllm.py
	$(BIN)/pytest -m 'lab or slow' --cluster=$(CLUSTER)

oracle: setup ## the real HPA controller in new random worlds against our model  [ORACLE_WORLDS=1000 ORACLE_SEED=...]
	@$(BIN)/python tests/oracle/compare.py --worlds=$(ORACLE_WORLDS) $(if $(ORACLE_SEED),--seed=$(ORACLE_SEED))

oracle-mutants: setup ## breaks each rule of our model in turn: the worlds kept in git must notice
	@$(BIN)/python tests/oracle/mutants.py

oracle-tables: setup ## writes the cases of the HPA controller's own tests again, as data
	@$(BIN)/python tests/oracle/tables.py

bench: setup ## speed and memory, side by side with peers, as ratios
	@for script in tests/bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-load: setup ## the load generator beside other clients: CPU, TTFT, memory  [BENCH_RUNS=5]
	@$(BIN)/python tests/bench_load/bench_load.py

vllm: setup ## a real vLLM for this machine's CPU, 6.2 GB in ~/.cache: an end-to-end test and bench-load use it
	@$(BIN)/python tests/bench_load/real_vllm.py

clean: ## removes what was made in this directory
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
