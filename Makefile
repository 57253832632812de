# On a fresh machine, `make serve` and `make test` are enough: tools/bootstrap
# first installs what is missing. PYTHON=... chooses the interpreter, which gets an
# own environment (tools/pythons). ARGS=... is passed to the program that a target runs.

.DEFAULT_GOAL := help
.PHONY: help serve check test test-all restarts security fuzz sanitize lint types format docs bench soak wheel clean
# Steps share an environment, and their output must stay readable: one after the other.
.NOTPARALLEL:

export PYTHON

venv := $(if $(PYTHON),$(shell PYTHON='$(PYTHON)' tools/pythons venv),.venv)
bin := $(or $(venv),$(error tools/pythons lists what PYTHON may be))/bin

# `make wheel` looks for cython and ninja on PATH; Debian's nghttpd is in /usr/sbin.
export PATH := $(CURDIR)/$(bin):$(PATH):/usr/sbin

SOAK_SECONDS ?= 60

# `make check` spends half of its time waiting, for deadlines and for processes: so it uses three
# workers for two processors.
workers = $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)))

define run-lint
$(bin)/ruff check
$(bin)/ruff format --check
endef

define run-types
$(bin)/mypy
endef

# -E: an incremental run would not repeat the warnings of unchanged pages.
define run-docs
$(bin)/sphinx-build -q -E -W --keep-going -b html docs docs/_build/html
endef

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

# The certificate is created for this run, so browsers ask whether to trust it.
serve: ## show what HTTP/2 does, on https://localhost:8443/ and in the clear on http://localhost:8080/
	@tools/bootstrap serve
	$(bin)/http2 serve examples.showcase.app:app --dev-tls --host localhost --port 8443 --clear-port 8080 \
		--no-access-log --log-level warning --timeout-graceful-shutdown 3 $(ARGS)

# Tests that start other programs (nghttp2's, curl, Node, a browser…) are marked `interop`, long ones
# `slow`: see CONTRIBUTING.md. Files run in their order: xdist would run those with few tests last,
# and these take longest.
check: ## lint, check the types, run the tests that need no other program
	@tools/bootstrap check
	$(run-lint)
	$(run-types)
	$(bin)/python -m pytest -q -n $(workers) --dist loadfile --no-loadscope-reorder -m 'not interop and not slow' $(ARGS)

test: ## lint, check the types, run the tests (ARGS goes to pytest), build the documentation
	@tools/bootstrap test
	$(run-lint)
	$(run-types)
	$(bin)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)
ifneq ($(wildcard docs/conf.py),)
	$(run-docs)
endif

test-all: ## make test with every Python that is found on PATH and in pyenv
	@tools/pythons each $(MAKE) --no-print-directory test

RESTARTS ?= 20

restarts: ## restart servers under load behind HAProxy, nginx and alone (RESTARTS times each, 20)
	@tools/bootstrap test
	$(bin)/python -m tests.restarts $(RESTARTS) $(ARGS)

# Findings are stored in fuzz/findings; the output has the command that reproduces each.
FUZZ_SECONDS ?= 60

fuzz: ## look for inputs that break the parsers and the engine, for FUZZ_SECONDS=60 (ARGS: targets)
	@tools/bootstrap fuzz
	@tools/instrument fuzz -m fuzz run --seconds $(FUZZ_SECONDS) $(ARGS)

# The engine's tests, and others that are fast and use much of the engine. Without tests that start
# other programs: these would load the sanitizer's library too, and curl hangs with it.
watched := tests/engine tests/conformance tests/limits/test_many_small_frames.py \
	tests/limits/test_quiet_resets.py tests/streams/test_window_sharing.py \
	tests/websocket/test_properties.py tests/websocket/test_frames.py \
	$(patsubst %,tests/properties/test_%.py, fuzz_findings fuzz_targets machine any_bytes bodies headers)

sanitize: ## run the engine's tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/bootstrap sanitize
	tools/instrument sanitize -m pytest -n auto --dist loadfile --no-loadscope-reorder -m 'not interop' $(watched) $(ARGS)

lint: ## check style and format
	@tools/bootstrap lint
	$(run-lint)

types: ## check the types: of the library with mypy, of programs that use it with mypy and pyright
	@tools/bootstrap types
	$(run-types)
	$(bin)/python -m pytest -q -n 0 tests/documentation/test_typing.py $(ARGS)

format: ## format the code, and apply the fixes of ruff
	@tools/bootstrap lint
	$(bin)/ruff check --fix
	$(bin)/ruff format

docs: ## build the documentation into docs/_build/html
	@tools/bootstrap docs
	$(run-docs)

bench: ## run the benchmarks (ARGS goes to them)
	@tools/bootstrap bench
	$(bin)/python -m benchmarks $(ARGS)

security: ## attack a server and a client of this library, and print the cost (ARGS: --help)
	@tools/bootstrap test
	$(bin)/python -m tests.security $(ARGS)

soak: ## mixed traffic for SOAK_SECONDS: no error, no growth, nothing left behind (ARGS goes to it)
	@tools/bootstrap soak
	$(bin)/python -m soak --seconds $(SOAK_SECONDS) $(ARGS)

wheel: ## build a wheel for this system into dist
	@tools/bootstrap wheel
	$(bin)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation -w dist .

clean: ## remove everything that make has created, including the environments
	rm -rf .venv .venv-* build dist fuzz/findings docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests examples benchmarks docs fuzz soak -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
