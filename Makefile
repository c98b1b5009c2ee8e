# Hawkeye's verbs. `make help` lists them; every verb builds .venv first when it is missing.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
EXTRAS ?= dev,yolo,app
STAMP  := $(VENV)/.hawkeye-setup

# Where things are; override on the command line: make extract VIDEOS="/data/ucf" STORE=/data/store
VIDEOS      ?=
STORE       ?= work/store
CONFIG      ?=
ANNOTATIONS ?= tests/data/real_videos.jsonl
REGIONS     ?= tests/data/real_regions.jsonl
MOTIONS     ?= tests/data/real_motions.jsonl
PRESET      ?= tiny
STAGE1      ?= work/runs/stage1
RUN         ?= work/runs/stage2
EVAL_OUT    ?= work/eval
COMPARE     ?=
DEMO        ?= work/demo
ABLATION    ?= work/ablation
TINY_MINUTES ?= 60
DATASETS    ?=
ARGS        ?=
# A store named by the user wins over the one in CONFIG; the default above does not.
NAMED_STORE := $(if $(filter environment command% override,$(origin STORE)),$(STORE))
export DO_NOT_TRACK = 1
export OMP_WAIT_POLICY ?= PASSIVE
export PREFECT_SERVER_ANALYTICS_ENABLED = false
export HF_HUB_DISABLE_TELEMETRY = 1
export TOKENIZERS_PARALLELISM = false
# Where Python is told to write no bytecode, each command compiles torch anew (4 s; with Prefect 6 s): kept in .venv then.
ifneq ($(PYTHONDONTWRITEBYTECODE),)
export PYTHONDONTWRITEBYTECODE =
export PYTHONPYCACHEPREFIX ?= $(abspath $(VENV))/bytecode
endif

.PHONY: help setup demo ablation datasets extract train-stage1 train-stage2 train-tiny eval up status down test test-e2e test-fast test-long lint format bench clean

help:  ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	printf '\nVariables: VIDEOS (default: the folder videos)  STORE (%s)  CONFIG (paper, tiny, tiny-untrained, or a YAML file)  ANNOTATIONS (%s)\n           REGIONS (%s)  MOTIONS (%s)  DATASETS (YAML file of settings, docs/datasets.md)\n           PRESET (of training: tiny, demo or paper-7b)  STAGE1 (%s)  RUN (%s)\n           ARGS (passed on, e.g. ARGS="steps=50")\n' '$(STORE)' '$(ANNOTATIONS)' '$(REGIONS)' '$(MOTIONS)' '$(STAGE1)' '$(RUN)'

