# Two commands do everything: `make verify` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
BIN := .venv/bin
# Small problems run fastest on one thread a worker; two workers fill two cores.
WORKERS ?= auto
export OMP_NUM_THREADS ?= 1
export MPLBACKEND ?= Agg

.PHONY: verify verify-thorough test lint types shapes contracts bench clean install

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,dev]'
	touch $@

verify: install  ## the claims on real handwritten digits, the ledger table, and the two figures
	HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest tests/claims -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ledger out
	$(BIN)/python -m paper_figures draw theorem1 theorem2 --out out

verify-thorough: install  ## 10,000 random examples a claim: hours, see README
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest tests/claims -q -n $(WORKERS) --dist loadfile --ledger out -m 'not gpu'

test: lint types contracts shapes  ## everything that CI runs
	HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest tests -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ledger out

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

# The annotations, shapes included, hold for what the unit tests pass (what they expect to be refused is left out).
shapes: install
	HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -k "not sentence and not refuse" \
		--jaxtyping-packages=numerics,theory,beartype.beartype \
		tests/numerics/test_patches.py tests/numerics/test_gram.py tests/numerics/test_convolution.py \
		tests/numerics/test_full_rank.py tests/numerics/test_row_space.py tests/numerics/test_momentum.py \
		tests/theory/test_training.py tests/theory/test_ensemble.py tests/theory/test_optimizer.py

contracts: install
	$(BIN)/lint-imports

bench: install  ## speed, each as a ratio measured side by side in one run: docs/performance.md, half an hour
	$(BIN)/python -m pytest -c benchmarks/pytest.ini benchmarks/timed.py -q --benchmark-json=out/timed.json
	$(BIN)/python -m benchmarks.report out/timed.json
	$(BIN)/python benchmarks/gpu_training.py

clean:
	rm -rf .venv out .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
