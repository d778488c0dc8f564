# Chargeback: the monthly close and everything around it. `make` alone prints this help.
# The Makefile only calls `python -m chargeback <verb>`; the logic lives in the package.

.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
VENV   := .venv
# -I: neither the environment nor a folder of the user says what is imported.
RUN    := $(VENV)/bin/python -I -m chargeback
READY  := $(VENV)/.ready
# What tests need besides, which nobody gets who only runs the program.
TESTS  := $(VENV)/.ready-to-test

# What a user says: `make monthly-close PERIOD=2026-05 CUR=/data/cur`. A verb gets it through the environment, as
# CHARGEBACK_PERIOD, and checks it there (chargeback/core/options.py): no value ever stands in a shell's text.
VARIABLES := PERIOD PERIODS YEAR UNIT DATE DRY LINE FULL CUR PARAMS BOOKS BY TO CSV CERTIFICATE HEAD TRUST RENDERER HANDOUT N FORM ONLY AXIS BEFORE LAB GROUPS
# $(value) is the text as it was written; every other reference would let make itself expand a $(shell …) in it.
$(foreach one,$(VARIABLES),$(if $(value $(one)),$(eval export CHARGEBACK_$(one) := $$(value $(one)))))
export CHARGEBACK_MAKE_VARIABLES := \
  $(strip $(foreach one,$(.VARIABLES),$(if $(findstring command,$(origin $(one))),$(one))))
# make hands on whatever stands on its command line, expanded: of these only what we hand on ourselves.
unexport $(VARIABLES)
MAKEOVERRIDES :=

##@ Setting up

init: $(READY) ## PARAMS=mine begun from the report in CUR=, with what a person still has to enter
	@$(RUN) init

check-params: $(READY) ## All that is wrong in PARAMS=, and who would own what in PERIOD=2026-05; publishes nothing
	@$(RUN) check-params

##@ Every month

monthly-close: $(READY) ## Close PERIOD=2026-05 or 2025-12..2026-05: attribute, allocate, tie out, post, render statements
	@$(RUN) monthly-close

approve: $(READY) ## A prepared PERIOD=2026-05 released by a second person, BY=rita.ng, with a key of their own
	@$(RUN) approve

handout: $(READY) ## Closed PERIOD=2026-05 handed out and booked, each thing once; the pack copied TO= a folder
	@$(RUN) handout

erp-journal: $(READY) ## Closed PERIOD=2026-05 as a journal for SAP, Oracle, NetSuite or Workday, exported once; TO=folder
	@$(RUN) erp-journal

dashboards: $(READY) ## A page for each business unit and one over all, from the closed BOOKS= and the open month
	@$(RUN) dashboards

disputes: $(READY) ## Disputes and acknowledgements read into the log, what is open on DATE=; code 4 when overdue; BY=
	@$(RUN) disputes

draft: $(READY) ## PROVISIONAL statements for an open PERIOD=2026-06; posts nothing
	@$(RUN) draft

restatements: $(READY) ## Closed periods that AWS delivered again, and by how much for whom; posts nothing
	@$(RUN) restatements

verify: $(READY) ## Every file, signature and close in BOOKS=, in seconds; CERTIFICATE=, HEAD= that you kept
	@$(RUN) verify

audit: $(READY) ## Closed PERIOD=2026-05 derived again from CUR= and its evidence, on one page; TO=folder
	@$(RUN) audit

bundle: $(READY) ## Closed PERIOD=2026-05 of UNIT=claims for an auditor: statement, manifest, certificates, commands; TO=
	@$(RUN) bundle

drill: $(READY) ## Sample or copied BOOKS= deleted in a scratch folder, closed again and compared; code 4 if not all is back
	@$(RUN) drill

journal: $(READY) ## The closed periods in BOOKS= as journals for beancount and hledger, TO= a folder
	@$(RUN) journal

year: $(READY) ## YEAR=2026 or 2025..2026: closed months as charged and as corrected, budget, every invoice tied; TO=
	@$(RUN) year

##@ Who sees what