setup: $(STAMP)  ## build .venv with pinned versions (EXTRAS=dev,app leaves out the AGPL extra yolo)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Hawkeye needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	echo "Installing into $(VENV) (about 6 GB with torch's CUDA libraries; some minutes)"
	# uv installs in a quarter of the time; where it cannot be had or fails, pip does the same.
	if ! { $(PY) -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1' 2>/dev/null &&
	       VIRTUAL_ENV='$(abspath $(VENV))' $(VENV)/bin/uv pip install --quiet -c constraints.txt -e '.[$(EXTRAS)]'; }; then
	  echo "uv could not install; pip does"
	  PIP_CONSTRAINT= $(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	fi
	# opencv-python needs a few system libraries that bare servers lack.
	if ! $(PY) -c 'import cv2' 2>/dev/null; then
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends libgl1 libglib2.0-0 libxcb1
	  else
	    echo "OpenCV cannot be loaded; install its system libraries: sudo apt-get install libgl1 libglib2.0-0 libxcb1" >&2; exit 1
	  fi
	  $(PY) -c 'import cv2'
	fi
	touch $(STAMP)

demo: $(STAMP)  ## the whole path on drawn videos with the small trained networks, and a report: DEMO/report.html
	@$(PY) -m flows.demo folder='$(DEMO)' $(ARGS)

ablation: $(STAMP)  ## the method without each of its parts on a drawn world, with statistics (docs/ablation.md): ABLATION/report-test
	@$(PY) -m flows.ablation folder='$(ABLATION)' $(ARGS)

extract: $(STAMP)  ## run the flow extract-features without a server: make extract VIDEOS="..." STORE=... [CONFIG=paper]
	@$(PY) -m flows.extract $(if $(VIDEOS),--videos $(foreach v,$(VIDEOS),'$(v)')) $(if $(NAMED_STORE),--store '$(NAMED_STORE)') $(if $(CONFIG),--config '$(CONFIG)') $(ARGS)

datasets: $(STAMP)  ## instruction tables from the data sets' annotation files: DATASETS=sets.yaml, or ARGS="tsl300.annotations=..."
	@$(PY) -m flows.datasets $(if $(DATASETS),--config '$(DATASETS)') $(ARGS)

up: $(STAMP)  ## start Prefect server and worker on loopback and deploy extract-features/local and build-instructions/local
	@DATASETS='$(DATASETS)' VIDEOS='$(VIDEOS)' STORE='$(NAMED_STORE)' CONFIG='$(CONFIG)' $(PY) -m flows.services up $(ARGS)

status: $(STAMP)  ## say what of server and worker runs, and where
	@$(PY) -m flows.services status || true

down: $(STAMP)  ## stop worker and server
	@$(PY) -m flows.services down

train-stage1: $(STAMP)  ## pre-train on STORE: REGIONS of images paired with MOTIONS; the run goes to STAGE1
	@$(VENV)/bin/hawkeye train --config '$(PRESET)-stage1' --store '$(STORE)' --regions '$(REGIONS)' --motions '$(MOTIONS)' --run '$(STAGE1)' $(ARGS)

train-stage2: $(STAMP)  ## train on STORE with the segments of ANNOTATIONS, beginning with STAGE1 if that run is there
	@start=()
	if [ -e '$(STAGE1)/checkpoint/config.json' ]; then
	  echo "begins with the weights of $(STAGE1) (ARGS=pretuned=off leaves them out)"
	  start=(--start '$(STAGE1)')
	fi
	$(VENV)/bin/hawkeye train --config '$(PRESET)-stage2' --store '$(STORE)' --annotations '$(ANNOTATIONS)' "$${start[@]}" --run '$(RUN)' $(ARGS)

train-tiny: $(STAMP)  ## train the small pose and relation networks that ship with the package, on drawn scenes: TINY_MINUTES of one core each
	@$(VENV)/bin/hawkeye tiny train pose minutes=$(TINY_MINUTES) $(ARGS)
	$(VENV)/bin/hawkeye tiny card pose
	$(VENV)/bin/hawkeye tiny train relations minutes=$(TINY_MINUTES) $(ARGS)
	$(VENV)/bin/hawkeye tiny card relations

eval: $(STAMP)  ## FNR, F2 and mAP@tIoU of RUN on STORE, then the paper's tables and figures: EVAL_OUT/report (COMPARE: other evaluations)
	@$(VENV)/bin/hawkeye eval --store '$(STORE)' --annotations '$(ANNOTATIONS)' --run '$(RUN)' --out '$(EVAL_OUT)' $(ARGS)
	$(VENV)/bin/hawkeye report --out '$(EVAL_OUT)/report' --eval '$(EVAL_OUT)' $(foreach folder,$(COMPARE),--eval '$(folder)') --store '$(STORE)' $(if $(VIDEOS),--videos '$(firstword $(VIDEOS))')

test: $(STAMP)  ## all tests, slow ones included, but for the few of test-long
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not long' --durations=25 $(ARGS)

test-long: $(STAMP)  ## tests too long for CI: a sharded run resumed, a killed one with data workers, two hours of features in bounded memory
	@$(PY) -m pytest -m long $(ARGS)

test-e2e: $(STAMP)  ## train, kill, resume, compare with an undisturbed run, through the real command line
	@$(PY) tests/hawkeye_core/training/e2e.py $(ARGS)

test-fast: $(STAMP)  ## tests that take seconds
	@$(PY) -m pytest -m 'not slow and not server and not long' $(ARGS)

lint: $(STAMP)  ## ruff and mypy
	@$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(STAMP)  ## let ruff put the code in shape
	@$(VENV)/bin/ruff check --fix . ; $(VENV)/bin/ruff format .

bench: $(STAMP)  ## speed ratios against named references (docs/benchmarks.md)
	@for f in tests/benchmarks/bench_*.py; do echo "== $$f"; $(PY) $$f $(ARGS); done

clean:  ## remove caches (never a store or a run)
	@rm -rf .pytest_cache .mypy_cache .ruff_cache build *.egg-info $(VENV)/bytecode
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
