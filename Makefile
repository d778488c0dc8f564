# Chargeback: the monthly close and everything around it. `make` alone prints this help.
# The Makefile only calls `python -m chargeback <verb>`; the logic lives in the package.

.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python -m chargeback
READY  := $(VENV)/.ready

# Overrides: CUR= (a Data Exports folder, or athena), PARAMS= (a params folder), BOOKS= (results).
OPTIONS = $(if $(CUR),--cur '$(CUR)') $(if $(PARAMS),--params '$(PARAMS)') $(if $(BOOKS),--books '$(BOOKS)')

##@ Every month

monthly-close: $(READY) ## Close PERIOD=2026-05: attribute, allocate, tie out, post, render statements
	@$(RUN) monthly-close '$(PERIOD)' $(OPTIONS)

draft: $(READY) ## PROVISIONAL statements for an open PERIOD=2026-06; posts nothing
	@$(RUN) draft '$(PERIOD)' $(OPTIONS)

restatements: $(READY) ## Closed periods that AWS delivered again, and by how much for whom; posts nothing
	@$(RUN) restatements $(OPTIONS)

verify: $(READY) ## Every file, signature and link of the closed periods in BOOKS=, in seconds
	@$(RUN) verify $(if $(PARAMS),--params '$(PARAMS)') $(if $(BOOKS),--books '$(BOOKS)') $(if $(CERTIFICATE),--certificate '$(CERTIFICATE)')

audit: $(READY) ## Closed PERIOD=2026-05 derived again from CUR= and its evidence, on one page; TO=folder
	@$(RUN) audit '$(PERIOD)' $(OPTIONS) $(if $(TO),--to '$(TO)')

journal: $(READY) ## The closed periods in BOOKS= as journals for beancount and hledger, TO= a folder
	@$(RUN) journal $(if $(PARAMS),--params '$(PARAMS)') $(if $(BOOKS),--books '$(BOOKS)') $(if $(TO),--to '$(TO)')

##@ Every day

daily: $(READY) ## The open month on DATE=2026-06-15: tag hygiene, tickets and alerts; posts nothing
	@$(RUN) daily '$(DATE)' $(OPTIONS)

freshness: $(READY) ## How old delivery and ledger are on DATE= (default: today); exit code 4 when one is late
	@$(RUN) freshness $(if $(DATE),'$(DATE)') $(OPTIONS)

##@ Looking closer

rules: $(READY) ## The rules in force in PERIOD=2026-05 as prose, and whether they are ratified
	@$(RUN) rules '$(PERIOD)' $(if $(PARAMS),--params '$(PARAMS)')

trace: $(READY) ## A LINE= of a statement of PERIOD=2026-05 back to its rule and line items, CSV= a file
	@$(RUN) trace '$(PERIOD)' '$(LINE)' $(OPTIONS) $(if $(CSV),--csv '$(CSV)')

what-if: $(READY) ## Closed PERIODS=2026-03..2026-05 replayed under proposed PARAMS=; changes nothing
	@$(RUN) what-if '$(PERIODS)' $(OPTIONS)

ledger-table: $(READY) ## The SQL that makes a table of Athena from BOOKS=s3://bucket/prefix
	@$(RUN) ledger-table --books '$(BOOKS)'

lab: export CHARGEBACK_CUR := $(or $(CUR),$(CHARGEBACK_CUR))
lab: export CHARGEBACK_PARAMS := $(or $(PARAMS),$(CHARGEBACK_PARAMS))
lab: export CHARGEBACK_BOOKS := $(or $(BOOKS),$(CHARGEBACK_BOOKS))
lab: export CHARGEBACK_LAB := $(or $(LAB),$(CHARGEBACK_LAB))
lab: $(READY) ## JupyterLab on copies of the notebooks, the sample closed; LAB="--no-browser --port 8899"
	@$(RUN) lab

##@ Building and trusting

setup: $(READY) ## Make the virtual environment from the hashed lock
	@$(RUN) --version

sample: $(READY) ## Write the built-in sample estate's cost and usage reports
	@$(RUN) sample

test: $(READY) ## Everything a developer or CI needs to trust a change
	@$(RUN) test

check: $(READY) ## What a developer runs while working: style, types and the fast tests
	@$(RUN) check

bench: $(READY) ## Performance figures as ratios, N=10000000 line items; ONLY=anomalies or verbs, BEFORE=checkout
	@$(RUN) bench $(if $(N),--line-items '$(N)') $(if $(ONLY),--only '$(ONLY)') $(if $(BEFORE),--before '$(BEFORE)')

lock: $(READY) ## Resolve the dependencies again into requirements.lock
	@$(RUN) lock

clean: ## Remove everything that can be made again; never touches books/
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis

help: ## This help
	@awk 'BEGIN {FS = ":.*## "; printf "usage: make <target> [PERIOD=2026-05] [CUR=] [PARAMS=] [BOOKS=]\n"} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (a minute or two, once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

.PHONY: monthly-close draft restatements verify audit journal daily freshness rules trace what-if ledger-table lab setup sample test check bench lock clean help
