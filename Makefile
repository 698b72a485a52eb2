# make demo · make test · make lab do all their set-up from a bare clone with Python 3.11 or newer.
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= python3
STAMP  := $(VENV)/.ready
DEMO   := d365kit-demo
FOREIGN := tests/foreign

.PHONY: help setup setup-ci postgresql demo lab test test-slow conformance bench-pull bench-match bench-ledger bench-review kinds check format lock wheel clean

help:
	@echo "make demo       the whole way once on the demo company, ending in a report"
	@echo "make lab        JupyterLab on the demo company's notebooks"
	@echo "make test       format, lint, types and the fast tests"
	@echo "make test-slow  notebooks, the wheel, the browser, whole runs"
	@echo "make conformance  what both services and our clients promise, a line for each number"
	@echo "make bench-pull   how fast tables arrive, beside Microsoft's own client"
	@echo "make bench-match  how well and how fast records are matched, beside Splink alone and Business Central's way"
	@echo "make bench-ledger how fast decisions are on the disk, in SQLite and in PostgreSQL"
	@echo "make bench-review how fast the review of a million candidate pairs is, in Chromium"
	@echo "make kinds      docs/kinds.md anew, after a change of the catalogue"
	@echo "make setup-ci   what the tests need besides: Chromium, Java and PostgreSQL (ask for root), Spark, software of others in tests/foreign"

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  echo "Setting up $(VENV) with uv …"; \
	  uv venv -q --allow-existing --seed -p $(PYTHON) $(VENV) && \
	  uv pip install -q -p $(BIN)/python -r requirements.lock && \
	  uv pip install -q -p $(BIN)/python --no-deps -e . ; \
	else \
	  echo "Setting up $(VENV) with pip; this takes a minute or two …"; \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock && \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e . ; \
	fi
	@touch $(STAMP)

setup-ci: postgresql $(FOREIGN)/.venv/.ready $(FOREIGN)/node_modules/.ready $(VENV)/.spark
	@if ! command -v chromium >/dev/null 2>&1; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium; \
	fi

# Only the programs are wanted: the tests start a server of their own, as an unprivileged user.
postgresql:
	@if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql; \
	fi

$(VENV)/.spark: $(STAMP)
	@if ! command -v java >/dev/null 2>&1; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends openjdk-17-jre-headless; \
	fi
	$(BIN)/python -m pip install -q --disable-pip-version-check "$$($(BIN)/python -c \
	  "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['spark'])")"
	@touch $@

$(FOREIGN)/.venv/.ready: $(FOREIGN)/requirements.txt
	$(PYTHON) -m venv $(FOREIGN)/.venv
	$(FOREIGN)/.venv/bin/python -m pip install -q --disable-pip-version-check -r $(FOREIGN)/requirements.txt
	@touch $@

$(FOREIGN)/node_modules/.ready: $(FOREIGN)/package-lock.json
	@if ! command -v npm >/dev/null 2>&1; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nodejs npm; \
	fi
	cd $(FOREIGN) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: setup
	$(BIN)/d365kit demo --workspace $(DEMO)

lab: setup
	$(BIN)/python -c "import d365kit; d365kit.demo('$(DEMO)').close()"
	$(BIN)/jupyter lab --notebook-dir $(DEMO)/notebooks $(DEMO)/notebooks/00_start_here.ipynb

test: setup check
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "not slow and not browser"

test-slow: setup
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "slow or browser"

conformance: setup
	$(BIN)/python -m tests.conformance --at-least 280

bench-pull: setup $(FOREIGN)/.venv/.ready
	$(BIN)/python -m tests.bench.pull

bench-match: setup
	$(BIN)/python -m tests.bench.match

bench-ledger: setup
	$(BIN)/python -m tests.bench.ledger

bench-review: setup
	$(BIN)/python -m tests.bench.review --lab

kinds: setup
	$(BIN)/python -m d365kit.show.kinds_page docs/kinds.md

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nbstripout --verify notebooks/*.ipynb

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout notebooks/*.ipynb

# Without the extra spark, which is larger than all the rest.
lock:
	uv pip compile pyproject.toml --extra dev --universal --no-header --no-annotate --no-emit-index-url \
	  --python-version 3.11 --upgrade -o requirements.lock

wheel: setup
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist $(DEMO) $(FOREIGN)/.venv $(FOREIGN)/node_modules
