# `make app` starts MLP Lab, `make test` runs all tests; `make` lists the commands. Each one first brings the virtual
# environment .venv up to date. make.py does the work.
.PHONY: help app test lint bench models steady canary python
PORT = 8501
ROUNDS = 10
ARGS =

# The first Python that PyTorch 2.13 supports, `python3` itself if it does. Each one is tried, since a name on PATH may
# be an empty shim.
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && break; done)

help:
	@awk -F ' ## ' '/^[a-z]+:.* ## / { split($$1, name, ":"); printf "  make %-8s %s\n", name[1], $$2 }' Makefile

app: python ## start MLP Lab; on another port than 8501: make app PORT=8600
	@$(PYTHON) make.py app $(PORT)

test: python ## run all tests; some of them: make test ARGS="-k drawing", or anything else that pytest takes
	@$(PYTHON) make.py test $(ARGS)

lint: python ## check style, types and imports
	@$(PYTHON) make.py lint

bench: python ## measure the speed of training, pages and drawing
	@$(PYTHON) make.py bench

models: python ## train the bundled models again (about half an hour); one of them: make models ARGS=one-hidden
	@$(PYTHON) make.py models $(ARGS)

steady: python ## run the tests of pages and browser on busy cores and a slow network: make steady ROUNDS=10
	@$(PYTHON) make.py steady --rounds $(ROUNDS) $(ARGS)

canary: python ## run all tests with the newest permitted packages, in a temporary environment
	@$(PYTHON) make.py canary $(ARGS)

python:
	@test -n "$(PYTHON)" || { echo "MLP Lab needs Python 3.11, 3.12, 3.13 or 3.14; python3 here is" \
	"$$(python3 --version 2>/dev/null || echo missing). Get one from https://www.python.org/downloads/"; exit 1; } >&2
