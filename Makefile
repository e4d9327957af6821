# Kith: one word for each thing you do with it. `make run` needs Python 3.11 or newer, and nothing else.

SHELL := /bin/bash
PY := .venv/bin/python
UV_VERSION := 0.13.9
# Python keeps what it compiles, even where the environment forbids it: else every start compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=
# 3.12 and 3.11 come first: for them a Redis server comes as a Python package.
PYTHONS := python3.12 python3.11 python3.13 python3.14 python3

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-deep test-scale lint format openapi tour bench bench-quick settings \
	requirements clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

run: setup ## Start Kith with demo data; PORT and KITH_HOME change where
	@exec $(PY) manage.py up $(ARGS)

setup: .venv/run.stamp ## Install what Kith needs to run
	@:

setup-dev: .venv/dev.stamp ## Install what is needed to work on Kith
	@:

test: setup-dev ## Run the tests; ARGS="tests/config -x" chooses some
	@exec $(PY) -m pytest -n 2 --dist worksteal $(ARGS)

test-deep: setup-dev ## Run the slow tests too
	@exec $(PY) -m pytest -n 2 --dist worksteal -m "deep or not deep" $(ARGS)

test-scale: setup-dev ## Run Kith behind PgBouncer and RabbitMQ, and on several servers of each kind
	@for name in pgbouncer rabbitmq-server; do [ -x /usr/sbin/$$name ] || missing="$$missing $$name"; done; \
	if [ -n "$$missing" ] && [ $$(id -u) = 0 ] && [ -x /usr/bin/apt-get ]; then \
		echo "Installing$$missing from Debian's packages"; \
		apt-get install -y -q $$missing >/dev/null && missing=; fi; \
	if [ -n "$$missing" ]; then \
		echo "The tests of scale need$$missing, which only an administrator can install: sudo apt-get install$$missing" >&2; \
		exit 2; fi
	@exec $(PY) -m pytest tests/scale tests/replica -m "deep or not deep" $(ARGS)

lint: setup-dev ## Check style, types, layers and missing migrations
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && echo "missing migrations:" && \
		env -u DATABASE_URL -u REDIS_URL KITH_HOME="$$home" $(PY) manage.py makemigrations --check --dry-run && \
		echo "published contracts:" && KITH_HOME="$$home" $(PY) manage.py openapi_guard

openapi: setup-dev ## Renew the copies of the published contracts in docs/openapi/
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && KITH_HOME="$$home" $(PY) manage.py openapi_guard --write

tour: setup-dev ## Walk through the API with curl, and write docs/tour.md
	@exec $(PY) -m docs.tour

format: setup-dev ## Put the code in shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: setup-dev ## Measure against a stock and a bare server; see benchmarks/README.md
	@exec $(PY) -m benchmarks $(ARGS)

bench-quick: setup-dev ## Compare the CPU of the hot calls with the committed figures; ARGS="--write" renews them
	@exec $(PY) -m benchmarks quick $(ARGS)

settings: setup ## Show every setting, its value and where it comes from
	@exec $(PY) manage.py settings

requirements: setup-dev ## Pin the newest releases that fit requirements.in and requirements-dev.in
	for name in requirements requirements-dev; do \
		$(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-annotate --no-header $$name.in --output-file $$name.txt; done

clean: ## Delete what can be made again; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis htmlcov .coverage

# A stamp is newer than the list it was made from, so a second `make` does nothing.
.venv/run.stamp: requirements.txt | .venv/uv.stamp
	@if [ -e .venv/dev.stamp ]; then $(MAKE) --no-print-directory .venv/dev.stamp; else \
		$(PY) -m uv pip sync --python $(PY) requirements.txt; fi
	@touch $@

.venv/dev.stamp: requirements-dev.txt requirements.txt | .venv/uv.stamp
	$(PY) -m uv pip sync --python $(PY) requirements-dev.txt
	@# Lets `pytest` find the plugin in tests/servers.py without `python -m`.
	@$(PY) -c "import sysconfig; open(sysconfig.get_path('purelib') + '/kith.pth', 'w').write('../../../..')"
	@touch .venv/run.stamp $@

.venv/uv.stamp:
	@python=; for name in $(PYTHONS); do \
		if $$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
		then python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then \
		echo "Kith needs Python 3.11 or newer, with its venv module, and found $$(python3 --version 2>&1): install" \
			"python3.12 (on Debian and Ubuntu also python3.12-venv), then run make again." >&2; exit 2; fi; \
	echo "Making .venv with $$($$python --version)" && $$python -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
