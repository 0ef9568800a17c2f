# `make app` starts MLP Lab, `make test` runs every test. Both set up the virtual environment .venv themselves, the
# first time and whenever the requirements have changed; make.py does the work and says what stands in the way.
#
#   make app PORT=8600            another port than 8501
#   make test ARGS="-k drawing"   anything that pytest understands
#   make models ARGS=one-hidden   one of the models that come with it; without ARGS all of them, which takes long
.PHONY: app test models lint bench python
PORT = 8501
ARGS =

# The first Python that PyTorch 2.13 can be installed for: `python3` itself where it fits. Each one is tried, since a
# name on PATH may be an empty shim.
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && break; done)

app: python
	@$(PYTHON) make.py app $(PORT)

test: python
	@$(PYTHON) make.py test $(ARGS)

models: python
	@$(PYTHON) make.py models $(ARGS)

lint: python
	@$(PYTHON) make.py lint

bench: python
	@$(PYTHON) make.py bench

python:
	@test -n "$(PYTHON)" || { echo "MLP Lab needs Python 3.11, 3.12, 3.13 or 3.14; python3 here is" \
	"$$(python3 --version 2>/dev/null || echo missing). Get one from https://www.python.org/downloads/"; exit 1; } >&2
