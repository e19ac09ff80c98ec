# Everything a newcomer needs: `make demo` and `make test` set up their own environment in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: setup demo test check fix page-tools interop fuzz clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/framelabel demo --out demo-out

test: setup
	$(BIN)/python -m pytest -n auto

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# TypeScript and ESLint for the page's scripts (development only; the page itself needs no build): tests/javascript runs
# them. Where there is no npm, Node comes into the environment too.
page-tools: setup tests/javascript/node_modules/.ready

tests/javascript/node_modules/.ready: tests/javascript/package.json tests/javascript/requirements.txt
	command -v npm || $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/javascript/requirements.txt
	PATH="$$PATH:$(abspath $(BIN))" npm install --prefix tests/javascript --no-audit --no-fund --silent
	touch $@

# The official loaders and evaluators read our exports, in an environment of their own (their versions clash with ours).
interop: $(VENV)-interop/.ready
	PYTHONPATH=. $(VENV)-interop/bin/python -m pytest -p no:cacheprovider --override-ini filterwarnings=default tests/interop

$(VENV)-interop/.ready: tests/interop/constraints.txt
	$(PYTHON) -m venv $(VENV)-interop
	$(VENV)-interop/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/interop/constraints.txt
	touch $@

# Every reader under Atheris for FUZZ_SECONDS, in an environment of its own (Atheris has no wheels for every Python).
FUZZ_SECONDS ?= 60
fuzz: $(VENV)-fuzz/.ready
	$(VENV)-fuzz/bin/python tests/fuzz/readers.py --seconds $(FUZZ_SECONDS)

$(VENV)-fuzz/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]' atheris==3.0.0
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-interop $(VENV)-fuzz fuzz-findings tests/javascript/node_modules demo-out dist
