# Everything here is safe to run twice.
.PHONY: demo demo-stop setup check test fuzz wheel bench bench-peers bench-soak bench-cluster generate golden docs clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is measured is what is shipped: the hot path compiled, where this machine can.
MEASURED = PYTHONPATH=$$($(BIN)/python -m scripts.machine_code) $(BIN)/python

demo: setup          ## set up this machine, run an agent, show what it did
	@$(BIN)/python -m scripts.demo

demo-stop:           ## end what the demo started
	@$(BIN)/python -m scripts.demo --stop

setup:               ## Python environment, launcher, container engine, images
	@scripts/setup.sh

test: setup          ## every test; TESTS=tests/unit runs a part
	@scripts/test.sh $(TESTS)

check: $(VENV)/.done ## style, types, layers, generated files
	@scripts/check.sh

generate: $(VENV)/.done ## reference pages and schemas
	@$(BIN)/python scripts/generate.py

golden: $(VENV)/.done ## rewrite golden files; read the diff
	@$(BIN)/python -m pytest -q tests/golden --update-golden

fuzz: $(VENV)/.done  ## mutations of tests/corpus against the dialects; SECONDS=600
	@PYTHONPATH=src:. nice $(BIN)/python -m tests.property.dialect_fuzz $(or $(SECONDS),600)

wheel: $(VENV)/.done ## the package with its hot path compiled, into dist/
	@$(BIN)/python -m scripts.machine_code --wheel dist

bench: setup         ## figures against nginx, kept in bench/results/
	@scripts/packages.sh nginx-light wrk postgresql
	@$(MEASURED) -m bench
	@$(MEASURED) -m bench budget

bench-peers: setup   ## installs other gateways into build/peers; figures beside them
	@scripts/packages.sh nginx-light wrk
	@scripts/peers.sh
	@$(MEASURED) -m bench peers

bench-soak: setup    ## ten minutes of mixed load on the gateway; SECONDS=600
	@$(MEASURED) -m bench soak $(or $(SECONDS),600)

bench-cluster: setup ## figures of control on a Kubernetes, kept in bench/results/cluster.*
	@$(MEASURED) -m bench cluster

$(VENV)/.done: locks/dev.txt
	@scripts/venv.sh

clean:
	rm -rf $(VENV) build
