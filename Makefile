# Two commands from a fresh checkout: `make train` and `make test`. Each first sets up its environment and compiles the
# simulation core, once.
#
#   PYTHON=python3.12        the interpreter to build the environment with
#   VENV=.venv               where the environment is
#   TORCH_INDEX=URL          an extra package index for PyTorch, such as the one of its builds without CUDA
#   STEPS= EPISODES= RUN=    of `make train`: decisions, test episodes of the comparison, folder of the run
#   BESIDE=PATH              of `make bench`: the folder of another version, a checkout or where one is installed
#   BENCHMARK="--seeds 3"    of `make benchmark`: more options, `--help` of benchmarks/benchmark lists them
#   BENCH="--scale ..."      of `make bench`: more options, `--scale` and `--beside-bsk`

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
STEPS ?=
EPISODES ?= 20
RUN ?=
BESIDE ?=
BENCH ?=
BENCHMARK ?=
WORKERS ?= 2
OLDEST_GYMNASIUM := 1.2.2

BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP_INSTALL = install --quiet --constraint constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: help
help:  ## say what there is
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 14

.PHONY: train
train: $(READY) warm  ## train a scheduler, then compare it with the heuristics on the test episodes
	$(BIN)/odc-gym train --config configs/train/ppo.yaml --test-episodes $(EPISODES) $(if $(STEPS),--n-timesteps $(STEPS)) $(if $(RUN),--output $(RUN))

.PHONY: test
test: $(READY) warm  ## the tests, in two processes
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow"

.PHONY: test-all
test-all: $(READY) warm  ## all tests, the slow ones too
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.PHONY: test-oldest
test-oldest: $(VENV)-oldest/.ready  ## the tests beside the oldest Gymnasium that is supported
	@$(VENV)-oldest/bin/odc-gym warm
	$(VENV)-oldest/bin/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow"

.PHONY: test-package
test-package: $(READY)  ## build the package and use it away from the checkout
	$(BIN)/python -m pytest tests/test_packaging.py

.PHONY: check
check: $(READY)  ## what a change must pass: format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory test

.PHONY: bench
bench: $(READY) warm  ## how fast the environment is, beside CartPole and an older version in BESIDE=PATH
	$(BIN)/python benchmarks/bench.py $(if $(BESIDE),--beside $(BESIDE)) $(BENCH)

.PHONY: hack-hunt
hack-hunt: $(READY) warm  ## search raw actions for reward above the certified bound: half an hour
	$(BIN)/python benchmarks/hack_hunt.py

.PHONY: learnability
learnability: $(READY) warm  ## train PPO on two fleets and write docs/learnability.md: half an hour, goes on where it stopped
	$(BIN)/python benchmarks/learnability $(if $(STEPS),--set n_timesteps=$(STEPS))

.PHONY: benchmark
benchmark: $(READY) warm  ## compare all schedulers on all scenarios and write docs/benchmark.md: hours, goes on where it stopped
	$(BIN)/python benchmarks/benchmark $(if $(STEPS),--timesteps $(STEPS)) $(BENCHMARK)

.PHONY: benchmark-quick
benchmark-quick: $(READY) warm  ## the same with tiny budgets, to try the program: a minute, in a folder of its own
	$(BIN)/python benchmarks/benchmark --quick $(if $(RUN),--runs $(RUN))

.PHONY: validate
validate: $(READY) warm  ## measure what is compared with other tools and closed forms, and write docs/validation.md
	$(BIN)/python -W error docs/validate.py

.PHONY: mutations
mutations: $(READY) warm  ## change physics, network or work a little at a time and tell which test notices: goes on where it stopped
	$(BIN)/python benchmarks/mutations.py

.PHONY: docs
docs: $(READY)  ## write the pages of the environment and of the fields from the code
	$(BIN)/python docs/generate.py

.PHONY: pages
pages: $(READY) warm  ## run the code of all pages, and write outputs that changed into them
	$(BIN)/python docs/pages.py --write

.PHONY: scripts
scripts: $(READY)  ## bundle the scripts of the replay page anew, after a change of them: needs Node.js
	$(BIN)/python -c "from odc_gym.pages.replay.bundle import make_bundle; print(make_bundle(), 'bytes')"

.PHONY: site
site: $(VENV)-docs/.ready  ## build the site of the documentation in build/site; any warning is an error
	NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/mkdocs build --strict

.PHONY: clean
clean:  ## remove the environments and what tools left
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-docs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: warm
warm: $(READY)  ## compile the simulation core into the cache, where all processes find it; does nothing if it is there
	@$(BIN)/odc-gym warm

define set_up
	@$(PYTHON) -c "" 2>/dev/null || { echo "error: $(PYTHON) does not run; give another, as in: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 14) else "error: needs Python 3.11 to 3.14, $(PYTHON) is %d.%d; give another, as in: make PYTHON=python3.12" % v)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) has no venv; install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "setting up $(@D), once: $(1)"
	@$(PYTHON) -m venv --clear $(@D)
endef

# PyTorch first, at the version of constraints.txt: an open range may pull gigabytes that are not needed
$(READY): pyproject.toml constraints.txt
	$(call set_up,some minutes and 1.7 GB)
	@$(@D)/bin/python -m pip $(PIP_INSTALL) torch
	@$(@D)/bin/python -m pip $(PIP_INSTALL) --editable '.[rl,dev]'
	@touch $@

$(VENV)-oldest/.ready: pyproject.toml constraints.txt
	$(call set_up,some minutes and 1.7 GB)
	@$(@D)/bin/python -m pip $(PIP_INSTALL) torch
	@$(@D)/bin/python -m pip $(PIP_INSTALL) gymnasium==$(OLDEST_GYMNASIUM) --editable '.[rl,dev]'
	@touch $@

# the site is written from the sources, so the package and its dependencies stay out
$(VENV)-docs/.ready: pyproject.toml constraints.txt
	$(call set_up,half a minute and 200 MB)
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' > $(@D)/requirements.txt
	@$(@D)/bin/python -m pip $(PIP_INSTALL) --requirement $(@D)/requirements.txt
	@touch $@
