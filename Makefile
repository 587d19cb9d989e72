# `make up` starts everything, `make test` runs every test. Nothing else need be there but Python 3.11 or newer.
# Each sets up .venv on first use, and again when its lock file has changed. ARGS are handed on.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up test lint check bench lock clean

help:
	@sed -n 's/^## //p' Makefile

## make up      start Relance and all it needs; everything is kept in var/
up: .venv/runtime
	@exec .venv/bin/relance up $(ARGS)

## make test    run all tests; ARGS="-k zones" runs some
test: .venv/development
	@.venv/bin/pytest -n logical --maxprocesses 4 --dist worksteal $(ARGS)

## make lint    read the code: style, types, and who imports whom
lint: .venv/development
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

## make check   lint, then test: what a change must pass
check: lint test

## make bench   measure, beside what the bare parts can do
bench: .venv/development
	@.venv/bin/python -m benchmarks $(ARGS)

## make lock    write the lock files anew; ARGS=--upgrade takes the newest versions
lock: .venv/runtime
	@.venv/bin/python tools/lock.py $(ARGS)

## make clean   remove what make can make again; var/ stays
clean:
	rm -rf .venv *.egg-info build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/runtime: requirements.lock pyproject.toml
	@tools/install.sh requirements.lock
	@touch $@

# It holds the runtime as well.
.venv/development: requirements-dev.lock pyproject.toml
	@tools/install.sh requirements-dev.lock
	@touch .venv/runtime $@
