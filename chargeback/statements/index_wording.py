"""What the index of a month says in words of its own.

It is apart from `wording`, where texts are declared that a unit's statement may show: nothing is to be excused
there because a page that no unit receives says it.
"""

from __future__ import annotations

INDEX_TITLE = "Index of statements"
ALL_UNITS = "All business units"
INDEX_FILE_TITLE = "Index of statements, {period}"
STATEMENTS = "Statements"
PAYERS = "Payer accounts"
FIND_A_UNIT = "Find one of {count} business units by its name"
WHO_MAY_SEE_IT = (
    "This page shows every business unit. It is for finance and FinOps, and is not handed out with a "
    "statement."
)

# The headings, which stand in reports/index.ipynb; a test holds the two together.
TIES_HEADING = "How this ties to the AWS invoices"
VERIFY_HEADING = "How to verify this month"
INDEX_HEADINGS = (TIES_HEADING, VERIFY_HEADING)

ENDED = "Units that get no statement any more"
FILES = (("HTML", "statement.html"), ("PDF", "statement.pdf"), ("CSV", "statement.csv"))
FILE_OF = "{file} of {unit}"

CHARGED_SO_FAR = (
    "AWS has not issued a final invoice for this period yet. All business units together are charged {charged} "
    "{currency}."
)
KEPT_IN_STATEMENTS = (
    "Totals stand here that a unit's statement may keep back, because they would tell the figure of another "
    "unit."
)

CLOSED_STEPS = (
    "Running make verify compares this page, every file that it names and the ledger with the signed manifest "
    "of the period, ledger/billing_period={period}/manifest.json in the books.",
    "The part run of the manifest says what rendered these pages, and in which version.",
    "Running make audit PERIOD={period} derives all of it again from AWS's files, renders it again "
    "and compares.",
)
SIGNED_BY = "The signer of the manifest and of each PDF must be {name}."
SIGNED_FOR_DEVELOPMENT = (
    "Manifest and PDFs are signed with a development key: that proves that nothing changed since, but not who "
    "signed."
)
TIME_BY_OUR_WORD = (
    "The times of signing are by our word: the clock of the machine that signed said them, and no authority "
    "outside confirms them."
)
TIME_IS_STAMPED = (
    "The times of signing are confirmed by time stamps (RFC 3161) of the authority at {host}; make verify "
    "prints its certificate and the times."
)
OPEN_STEPS = (
    "An open period has no ledger and no manifest yet, and nothing of it is signed. Every draft replaces it.",
)
