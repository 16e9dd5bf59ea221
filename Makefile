# Everything a contributor runs. `make help` lists it.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
MADE := .venv/made
# Checks run side by side; older makes (macOS) can't keep their outputs apart.
SIDE_BY_SIDE := --jobs=4 --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
PYTEST := $(BIN)/python -m pytest
# Tests wait as much as they work; each process starts brokers of its own.
WORKERS ?= 3
SPREAD := --numprocesses=$(WORKERS) --dist=worksteal
CHECKS := check-code check-format check-types check-imports check-workflows check-docs \
	check-container
INTEROP := build/interop
SITE_TOOLS := build/site-tools
RELEASE_TOOLS := build/release-tools
ENGINE := $(if $(shell command -v podman),podman,docker)
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/medtrack
RABBITMQ4 ?= $(CACHE)/rabbitmq4
PYTHONS ?= $(CACHE)/pythons
DOCS := $(wildcard README.md docs/*.md)
COG := $(BIN)/cog --verbosity=0 -I scripts

# What a tool says is worth reading only when it fails.
quietly = said=$$($(1) 2>&1) || { echo "$$said"; exit 1; }

# Hosts of package indexes differ from machine to machine: none is written down.
COMPILE := uv pip compile --no-config --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock'

.PHONY: help env have-tools demo test lint format docs picture unit broker-tests coverage bench lock build \
	zipapp image smoke pythons clean site test-site test-interop have-java have-node test-faults rabbitmq4 $(CHECKS)

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(MADE)  ## make .venv, with uv where it is found, else with venv and pip
	@:

$(MADE): requirements/dev.txt pyproject.toml scripts/make_env.sh
	@scripts/make_env.sh

demo: $(MADE)  ## see all of medtrack in one minute, on a private broker
	@$(BIN)/medtrack demo --install

have-tools:
	@scripts/have_packages.sh 'make test' zsh=zsh fish=fish curl=curl jq=jq

test: lint have-tools  ## lint, then all tests but test-faults' long ones and test-interop (WORKERS=3)
	@$(PYTEST) $(SPREAD)

lint: $(MADE)  ## check style, types, import rules, workflows and generated docs
	@$(MAKE) $(SIDE_BY_SIDE) $(CHECKS)

check-code: $(MADE)
	@$(BIN)/ruff check --quiet

check-format: $(MADE)
	@$(BIN)/ruff format --quiet --check

check-types: $(MADE)
	@$(BIN)/mypy --no-error-summary

check-imports: $(MADE)
	@$(call quietly,$(BIN)/lint-imports --no-logo)

check-workflows: $(MADE)
	@$(call quietly,$(BIN)/zizmor --offline --persona=pedantic --no-progress .github action.yml)

check-docs: $(MADE)
	@$(BIN)/python scripts/make_event_types.py --check
	@$(BIN)/python scripts/make_command_line.py --check
	@$(BIN)/python scripts/make_llms.py --check
	@$(COG) --check --check-fail-msg='run: make docs' $(DOCS)

check-container: $(MADE)
	@if [ -x $(BIN)/hadolint ]; then $(BIN)/hadolint Containerfile; fi  # made for Linux on x86_64 only

format: $(MADE)  ## rewrite the code in the house style, and the generated parts of the docs
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format --quiet
	@$(MAKE) docs

docs: $(MADE)  ## rewrite the help, what is read off the models of events, and the generated parts of the docs
	@$(BIN)/python scripts/make_event_types.py
	@$(BIN)/python scripts/make_command_line.py
	@$(BIN)/python scripts/make_llms.py
	@$(COG) -r $(DOCS)

site: docs $(SITE_TOOLS)/made  ## build the documentation's site in build/site, and fail on a link that leads nowhere
	@$(BIN)/python scripts/make_site.py
	@$(call quietly,PYTHONPATH=$(SITE_TOOLS) $(BIN)/python -m zensical build --clean --strict)

build/%-tools/made: requirements/%.txt | $(MADE)
	@rm -rf $(@D)
	@if command -v uv >/dev/null; then pip='uv pip install --python $(BIN)/python'; \
		else pip='$(BIN)/python -m pip install --disable-pip-version-check'; fi; \
		$$pip --quiet --target $(@D) --require-hashes -r $<
	@touch $@

picture: $(MADE)  ## run the demo and the live view, and draw what they show, for the docs
	@$(BIN)/python scripts/make_picture.py docs/images/demo.svg
	@$(BIN)/python scripts/make_picture.py docs/images/listen-80.svg listen 80
	@$(BIN)/python scripts/make_picture.py docs/images/listen-200.svg listen 200

unit: $(MADE) have-tools  ## run the tests outside of tests/broker, contracts and faults: the quick loop
	@$(PYTEST) $(SPREAD) --ignore=tests/broker --ignore=tests/contracts --ignore=tests/faults

broker-tests: $(MADE)  ## run tests/broker, contracts and faults, without the long ones
	@$(PYTEST) $(wildcard tests/broker tests/contracts tests/faults)

test-faults: $(MADE)  ## run tests/faults, and all long tests: nearly an hour
	@$(PYTEST) tests/faults -m ''
	@$(PYTEST) --ignore=tests/faults -m long

rabbitmq4:  ## make a Debian 13 in a folder, so that test-faults finds a RabbitMQ 4 (root only)
	@scripts/make_debian.sh $(RABBITMQ4) trixie rabbitmq-server $(MIRROR)
	@echo "try it: MEDTRACK_TEST_RABBITMQ4_ROOT=$(RABBITMQ4) make test-faults"

test-interop: $(MADE) $(INTEROP)/made have-java  ## run clients and the guide's examples in all languages, ask Ajv, AsyncAPI's parser and a browser
	@MEDTRACK_TEST_NODE_PACKAGES=$(CURDIR)/$(INTEROP)/node_modules $(PYTEST) tests/interop tests/clients -m ''

test-site: site  ## look at every page of the site in Chromium, as wide as a desktop's and as a phone's
	@MEDTRACK_TEST_SITE=$(CURDIR)/build/site $(PYTEST) tests/site

have-java:
	@scripts/have_packages.sh 'make test-interop' default-jdk-headless=javac \
		librabbitmq-client-java=/usr/share/java/amqp-client.jar \
		libandroid-json-java=/usr/share/java/com.android.json.jar

have-node:
	@node --eval 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && \
		command -v npm >/dev/null || { echo 'make test-interop needs Node 20 or newer, and npm' >&2; exit 1; }

$(INTEROP)/made: tests/interop/package.json tests/interop/package-lock.json | have-node
	@mkdir -p $(INTEROP)
	@cp $^ $(INTEROP)
	@cd $(INTEROP) && $(call quietly,npm ci --ignore-scripts --no-audit --no-fund)
	@touch $@

coverage: $(MADE) have-tools  ## run the tests of make test and hold the floor of covered code
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

bench: $(MADE)  ## measure what the performance claims are made of
	@$(BIN)/python -m benchmarks $(ARGS)

lock:  ## pin every dependency with its hashes (UPGRADE=--upgrade for the newest)
	@command -v uv >/dev/null || { echo 'make lock needs uv: pip install uv' >&2; exit 1; }
	@$(COMPILE) $(UPGRADE) --group dev pyproject.toml --output-file requirements/dev.txt
	@$(COMPILE) pyproject.toml --constraints requirements/dev.txt --output-file requirements/runtime.txt
	@$(COMPILE) --group site --constraints requirements/dev.txt --output-file requirements/site.txt
	@$(COMPILE) --group release --constraints requirements/dev.txt --output-file requirements/release.txt

build: $(MADE) $(RELEASE_TOOLS)/made  ## make the wheel, the source archive and a list of what they need (SBOM) in dist/
	@rm -rf dist
	@$(call quietly,$(BIN)/python -m build --no-isolation)
	@PYTHONPATH=$(RELEASE_TOOLS) $(BIN)/python scripts/make_sbom.py dist
	@ls dist/*

zipapp: build  ## make one file in dist/ that needs only a Python of this version and platform, and try it
	@PYTHONPATH=$(RELEASE_TOOLS) scripts/make_zipapp.sh $(CURDIR)/$(BIN)/python

image: build  ## build the Containerfile with podman or docker
	@$(ENGINE) build $(ARGS) --file Containerfile --tag medtrack .
	@$(ENGINE) run --rm --network none medtrack --version

smoke: build  ## install the wheel with pip, pipx and uv on every Python found, and try it
	@MEDTRACK_SMOKE_ROOT=$(wildcard $(PYTHONS)) scripts/smoke.sh $(VERSIONS)

pythons:  ## make a Debian sid in a folder, so that smoke finds Python 3.14 and 3.15 (root only)
	@scripts/make_debian.sh $(PYTHONS) sid \
		ca-certificates,python3.14-venv,python3.15-venv,rabbitmq-server $(MIRROR)
	@echo 'try it: make smoke VERSIONS="3.14 3.15"'

clean:  ## remove all that the other targets made
	@rm -rf .venv build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache
