# Thin on purpose: each target is one or two commands that can be typed by hand.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# Compiled code lives outside of the working tree, so that a second clone on this machine need not compile the
# dependencies again. CARGO_TARGET_DIR, when set, is left alone.
cache := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/backtrail
target_directory := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
devstack := $(target_directory)/debug/devstack
prerequisites := deploy/dev/install-prerequisites.sh

# What `make oracle` runs with; ORACLE takes more of its own options, as `oracle --help` lists them.
SEED ?= 1
MINUTES ?= 5
SERVER ?= mariadb

# What `make fuzz` works on: binlog, dump, ddl or metadata. MINUTES as for `make oracle`.
TARGET ?= binlog

.PHONY: help demo up down status test oracle fuzz lint bench fmt build release clean prerequisites mysql target-directory

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: prerequisites build ## Show everything once, on servers of its own; nothing stays behind
	@$(devstack) demo $(ARGS)

up: prerequisites build ## Start an installation in the background and print how to use it
	@$(devstack) up $(ARGS)

down: target-directory ## Stop the installation in the background and remove its data
	@if [ -x $(devstack) ]; then $(devstack) down $(ARGS); else echo "nothing is running"; fi

status: build ## Print how to use the installation in the background
	@$(devstack) status $(ARGS)

test: target-directory ## Run all tests against real servers; ARGS goes to nextest
	@$(prerequisites) build run test
	cargo build --workspace --bins
	@$(devstack) install --mysql || echo "without a MySQL server the tests that want one are left out"
	@$(devstack) install --mariadb 11.8 || echo "without a newer MariaDB server the tests that want one are left out"
	cargo test --workspace --doc --quiet
	$(devstack) run -- cargo nextest run --workspace $(ARGS)

oracle: target-directory ## Random histories against the engine: SEED=1 MINUTES=5 SERVER=mariadb, mariadb-11.8, mariadb-10.5 or mysql
	@$(prerequisites) build run
	cargo build --package backtrail-devstack --package backtrail-oracle --bins
	@case "$(SERVER)" in mysql) $(devstack) install --mysql;; mariadb-*) $(devstack) install --mariadb "$(SERVER:mariadb-%=%)";; esac
	$(target_directory)/debug/oracle --seed $(SEED) --minutes $(MINUTES) --server $(SERVER) $(ORACLE)

fuzz: target-directory ## Look for inputs that a reader cannot bear: TARGET=binlog, dump, load_data, ddl or metadata, MINUTES=5
	@$(prerequisites) build fuzz
	cargo run --quiet --package backtrail-fuzz --example seeds -- $(TARGET) $(target_directory)/fuzz/seeds/$(TARGET)
	mkdir -p $(target_directory)/fuzz/corpus/$(TARGET)
	CARGO_PROFILE_DEV_OPT_LEVEL=2 cargo fuzz run --fuzz-dir tests/fuzz --dev --sanitizer none --features libfuzzer \
		--target-dir $(target_directory)/fuzz $(TARGET) $(target_directory)/fuzz/corpus/$(TARGET) \
		$(target_directory)/fuzz/seeds/$(TARGET) tests/fuzz/corpus/$(TARGET) -- \
		-max_total_time=$$(($(MINUTES) * 60)) -max_len=8192 -timeout=10 -rss_limit_mb=1500 \
		-artifact_prefix=$(target_directory)/fuzz/artifacts-$(TARGET)-

lint: target-directory ## Formatting, clippy, dependency directions, documentation and deploy files, warnings denied
	@$(prerequisites) build lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --test architecture --quiet
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@if [ -x deploy/validate.sh ]; then deploy/validate.sh; fi

bench: prerequisites release build ## Measure a recovery beside myloader and mysqlbinlog, on the same data
	@$(devstack) bench --backtrail $(target_directory)/release/backtrail $(ARGS)

fmt: ## Format the code
	cargo fmt --all

build: target-directory ## Build all programs, quickly
	@$(prerequisites) build
	cargo build --workspace --bins

release: target-directory ## Build all programs for production, into target/release
	@$(prerequisites) build
	cargo build --workspace --bins --release

prerequisites: ## Install what is missing (root), or name it
	@$(prerequisites) build run

mysql: build ## Fetch a MySQL server for the tests that want one
	@command -v mmdebstrap >/dev/null || { echo "install the package mmdebstrap first"; exit 1; }
	@$(devstack) install --mysql

clean: ## Remove everything that was compiled
	@if [ -L target ]; then rm -rf "$(cache)/target" target; else cargo clean; fi

target-directory:
	@if [ -z "$(CARGO_TARGET_DIR)" ] && [ ! -d target ]; then \
		mkdir -p "$(cache)/target" && ln -sfn "$(cache)/target" target; \
	fi