focus: $(READY) ## Closed PERIOD=2026-05 as FOCUS 1.2, 1.3 and 1.4 Parquet, tied to ledger and invoices; TO=folder
	@$(RUN) focus

viewers: $(READY) ## Who sees what in PERIOD= (default: today's month); TO=folder: rules for QuickSight, Lake Formation, Athena
	@$(RUN) viewers

quicksight: $(READY) ## Today's rules put beside the ledger in BOOKS=s3://bucket/prefix, and QuickSight's datasets refreshed
	@$(RUN) quicksight

portal: $(READY) ## Dashboards and statements behind single sign-on; GROUPS=finops-claims: for you, on this machine
	@$(RUN) portal

export: $(READY) ## The rows of closed periods that GROUPS=finops-claims see, as Parquet and CSV, TO= a folder; PERIODS=
	@$(RUN) export

##@ Every day

daily: $(READY) ## The open month on DATE=2026-06-15: tag hygiene, tickets and alerts; DRY=yes says what it would send
	@$(RUN) daily

freshness: $(READY) ## How old delivery and ledger are on DATE= (default: today); exit code 4 when one is late
	@$(RUN) freshness

posture: $(READY) ## What has drifted in the deployed account that CUR= and BOOKS= lie in; exit code 4 when something has
	@$(RUN) posture

##@ Looking closer

rules: $(READY) ## The rules in force in PERIOD=2026-05 as prose, whether they are ratified, and what is untagged by unit
	@$(RUN) rules

trace: $(READY) ## A LINE= of a statement of PERIOD=2026-05 back to its rule and line items, CSV= a file, FULL=yes for auditors
	@$(RUN) trace

what-if: $(READY) ## Closed PERIODS=2026-03..2026-05 replayed under proposed PARAMS=; changes nothing
	@$(RUN) what-if

propose-rules: $(READY) ## Proposed PARAMS= for PERIOD=2026-07 as a change in ServiceNow, with prose and what-if page
	@$(RUN) propose-rules

ledger-table: $(READY) ## The SQL that makes a table of Athena from BOOKS=s3://bucket/prefix
	@$(RUN) ledger-table

lab: $(READY) ## JupyterLab on copies of the notebooks, the sample closed; LAB="--no-browser --port 8899"; GROUPS= for others
	@$(RUN) lab

##@ Building and trusting

setup: $(READY) ## Make the virtual environment from the hashed lock
	@$(RUN) --version

sample: $(READY) ## Write the built-in sample estate's cost and usage reports
	@$(RUN) sample

test: $(READY) $(TESTS) ## Everything a developer or CI needs to trust a change
	@$(RUN) test

test-trino: $(READY) $(TESTS) ## What Athena runs and every file of sql/, judged by a real Trino (CONTRIBUTING.md)
	@$(RUN) test-trino

check: $(READY) $(TESTS) ## What a developer runs while working: style, types, layers and the fast tests
	@$(RUN) check

bench: $(READY) ## Performance figures as ratios, N=10000000 line items; ONLY=anomalies, compute, daily, growth (AXIS=), portal, statements, verbs; BEFORE=
	@$(RUN) bench

lock: $(READY) ## Resolve the dependencies again into the two locks
	@$(RUN) lock

clean: ## Remove everything that can be made again; never touches books/
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis

help: ## This help
	@awk 'BEGIN {FS = ":.*## "; printf "usage: make <target> [PERIOD=2026-05] [CUR=] [PARAMS=] [BOOKS=]\n"} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2} \
	  END {printf "\nmake ends with 2 for any stop; .venv/bin/chargeback <verb> ends with the code of the verb.\n"}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (a minute or two, once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(TESTS): requirements-dev.lock $(READY)
	@echo "Adding to $(VENV) what tests need, from requirements-dev.lock"
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: init check-params monthly-close approve handout erp-journal disputes draft restatements verify audit bundle journal year focus viewers quicksight export portal dashboards drill daily freshness posture rules trace what-if propose-rules ledger-table lab setup sample test test-trino check bench lock clean help
