# mailtriage: `make demo` builds it and shows it at work, `make test` runs everything CI runs.

SHELL := /bin/sh
BIN := .build/release/mailtriage
SERVERS := .build/servers

.PHONY: all deps test-deps build demo sample-reports test lint bench fuzz kill-runs thread-check \
  install clean

all: build

deps: ## Debian packages that the build needs
	scripts/install-packages scripts/packages-build.txt

test-deps: deps
	scripts/install-packages scripts/packages-test.txt
	scripts/unpack-servers $(SERVERS)

build: deps
	swift build -c release --product mailtriage

demo: build ## analyse the sample logs with a database of its own
	scripts/demo $(BIN)

sample-reports: build test-deps ## write Reports and Documentation/report.png anew
	scripts/sample-reports $(BIN)

lint:
	swift format lint --strict --recursive Sources Tests Package.swift
	scripts/check-scripts
	scripts/check-rooms

test: test-deps lint
	MAILTRIAGE_STRICT=1 swift build --build-tests
	MAILTRIAGE_STRICT=1 MAILTRIAGE_SERVERS=$(abspath $(SERVERS)) swift test --skip-build --skip '^AlertingTests'
# Hooks are timed: they run when no other test keeps the machine busy.
	MAILTRIAGE_STRICT=1 MAILTRIAGE_SERVERS=$(abspath $(SERVERS)) swift test --skip-build --filter '^AlertingTests'
	scripts/thread-check

thread-check: deps ## ingest under the thread sanitizer
	scripts/thread-check

bench: build
	swift build -c release --product mailtriage-bench
	scripts/bench $(BIN) $(BIN)-bench

fuzz: deps
	scripts/fuzz

kill-runs: test-deps ## 200 ingest runs killed at random moments
	scripts/kill-runs

install: build
	install -D -m 755 $(BIN) $(DESTDIR)/usr/local/bin/mailtriage

clean:
	rm -rf .build
