# One word for each thing a newcomer wants; CI calls the same words.
AGAINST ?= main
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: check fix test gen breaking bench fuzz faults faults-fast conformance repro bundle clean setup

check: setup  ## format, lint, types, dead code, borders, generated files
	oxfmt --check
	oxlint
	tsc -p .
	knip
	buf lint
	node scripts/gen.ts --check
	vitest run test/architecture.test.ts

setup:
	@sh scripts/setup.sh

fix: setup  ## what can be mended by a machine
	oxfmt
	oxlint --fix

test: setup  ## every test
	vitest run

gen: setup  ## docs/errors.md, portkit.schema.json and src/gen from their sources
	node scripts/gen.ts

breaking: setup  ## is the protobuf still what clients of AGAINST know?
	buf breaking --against '.git#branch=$(AGAINST)'

bench: setup bundle  ## speed against peers in one run, into docs/performance.md
	node bench/run.ts --markdown docs/performance.md
	oxfmt docs/performance.md

fuzz: setup  ## 10,000 malformed definitions, 200,000 mutated archives, 200,000 damaged images, 50,000 kernels
	FUZZ_RUNS=10000 vitest run frontends/toml/malformed.test.ts
	FUZZ_RUNS=50000 vitest run test/fuzz

faults: setup  ## kills, power cuts, damage, failing and full disks; the table goes into docs/reliability.md
	node test/faults/run.ts --markdown

faults-fast: setup  ## fewer of each, for CI
	node test/faults/run.ts --fast

conformance: setup  ## the contracts of ports, and what other programs and conditions say of images
	PORTKIT_CONFORMANCE=full vitest run test/contracts test/conformance

repro: setup  ## the same bytes when one thing after the other is otherwise: path, user, clock, order of files …
	REPRO_EACH=1 vitest run test/repro

bundle: setup  ## build/portkit: one file and a package to publish
	node scripts/bundle.ts

clean:
	rm -rf build coverage
