# Everything here sets up what it needs by itself: a virtual environment in .venv, pinned by requirements.lock.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
RUNBOOK ?= drill
TARGET ?= sandbox
RUN ?= latest
ARGS ?=
JOBS ?= 3
READY := .venv/.ready
# each of a run's processes would compile all of gameday again
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup gameday plan preflight server test test-again check lint load stop heal lever faults rollback status verify report rerun compare history sandbox-up sandbox-down bench soak lock clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Variables: RUNBOOK=$(RUNBOOK) TARGET=$(TARGET) RUN=$(RUN) ARGS=\"...\" PYTHON=$(PYTHON)"

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(0 if ok else "gameday needs Python 3.11 to 3.13, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python has no venv module: install it first (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "Setting up .venv (once, about a minute) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY) ## Set up the virtual environment

gameday: $(READY) ## Play a game day: RUNBOOK= (default: the drill), TARGET= (default: the sandbox)
	@$(BIN)/gameday run $(RUNBOOK) --target $(TARGET) $(ARGS)

plan: $(READY) ## One page for approval: what is touched, when, and how it ends
	@$(BIN)/gameday plan $(RUNBOOK) --target $(TARGET) $(ARGS)

preflight: $(READY) ## Check that a game day could be played: all reads, no writes
	@$(BIN)/gameday check $(RUNBOOK) --target $(TARGET) $(ARGS)

load: $(READY) ## The guide's plain load test: USERS= or PRESET=minimum|target|peak, SPAWN_RATE=, RUN_TIME=, TAGS=, PROCESSES=
	@$(BIN)/gameday load --target $(TARGET) $(if $(USERS),--users $(USERS)) $(if $(PRESET),--preset $(PRESET)) \
	  $(if $(SPAWN_RATE),--spawn-rate $(SPAWN_RATE)) $(if $(RUN_TIME),--run-time $(RUN_TIME)) \
	  $(if $(TAGS),--tags "$(TAGS)") $(if $(PROCESSES),--processes $(PROCESSES)) $(ARGS)

stop: $(READY) ## Stop the running game day: faults healed, load stopped
	@$(BIN)/gameday stop $(ARGS)

heal: $(READY) ## Heal what dead runs left injected
	@$(BIN)/gameday heal $(ARGS)

faults: $(READY) ## The kinds of faults, or all there is to know of KIND=
	@$(BIN)/gameday faults $(KIND) $(ARGS)

rollback: $(READY) ## Run the rollback plan of RUN= (default: the latest), once its places are confirmed
	@$(BIN)/gameday rollback $(RUN) $(ARGS)

lever: $(READY) ## Switch all game days off or on: ARGS="off --reason payroll", ARGS=on
	@$(BIN)/gameday lever $(ARGS)

status: $(READY) ## What runs, and what dead runs left behind
	@$(BIN)/gameday status $(ARGS)

verify: $(READY) ## Look whether any byte of RUN='s folder (default: the latest) was changed since: HEAD=
	@$(BIN)/gameday verify $(RUN) $(if $(HEAD),--head $(HEAD)) $(ARGS)

report: $(READY) ## Write the reports of RUN= (default: the latest) again
	@$(BIN)/gameday report $(RUN) $(ARGS)

rerun: $(READY) ## Play RUN= (default: the latest) again with the same inputs, and compare
	@$(BIN)/gameday rerun $(RUN) $(ARGS)

compare: $(READY) ## Put the runs BEFORE= and RUN= (default: the latest) side by side
	@$(BIN)/gameday compare $(BEFORE) $(RUN) $(ARGS)

history: $(READY) ## The runs so far, and the trend of each service level
	@$(BIN)/gameday history $(ARGS)

sandbox-up: $(READY) ## Start the practice platform and leave it up
	@$(BIN)/gameday sandbox up $(ARGS)

sandbox-down: $(READY) ## Take the practice platform down
	@$(BIN)/gameday sandbox down $(ARGS)

server: $(READY) ## Build toxiproxy-server into the user's cache, unless there is one
	@$(BIN)/python -P -m faults.toxiproxy_binary

test: server ## All tests: units, contracts and real servers; JOBS= at a time, most of which wait
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS) || { [ $$? -eq 1 ] && $(MAKE) --no-print-directory test-again; }

# Beside others, on a machine short of CPU, a test that measures time can fail; one that fails alone too is broken.
test-again: ## Play what failed in the last `make test` once more, alone
	@echo; echo "Playing what failed once more, alone:"
	@$(BIN)/python -m pytest --last-failed --last-failed-no-failures none --maxfail 5 $(ARGS)

lint: $(READY) ## Lint, strict types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint ## Lint, types, contracts and the unit tests
	@$(BIN)/python -m pytest --ignore tests/integration $(ARGS)

bench: $(READY) ## Compare the guard's stop rules by simulation: false halts an hour, time to halt
	@PYTHONPATH=. $(BIN)/python bench/guard.py $(ARGS)

soak: server ## Kill everything at random in TRIALS= real game days (200), over every kind of fault: what stays behind?
	@PYTHONPATH=. $(BIN)/python -m bench.soak $(if $(TRIALS),--trials $(TRIALS)) $(ARGS)

lock: ## Pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --upgrade -o requirements.lock

clean: ## Remove the virtual environment and caches (runs/ stays)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
