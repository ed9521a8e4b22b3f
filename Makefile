# Everything a person or a host needs, from a fresh clone. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: run test lock bench chaos venue check clean help
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input -q
UV := .venv-lock/bin/python -m uv
# Stories start hundreds of processes: Python keeps what it has compiled, though the environment says no.
KEEPING := env -u PYTHONDONTWRITEBYTECODE

# Prints the first Python that runs, is new enough and can make a venv. Every place on PATH is tried, for a shim that
# fails may hide one that works; then pyenv's own, for .python-version may name one that it lacks.
define find_python
IFS=:; for name in $(PYTHON) python3.13 python3.12 python3.14 python3.11 python3 python; do \
  for dir in '' $$PATH $$(ls -d "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.*/bin 2>/dev/null | sort -rV | tr '\n' ':'); do \
    found="$${dir:+$$dir/}$$name"; \
    "$$found" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1 \
      && echo "$$found" && exit; \
  done; \
done; \
echo 'Python 3.11 or newer with venv is needed (Debian and Ubuntu: apt install python3-venv).' >&2; exit 1
endef

# $(call install,FILE): the packages of a requirements file. The mark `installing` outlives an interruption, and a
# venv that bears it, or whose Python or pip no longer runs, is made anew: half an install can look whole to pip.
define install
@if [ -e .venv/installing ] || ! $(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
  python=$$($(find_python)) || exit 1; \
  echo "Making .venv with $$("$$python" --version)"; \
  rm -rf .venv && "$$python" -m venv .venv; \
fi
@echo 'Installing $(1)'; touch .venv/installing && $(PIP) install --require-hashes -r $(1) && rm .venv/installing
endef

# A venv whose Python is gone (moved, upgraded away) is none, whatever its stamps say.
ifneq ($(shell $(PY) -c 'print(1)' 2>/dev/null),1)
.PHONY: .venv/run.stamp .venv/test.stamp
endif

run: .venv/run.stamp ## install what the worker needs and start it
	@exec $(PY) -m bot

check: .venv/run.stamp ## validate settings, exchange, store and Telegram; a row each
	@exec $(PY) -m bot check

test: .venv/test.stamp ## install what the tests need and pass all of them
	$(PY) -m ruff check
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command as lint; lint(["--no-logo"])'
	$(KEEPING) $(PY) -m pytest -q -n $$((2 * $$(getconf _NPROCESSORS_ONLN))) --dist worksteal  # many of the stories wait

bench: .venv/test.stamp ## measure
	@exec $(PY) -m bench

chaos: .venv/test.stamp ## thousands of storms and kills against loopback exchanges, and what was met; takes about half an hour
	@rm -f .chaos.table
	CHAOS_TABLE=$(CURDIR)/.chaos.table $(KEEPING) $(PY) -m pytest -q -m 'slow or not slow' -n auto tests/chaos; \
	  code=$$?; $(PY) -m tests.chaos .chaos.table; rm -f .chaos.table; exit $$code

venue: .venv/test.stamp ## a loopback exchange to trade against by hand; ARGS="--venue bybit --faults nasty"
	@exec $(PY) -m tests.venue $(ARGS)

.venv/run.stamp: requirements.txt
	$(call install,$<)
	@touch $@

.venv/test.stamp: requirements-dev.txt requirements.txt
	$(call install,$<)
	@touch .venv/run.stamp $@

lock: ## pin every package, for every platform, from pyproject.toml
	@[ -x .venv-lock/bin/uv ] || { python=$$($(find_python)) && "$$python" -m venv .venv-lock; }
	@.venv-lock/bin/python -m pip --disable-pip-version-check -q install uv
	$(call compile,requirements.txt)
	$(call compile,requirements-dev.txt,--extra dev -c requirements.txt)

define compile
$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links pyproject.toml $(2) -o $(1)
endef

clean: ## remove .venv and caches; never settings or results
	rm -rf .venv .venv-lock build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find bot handlers tests bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile
