# elastometer: `make help` lists all targets. CLUSTER selects the cluster: lab (default), kind, or current (KUBECONFIG).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLUSTER ?= lab
SIZE ?= smoke
ENGINE ?= standin
ORACLE_WORLDS ?= 1000
LAB := $(BIN)/python -m elastometer_lab
export PYTHONUNBUFFERED := 1

.PHONY: help setup lint test test-fast prepare demo lab-up lab-down lab-status e2e e2e-full bench bench-study bench-judge bench-load gate-corpus vllm studies studies-broken images screenshots clean oracle oracle-mutants oracle-tables

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## create .venv with everything needed for development

$(VENV)/.ready: pyproject.toml operator/vendor.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q -e '.[dev]'
	@touch $@

lint: setup ## run ruff, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test-fast: setup ## run every test that needs no cluster, except the slow ones
	$(BIN)/pytest -q -m 'not lab and not slow'

test: lint prepare ## the full check: lint, every fast test, and a real test on a real Kubernetes  [CLUSTER=lab|kind|current]
	$(BIN)/pytest -m 'not slow' --cluster=$(CLUSTER)

prepare: setup
	@$(BIN)/python -m elastometer_lab.demo --cluster $(CLUSTER) --prepare-only

demo: setup ## start a real Kubernetes, install the chart, run a test, write a report  [CLUSTER=lab|kind|current ENGINE=standin|vllm]
	@$(BIN)/python -m elastometer_lab.demo --cluster=$(CLUSTER) --engine=$(ENGINE)

studies: setup ## run the studies of manifests/studies; reports in runs/studies  [SIZE=smoke STUDY=limits ENGINE=standin|vllm]
	@$(BIN)/python -m elastometer_lab.studies --cluster=$(CLUSTER) --size=$(SIZE) --engine=$(ENGINE) \
		$(if $(STUDY),--study=$(STUDY)) $(if $(MODEL_DIR),--model-dir=$(MODEL_DIR))

studies-broken: setup ## run them against a stand-in that misbehaves: what was planted, what was found  [RUNS="start oom"]
	@$(BIN)/python tests/studies/broken.py --cluster=$(CLUSTER) $(if $(RUNS),--only $(RUNS))

lab-up: setup ## start the lab: a real Kubernetes on this host, as root, without Docker
	@$(LAB) up

lab-down: setup ## stop the lab and remove everything but its cache
	@$(LAB) down

lab-status: setup ## show what runs in the lab and what is wrong
	@$(LAB) status

images: setup ## build the images and import them into the lab
	@$(LAB) images

e2e: prepare ## run only the end-to-end tests  [CLUSTER=lab|kind|current]
	$(BIN)/pytest -m 'lab and not slow' --cluster=$(CLUSTER)

e2e-full: setup ## run e2e and the slow tests: KEDA, CPU, a real vLLM (6.2 GB in ~/.cache), the lab's own life cycle
	@$(BIN)/python -m elastometer_lab.demo --cluster $(CLUSTER) --prepare-only --keda
	-@$(BIN)/python -m elastometer_lab.vllm
	$(BIN)/pytest -m 'lab or slow' --cluster=$(CLUSTER)

oracle: setup ## compare our HPA model with the real controller in new random worlds  [ORACLE_WORLDS=1000 ORACLE_SEED=...]
	@$(BIN)/python tests/oracle/compare.py --worlds=$(ORACLE_WORLDS) $(if $(ORACLE_SEED),--seed=$(ORACLE_SEED))

oracle-mutants: setup ## break each rule of our HPA model in turn and check that the worlds kept in git detect it
	@$(BIN)/python tests/oracle/mutants.py

oracle-tables: setup ## regenerate the cases of the HPA controller's own tests as data
	@$(BIN)/python tests/oracle/tables.py

bench: setup ## measure speed and memory as ratios, side by side with other tools
	@for script in tests/bench/*.py tests/bench_study/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-study: setup ## compare 60 stored runs of 10,000 requests with `elastometer compare`, which must take at most 5 s
	@$(BIN)/python tests/bench_study/compare_bundles.py

bench-judge: setup ## measure judging: time and memory by size, beside DuckDB, pandas and polars  [JUDGE_REQUESTS="10000 1000000"]
	@$(BIN)/python tests/bench_judge/judge.py $(if $(JUDGE_REQUESTS),--requests $(JUDGE_REQUESTS))

bench-load: setup ## compare the load generator with other clients: CPU, TTFT, memory  [BENCH_RUNS=5]
	@$(BIN)/python tests/bench_load/bench_load.py

gate-corpus: setup ## run every change of the gate's corpus live, about 4 minutes each; resumable  [GATE_ARGS="--parallel 2"]
	@$(BIN)/python tests/bench_gate/live.py $(GATE_ARGS)

vllm: setup ## build a real vLLM for this machine's CPU (6.2 GB in ~/.cache), used by an end-to-end test and bench-load
	@$(BIN)/python -m elastometer_lab.vllm

screenshots: setup ## make the pictures of the docs again, in a headless Chromium
	$(BIN)/python docs/screenshots.py

clean: ## remove everything that was built in this directory
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
