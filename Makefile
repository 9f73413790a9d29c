# make run    a demo at http://127.0.0.1:8484, from a fresh clone
# make test   the same set-up, then every check and test
# make bench  what it does, measured beside a bare loop over SQLite
# make bench-growth  how that changes up to 5,000,000 activities, with plots; under 25 minutes
.PHONY: run test test-postgresql check unit bench bench-growth lock docs vendor

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8484

run: $(VENV)/.run
	@scripts/run.sh $(PORT)

# By file, in the order of the folders: the many quick files of tests/unit come last and fill up.
AT_ONCE := -n 2 --dist loadfile --no-loadscope-reorder

# A program that is started often need not be compiled each time.
unexport PYTHONDONTWRITEBYTECODE

NODE := tests/provider tests/emulators

# What runs on PostgreSQL, too, besides tests/postgres and tests/contract, which do by themselves.
ON_POSTGRESQL := tests/api/test_recording_one.py tests/api/test_filters.py \
  tests/account/test_the_29_activities.py tests/assets/test_the_59_activities.py \
  tests/jobs/test_taking_jobs.py tests/followers/test_followers.py

test: $(VENV)/.dev $(NODE:%=%/node_modules/.package-lock.json)
	@scripts/need-chromium.sh
	@scripts/need-postgresql.sh
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest tests $(AT_ONCE)
	TRAILKEEPER_TEST_DATABASE=postgresql $(BIN)/pytest $(ON_POSTGRESQL) $(AT_ONCE)

# Every test whose installations can be on PostgreSQL.
test-postgresql: $(VENV)/.dev
	@scripts/need-postgresql.sh
	TRAILKEEPER_TEST_DATABASE=postgresql $(BIN)/pytest $(AT_ONCE) \
	  tests/postgres tests/api tests/account tests/assets tests/jobs tests/followers tests/retention tests/streaming

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/pytest tests/unit -q

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

STAGES ?= 100000,200000,1000000,5000000
STORE ?= sqlite

bench-growth: $(VENV)/.dev
	$(BIN)/python -m tests.bench --part growth --stages $(STAGES) --store $(STORE) --docs docs/benchmarks

# Pages that are made from data.
docs: $(VENV)/.dev
	$(BIN)/python -m trailkeeper.catalogue.reference docs/reference/activities.md
	$(BIN)/python -m trailkeeper.assets.reference docs/reference/assets.md
	$(BIN)/python -m trailkeeper.cli.reference docs/reference/command-line.md
	$(BIN)/python -m tests.account.table docs/reference/account-and-team.md
	$(BIN)/python -m tests.assets.deeds docs/reference/asset-activities.md
	$(BIN)/python -m tests.streaming.formats.page docs/reference/stream-formats.md
	$(BIN)/python -m trailkeeper.streaming.reference docs/reference/stream-destinations.md

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements/run.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --group dev pyproject.toml -o requirements/dev.lock

vendor:
	cd scripts/vendor && npm ci && npm run vendor

# A real OpenID provider for the tests, and a real server of Azure's blobs.
%/node_modules/.package-lock.json: %/package-lock.json
	@command -v npm >/dev/null || { echo "make test needs Node.js 20 or later with npm"; exit 1; }
	cd $* && npm ci --no-audit --no-fund --ignore-scripts --silent
	@touch $@

$(VENV)/bin/pip:
	@scripts/need-python.sh $(PYTHON)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/pip requirements/run.lock pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/run.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/pip requirements/dev.lock pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@ $(VENV)/.run
