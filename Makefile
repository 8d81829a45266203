# The front door. The work is in tools/setup.sh and tools/test.sh; CMakePresets.json has the builds.
.DEFAULT_GOAL := help
.PHONY: help run build test e2e tidy fuzz format clean

SECONDS ?= 8
unexport SECONDS
ARGS ?=

help: ## what there is
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r name what; do printf '  make %-8s %s\n' "$$name" "$$what"; done

run: build ## install what is missing, build, start the server in --dev mode on port 8000 (ARGS="..." for more flags)
	@exec build/release/millrace --dev $(ARGS)

build: ## install what is missing; the release binary is build/release/millrace
	@tools/setup.sh build page
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target millrace

test: ## everything: units, layers and tidy, end to end, sanitizers, a short run of each fuzz target
	@tools/test.sh

e2e: ## only the end-to-end tests, on a fresh release build
	@tools/test.sh setup release e2e

tidy: ## only the checks of the sources
	@tools/test.sh setup release headers tidy

fuzz: ## each fuzz target for SECONDS=60
	@MILLRACE_FUZZ_SECONDS=$(SECONDS) tools/test.sh setup fuzz

format: ## lay the sources out as .clang-format says, in a hundred columns
	@git ls-files -co --exclude-standard src fuzz bench sim | grep -E '\.(h|cc)$$' | xargs -r sh -c \
	  'python3 tools/tidy/wrap_comments.py "$$@" && clang-format-19 -i "$$@"' format

clean: ## remove what was built
	@rm -rf build
