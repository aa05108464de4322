.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo
export OMP_NUM_THREADS ?= 1

help:  ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

env: .venv/.ready  ## Make .venv with the versions of requirements.lock, and compile all that a process imports
	@$(BIN)/python -m compileall -q src components pipelines

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Overread needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	UV_FIND_LINKS="$$($(BIN)/python -m pip config get global.find-links 2>/dev/null)" \
		$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: env  ## Make the demo study and ask: does it matter which rater trained my network?
	@test -e $(DEMO)/study.yaml || $(BIN)/overread study demo $(DEMO)
	@$(BIN)/overread run rater-bias $(DEMO) --set folds=3 repeats=1 mix_ratios= consensus=

demo-retrain: env  ## Show how networks are kept up to date with their labels, from the first champion to a refusal
	@$(BIN)/python -m examples.retraining

retrain-once: env  ## Retrain what has new labels in STUDY, for cron or a timer; SET="name=value …" as of the pipeline
	@test -n "$(STUDY)" || { echo "make retrain-once needs the folder of a study: STUDY=…" >&2; exit 2; }
	@if git -C "$(STUDY)" rev-parse --quiet --verify '@{upstream}' >/dev/null; then git -C "$(STUDY)" pull --quiet --ff-only; fi
	@$(BIN)/overread run retrain "$(STUDY)" $(if $(SET),--set $(SET))

test: env  ## Run the test suite, real servers included
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not containers"

test-slow: env  ## Run the tests that take minutes
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "slow and not containers"

test-containers: env  ## Build the images and run pipelines in containers as a cluster does; needs podman, root
	$(BIN)/pytest -s -m containers tests/containers

statistics: env  ## Measure the error rates of all intervals and verdicts on many thousands of drawn studies
	STATISTICS_TRIALS=5000 $(BIN)/pytest -n 2 -p no:cacheprovider tests/statistics

check: env  ## Check style, types and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: env  ## Put the code into its style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compile: env  ## Compile the pipelines into src/overread/kubeflow/packages
	$(BIN)/python -m pipelines compile

manifests:  ## Render every overlay into build/manifests
	@command -v kubectl >/dev/null || { echo "make manifests needs kubectl, which brings kustomize, on the PATH" >&2; exit 1; }
	@mkdir -p build/manifests
	@for overlay in manifests/overlays/*/; do \
		rendered=build/manifests/$$(basename $$overlay).yaml; \
		kubectl kustomize $$overlay > $$rendered || exit 1; \
		echo $$rendered; \
	done

benchmarks: env  ## Measure each claim of speed against the peer that it beats, and the start of a process
	$(BIN)/python -m benchmarks.metrics
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.perturbations
	$(BIN)/python -m benchmarks.consensus
	$(BIN)/python -m benchmarks.start

lock: env  ## Write requirements.lock from what .venv holds
	$(BIN)/uv pip freeze --python $(BIN)/python --exclude-editable | sed 's/^torch==.*/torch==2.13.0/' > requirements.lock

clean:  ## Remove the environment, the demos, rendered manifests and caches
	rm -rf .venv $(DEMO) $(DEMO).dvc-remote demo-retrain build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find benchmarks components examples pipelines src tests -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help env demo demo-retrain retrain-once test test-slow test-containers statistics check format compile manifests benchmarks lock clean
