"""Everything that a statement says in words of its own, in the order in which it says it.

The sections take their texts from here, and so does the leak scan: what is declared with `phrase`
is what a statement may show although a name of another business unit is among its words. Nothing
else is excused for being the program's own text, so that a sentence written elsewhere can only make
the scan find too much, never too little. What is called by names that other pages use too (kinds of
cost, allocation keys, services) is declared in `pages.vocabulary`.

A text with values in it is a template for `str.format`; the words between the values are what it
declares.
"""

from __future__ import annotations

from string import Formatter

_DECLARED: list[str] = []


def phrase(text: str) -> str:
    """Declare a text or a template as one that statements may show; returns it."""
    _DECLARED.append(text)
    return text


def pieces(template: str) -> list[str]:
    """What a template says whatever its values are.

    >>> pieces("{amount} of credits and refunds")
    [' of credits and refunds']
    """
    return [literal for literal, *_ in Formatter().parse(template) if literal.strip()]


def declared_phrases() -> frozenset[str]:
    """All declared texts, templates in pieces."""
    return frozenset(piece for text in _DECLARED for piece in pieces(text))


# The headings, which stand in reports/statement.ipynb; a test holds the two together.
WHY_IT_CHANGED = phrase("Why the total changed")
BY_COST_CENTER = phrase("By cost center")
BY_SERVICE = phrase("Direct cost by service")
BY_ACCOUNT = phrase("Direct cost by account")
SHARED_COST = phrase("Shared cost")
OTHER_LINES = phrase("Commitments, rounding, adjustments")
CORRECTIONS = phrase("Corrections to earlier periods")
UNTAGGED = phrase("Without a usable tag")
TREND = phrase("Trend")
TIES = phrase("How this ties to the AWS invoice")
VERIFY = phrase("How to verify this statement")
#: Shown only where there is a budget, so that it stands with its section and not in the notebook.
AGAINST_BUDGET = phrase("Against the budget")
#: Shown only where the unit has quantities, in the same way; its words are in `unit_cost_wording`.
UNIT_COST = phrase("Unit cost")
HEADINGS = (
    WHY_IT_CHANGED,
    BY_COST_CENTER,
    BY_SERVICE,
    BY_ACCOUNT,
    SHARED_COST,
    OTHER_LINES,
    CORRECTIONS,
    UNTAGGED,
    TREND,
    TIES,
    VERIFY,
)

# The anchors that pandoc gives to the headings.
ANCHORS = tuple(
    phrase(heading.lower().replace(",", "").replace(" ", "-"))
    for heading in (*HEADINGS, AGAINST_BUDGET, UNIT_COST)
)

# What figures of the ledger are called where they are read back (`pages.parts.Cell.figure`).
FIGURES = tuple(
    phrase(section)
    for section in ("total", "cost_center", "kind", "pool", "correction", "change", "budget")
)

#: What the figures of unit costs are called there.
UNIT_COST_FIGURE = phrase("unit_cost")

#: How the keys of figures begin that stand against a budget: what they are of, and which of the three they are.
SPANS = ("month", "to_date", "year")
MEASURES = ("budget", "actual", "difference")
BUDGET_KEYS = tuple(phrase(f"{span}/{measure}/") for span in SPANS for measure in MEASURES)

# The first page, and what every page repeats.
TITLE = phrase("Statement of AWS charges")
phrase(TITLE.upper())  # as the PDF's first page sets it
FILE_TITLE = phrase("Statement of AWS charges, {unit}, {period}")
TITLE_OF_SEVERAL = phrase("Statement of cloud charges")
phrase(TITLE_OF_SEVERAL.upper())
FILE_TITLE_OF_SEVERAL = phrase("Statement of cloud charges, {unit}, {period}")
# Set by reports/typst-template.typ: the foot of a page, and what follows a group's name on its next page.
PAGE = phrase("page {number} of {count}")
CONTINUED = phrase(", continued")
BILLING_PERIOD = phrase("Billing period")
BUSINESS_UNIT = phrase("Business unit")
OWNER = phrase("Owner")
STATUS = phrase("Status")
CLOSED = phrase("Closed")
PROVISIONAL = phrase("PROVISIONAL")
PRO_FORMA_MARK = phrase("PRO FORMA")
NO_INVOICE_MARK = phrase("NO AWS INVOICE")
BOTH_MARKS = phrase("{status}, {kind}")
SIGNATURE = phrase("Signature")
DEVELOPMENT_KEY = phrase("development key")
SIGNED_BY_DEVELOPMENT_KEY = phrase("signed with a development key")
TOTAL_FOR = phrase("Total for {period}")
TOTAL_PER_PERIOD = phrase("Total per period; {periods}")
NOT_TO_BOOK = phrase(
    "This period is still open at AWS. The figures will change until it is closed, and nothing has "
    "been posted: use this statement to look ahead, not to book."
)
PRO_FORMA_MEANS = phrase(
    "These are pro forma costs of AWS Billing Conductor. AWS sends no invoice for them: they tie to "
    "the sum of their own report, not to what AWS is paid."
)
NO_INVOICE_MEANS = phrase(
    "AWS sends no invoice for this period, because credits cover what has none: that comes to 0.00."
)
LEFT_TO = phrase(
    "The invoice {invoice_id}, {amount} {currency}, is left to {period}: nobody is charged for it "
    "here, and it is charged there as a correction of this period."
)
LEFT_TO_KEPT = phrase(
    "The invoice {invoice_id} is left to {period}: nobody is charged for it here, and it is charged "
    "there as a correction of this period."
)
NOTHING_TO_COMPARE = phrase(
    "The first period on record: there is no earlier one to compare it with."
)
UNCHANGED = phrase("Unchanged from {period}")
MORE_THAN = phrase("{amount} more than the {before} of {period}")
LESS_THAN = phrase("{amount} less than the {before} of {period}")

MOVED_MOST = phrase("Largest movers since {period}: {movers}.")
SHARED_MOVED = phrase("Of shared cost: {movers}.")
MOVER = phrase("{label}, {amount}")

# Columns and last rows that several tables have.
TOTAL = phrase("Total")
AMOUNT = phrase("Amount")
CHANGE = phrase("Change")
CHANGE_PERCENT = phrase("Change in %")
DIRECT = phrase("Direct")
SHARED = phrase("Shared")
OTHER = phrase("Other")
COST = phrase("Cost")
ACCOUNT = phrase("Account")
SERVICE = phrase("Service")
DIRECT_COST = phrase("Direct cost")
OF_DIRECT = phrase("Of direct cost")
PROVIDER = phrase("Provider")
BY_PROVIDER = phrase("By provider")
OF_PROVIDER = phrase("{provider} · {text}")
SMALLER_ROWS = phrase("{count} smaller rows")

# What the total is made of.
OF_TOTAL = phrase("Of total")
KIND_OF_COST = phrase("Kind of cost")
ALL_AMOUNTS_ARE_IN = phrase("All amounts are in {currency}.")
DIRECT_MEANS = phrase(
    "Direct cost carries a tag of one of your cost centers, is given to one by an approved rule, or "
    "arose in an account whose default it is."
)
SHARED_MEANS = phrase(
    "Shared cost is your part of what no one unit owns; each pool and its key are listed below."
)
OTHERS_FOLLOW = phrase("The other lines are explained after the shared cost.")
AT_BASIS = phrase("All amounts are in {currency}, at {basis} cost.")
BASES = {one: phrase(one) for one in ("amortized", "unblended")}

# Whom to ask, and how and until when a line is disputed.
THE_TEAM = phrase("your FinOps team")
QUESTIONS = phrase("Questions: {ask}.")
DISPUTE_UNTIL = phrase(
    "You can dispute a line until {day}, or for {days} business days after handing out if that is later."
)
DISPUTE_WITHIN = phrase(
    "You can dispute a line for {days} business days after this was handed out."
)
HOW_TO_DISPUTE = phrase("Name the line as it stands here, how much of it is not yours, and why.")
NOTHING_TO_DISPUTE_YET = phrase("Lines can be disputed once the period is closed.")

# Why the total changed.
CHANGES_START_NEXT = phrase("This is the first period on record; changes start with the next one.")
FROM_TO = phrase("From {before} in {then} to {total} in {now}")
WHAT_CHANGED = phrase("What changed")
LARGEST = phrase("Largest: {details}")
NOT_MEASURED = phrase("{label}: not measured")

# By cost center.
NO_COST_CENTER = phrase("No cost center belonged to this business unit in the period.")
COST_CENTER = phrase("Cost center")

# Against the budget. Each table has labels of its own, by which its figures are read back.
BUDGET = phrase("Budget")
ACTUAL = phrase("Actual")
OVER_OR_UNDER = phrase("Difference")
IN_PERCENT = phrase("in %")
BUDGET_TO_DATE = phrase("Budget to date")
ACTUAL_TO_DATE = phrase("To date")
DIFFERENCE_TO_DATE = phrase("Left to date")
BUDGET_OF_YEAR = phrase("Budget of the year")
FORECAST = phrase("Forecast")
DIFFERENCE_OF_YEAR = phrase("Expected left")
OVER_BUDGET = phrase("{amount} over the {budget} of {period}")
UNDER_BUDGET = phrase("{amount} under the {budget} of {period}")
ON_BUDGET = phrase("as budgeted for {period}")
MONTHS_AGAINST_BUDGET = phrase("What each month was charged; the mark is its budget")
MONTH_AGAINST_BUDGET = phrase("{period} {actual} of {budget}")
MONTH_AHEAD = phrase("{period} budget {budget}")
TO_DATE_IS = phrase("Year to date: {first} to {last}")
TO_DATE_OF_SOME = phrase(
    "Year to date: {known} of {count} months of {year} up to {last}, budgets of the same months; the "
    "others are not closed in these books"
)
TO_DATE_OF_ONE = phrase("Year to date: {last} is all of it")
YEAR_IS = phrase("All of {year}")
TO_DAY = phrase("{period} up to the {day}. day, beside the budget's part for the same days")
HOW_TO_READ_A_BUDGET = phrase(
    "How to read a line: the difference, or what is left, is the budget less the actual, so that a minus "
    "is over budget. "
    "Actual is what this and the earlier statements charged, corrections in the month that charged them."
)
HOW_IT_IS_FORECAST = phrase(
    "The forecast is what was charged to date, and for each month that is left the average of the "
    "months to date, from the first one in which the cost center was charged."
)
NO_FORECAST_OPEN = phrase("A month that is open is no base for a forecast of the year.")
NO_FORECAST_MISSING = phrase(
    "There is no forecast of the year, because not all months of it are closed in these books."
)
HOW_A_YEAR_IS_SPREAD = phrase(
    "A year's budget is spread equally over its months. Approved by: {names}."
)
WITHOUT_BUDGET = phrase(
    "{amount} of {period} is charged to cost centers that have no budget, and is compared with none."
)

# Direct cost by service and by account.
NO_DIRECT_COST = phrase("There was no direct cost in this period.")
LARGEST_SERVICES = phrase("The largest services")
LARGEST_SERVICES_MARKED = phrase("The largest services; the mark is {period}")
SMALLER_SERVICES = phrase("{count} smaller services (all in statement.csv)")
INCLUDED = phrase("Included above: {parts}.")
CREDITS = phrase("{amount} of credits and refunds")
TAX = phrase("{amount} of tax")
WHAT_DECIDED = phrase("What decided")
WHY_IT_IS_YOURS = phrase("Why this cost is yours")
NO_ACCOUNT = phrase("There was no direct cost in any account.")
ACCOUNT_TOTAL = phrase("Account total")
ACCOUNT_AND_SERVICE = phrase("Account and service")

# Shared cost.
NO_SHARED_COST = phrase("No shared cost was split to this business unit in this period.")
POOL = phrase("Pool")
SPLIT_BY = phrase("Split by")
REFERENCE = phrase("Ref.")
YOUR_WEIGHT = phrase("Your weight")
ALL_WEIGHTS = phrase("All weights")
YOUR_SHARE = phrase("Your share")
POOL_TOTAL = phrase("Pool total")
HOW_TO_READ_A_POOL = phrase(
    "How to read a line: your weight divided by all weights is your share; your share of the pool "
    "total is the amount. All weights and the pool total count the later pools too that a part was passed "
    "on to. Weights are the sums over your cost centers. Because every cost center is "
    "charged whole cents on each invoice, an amount can differ from this calculation by a few cents; "
    "the pool as a whole does not. Long weights are rounded here; statement.csv has them exactly, "
    "one for each cost center."
)
SPLITS_ARE_APPROVED = phrase(
    "How each pool is split was approved by {who}, under what is named with its key."
)
KEPT = phrase("kept")
NAMED = phrase("“{name}”")
TOTALS_OF_POOLS_KEPT = phrase(
    "Finance keeps the totals of {pools}: put together with other totals they would tell the figure "
    "of one other unit. Ask finance when you want to check the share."
)
HOW_TO_READ_A_WEIGHT = phrase(
    "How to read a line: each pool is split in proportion to weights, and your weight is the sum over "
    "your cost centers. Long weights are rounded here; statement.csv has them exactly, one for each "
    "cost center. Ask finance when you want to check a share: it keeps the totals of the pools."
)
HOW_TO_READ_A_SHARE = phrase(
    "How to read a line: your share of the pool is rounded to a tenth of a percent; the amount is your "
    "part by the exact one, in whole cents on each invoice. Finance keeps the weights and the totals of "
    "the pools: ask it when you want to check a share."
)
SHARES_OF_POOLS_KEPT = phrase(
    "It keeps the share of {pools} too: put together with other shares it would tell the figure of one "
    "other unit."
)
WHY_POOLS_ARE_KEPT = phrase(
    "Put together with other totals they would tell the figure of one other unit."
)
POOLS_FOR_POOLS = phrase(
    "Pools that are charged for what other pools do for them; it is in the totals of both"
)
FROM_POOL = phrase("From the pool")
TO_POOL = phrase("To the pool, which is split with it")
PASSED_ON = phrase("Passed on")

# Commitments, rounding, adjustments.
TOGETHER = phrase("Together")
WHAT_IT_IS = phrase("What it is")
THERE_WERE_NO = phrase("There were no {kinds} for this business unit in this period.")
COMMITMENTS_MEAN = phrase(
    "Commitments: usage is charged at its effective cost, which spreads Savings Plans and Reserved "
    "Instances over the hours they cover. What was prepaid in the period less what was used up of "
    "earlier payments is carried by the cost center that holds the commitments."
)
ROUNDING_OF = phrase("Invoice total less the sum of its line items")
CORRECTIONS_TO = phrase("Corrections to {period}")
LISTED_BELOW = phrase("listed below")
ADJUSTMENT_APPROVED = phrase("approved by {approved_by} on {approved_on}")

# Corrections to earlier periods.
NO_CORRECTION = phrase("No earlier period is corrected in this one.")
DELIVERED_AGAIN = phrase("AWS delivered its report again after it was closed, as {execution_id}")
PROVIDERS_DELIVERED_AGAIN = phrase("{providers} delivered its costs again after it was closed")
INVOICE_CHANGED = phrase("One of its invoices was entered or changed after it was closed")
TAKEN_NOW = phrase("Its close left the invoice {invoice_ids} to a later period, which is this one")
ALL_OF = phrase("All of {period}")
ALL_PERIODS = phrase("All periods")
SHARED_COST_OF = phrase("Shared cost: {pool}")
COMMITMENTS_OF = phrase("Commitments: {service}")
IN_ACCOUNT = phrase("{what} in {account}")
BECAUSE_ENDED = phrase("{whose}, because {cost_center} has ended")
WHAT_IS_CORRECTED = phrase("What is corrected")
CORRECTION = phrase("Correction")
HOW_PERIODS_ARE_CORRECTED = phrase(
    "A closed period is never changed. It was charged again from what AWS says now, by the rules "
    "that were in force in it; the difference is charged here. In statement.csv each amount that "
    "was charged is reversed, and charged as it is to be."
)
HOW_PERIODS_OF_PROVIDERS_ARE_CORRECTED = phrase(
    "A closed period is never changed. It was charged again from what was delivered last, by the rules "
    "that were in force in it; the difference is charged here. In statement.csv each amount that "
    "was charged is reversed, and charged as it is to be."
)

# Without a usable tag.
NOTHING_TO_TAG = phrase(
    "No account belongs to this business unit, so there is nothing for it to tag."
)
ALL_TAGGED = phrase("Everything in this business unit's accounts had a usable tag. Thank you.")
CHARGED_TO = phrase("Charged to")
TAG_VALUE = phrase("Tag value")
LINE_ITEMS = phrase("Line items")
UNUSABLE = phrase("With an unusable value")
TAGGED_UNUSABLY = phrase("Of this, tagged with a value that is no cost center")
COSTS_OF_LINE_ITEMS = phrase(
    "These are costs of line items, before they were split, shown in cents."
)
DEFAULTED = phrase("{amount} went to the default cost center of its account, which is yours.")
RULED = phrase(
    "{amount} went where an approved ownership rule gives it; what it belongs to is known, and still "
    "has no tag."
)
POOLED = phrase(
    "{amount} went to the pool for untagged cost, which every cost center that takes part pays for."
)
PUT_IN_AND_PAID = phrase("What your accounts put into this pool, and what you pay of it")
PUT_IN = phrase("You put in")
PAID = phrase("You pay")
MORE_OR_LESS = phrase("More or less")
HOW_TO_READ_PUT_IN = phrase(
    "What you put in is the cost in your accounts that no tag and no rule gives to anybody."
)
PAID_BY_KEY = phrase(
    "What you pay is your part of the whole pool by its key, “{key}”, whoever put it in."
)
PAYS_NO_PART = phrase("You take no part in this pool.")
SET_THE_TAG = phrase(
    "On every resource in these accounts, set the tag that the report calls {tag_key} to the id of "
    "the cost center that uses it. Yours are: {cost_centers}."
)
MORE_LISTED_ABOVE = phrase("{count} more, listed above")
CORRECT_THE_VALUES = phrase(
    "Correct the values listed above, or ask finance to accept them as other spellings of a cost "
    "center (tag_values.csv); both need the cost center they stand for."
)
FROM_THE_DAY_ON = phrase(
    "A tag counts from the day it is set; it does not change a closed period. Start with the largest "
    "row above."
)

# Trend.
TREND_STARTS_NEXT = phrase(
    "This is the first period on record; the trend starts with the next one."
)
STILL_OPEN = phrase("{period} (PROVISIONAL)")
ALL_SHOWN = phrase("All periods shown")
PERIOD = phrase("Period")
CHARGES_PER_PERIOD = phrase("Charges per period; {periods}")

# How this ties to the AWS invoice.
NOT_INVOICED = phrase(
    "AWS has not issued a final invoice for this period yet. All business units together are charged "
    "{charged} {currency}, {share} of it here."
)
INVOICE = phrase("Invoice")
ROUNDING = phrase("Rounding")
EXACTLY = phrase("exactly {amount}")
CHANGE_OF = phrase("Change of {period}: {issuer}")
AWS_INVOICED = phrase("AWS invoiced")
PROVIDERS_INVOICED = phrase("All providers invoiced")
SEVERAL_PROVIDERS = phrase(
    "Other providers than AWS sent invoices for this period too. Each invoice is tied out by itself, and "
    "all of them together with what was charged."
)
OWN_SUM = phrase("What the pro forma report comes to")
OWN_SUM_AND_CHANGES = phrase("What the pro forma report comes to, and changes of earlier periods")
ALL_CHARGED = phrase("Charged to all business units together")
DIFFERENCE = phrase("Difference")
SHARE_OF_ALL = phrase(
    "This statement is {total} {currency}, {share} of what all business units were charged. Every "
    "cent of every invoice is on exactly one cost center."
)

TIES_AND_KEPT = phrase(
    "What AWS invoiced and what all business units together are charged tie: the difference is "
    "{difference} {currency}. Finance keeps the two totals."
)
REPORT_TIES_AND_KEPT = phrase(
    "What the pro forma report comes to and what all business units together are charged tie: the "
    "difference is {difference} {currency}. Finance keeps the two totals."
)
NOT_INVOICED_KEPT = phrase(
    "AWS has not issued a final invoice for this period yet. Finance keeps what all business units "
    "together are charged."
)
NOTHING_AND_KEPT = phrase(
    "There was nothing to charge. Finance keeps what all business units together are charged."
)
WHY_TOTALS_ARE_KEPT = phrase("In this statement they would tell the figure of one other unit.")
EVERY_CENT = phrase("Every cent of every invoice is on exactly one cost center.")
OTHER_INVOICES = phrase("{count} more, which finance keeps together")
WHY_INVOICES_ARE_KEPT = phrase(
    "Finance keeps the totals of single invoices that would tell the figure of one other unit."
)

SHARE_OF_NOTHING = phrase(
    "This statement is {total} {currency}; all business units together were charged {charged} "
    "{currency}. Every cent of it is on exactly one cost center."
)
SHARE_OF_OWN_SUM = phrase(
    "This statement is {total} {currency}, {share} of what all business units were charged. Every "
    "cent of the report is on exactly one cost center."
)
NOTHING_WITHOUT_INVOICE = phrase(
    "There was nothing to charge. All business units together are charged {charged} {currency}."
)

# How to verify this statement.
RATIFIED = phrase(
    "The rules for sharing cost were ratified by {approved_by} on {approved_on} ({reference}), from "
    "{period}."
)
NOT_RATIFIED = phrase("The rules for sharing cost are not ratified yet.")
NOT_GOVERNED = phrase(
    "The rules for sharing cost are not governed: no ratification is required or recorded where "
    "they are kept."
)
EVERY_OPEN_LINE = phrase(
    "The file statement.csv beside this one holds every line: its column amount adds up to the total "
    "above."
)
NO_LEDGER_YET = phrase(
    "An open period has no ledger yet. Wait for the closed statement before you check anything else."
)
EVERY_LEDGER_LINE = phrase(
    "The file statement.csv beside this one holds every ledger line of this statement: its column "
    "amount adds up to the total on the first page, and each line names the rule that decided."
)
PDF_IS_SIGNED = phrase(
    "The file statement.pdf is signed: a PDF reader shows by whom, and that nothing changed since, "
    "and so does the program pdfsig (below). {whose}"
)
PROVES_NO_CHANGE = phrase(
    "It was signed with a development key: that proves that nothing changed since, but not who "
    "signed."
)
SIGNER_MUST_BE = phrase("The signer must be {name}.")
TIME_BY_OUR_WORD = phrase(
    "The time of signing is by our word: the clock of the machine that signed said it, and no "
    "authority outside confirms it."
)
TIME_IS_STAMPED = phrase(
    "The time of signing is confirmed by a time stamp (RFC 3161) of the authority at {host}."
)
STORE_FOLLOWS = phrase(
    "After the signature the file holds certificates and what says that none of them was revoked, and "
    "nothing else: of this pdfsig says “Not total document signed”."
)
MANIFEST_IS_SIGNED = phrase(
    "The manifest of the period is signed in manifest.json.p7s, which openssl checks (below) with "
    "the certificates that the evidence of the period holds. Running make verify checks every file "
    "of every closed period."
)
LEDGER_OF_PERIOD = phrase(
    "The ledger of the period is billing_period={period}/postings.parquet in the books. Its sha256 "
    "digest is printed above as postings; the manifest.json beside it names every source file and every "
    "file of the period, this statement among them, with its own digest."
)
ANY_LINE = phrase(
    "Any line can be followed back to the line items of AWS's report. Name it by the six signs beside it "
    "(Ref.), which statement.csv has in its column reference, or by what these pages call it, when you "
    "ask the FinOps team, who answers with make trace PERIOD={period} LINE={unit}/reference."
)
CLOSE_AGAIN = phrase(
    "Running make monthly-close PERIOD={period} derives the period again from the frozen sources and "
    "answers that it is identical, or shows what differs."
)
#: What a reader types to check the signatures; the second one is a single line for a shell.
SIGNATURE_COMMANDS = (
    (phrase("the PDF"), phrase("pdfsig statement.pdf")),
    (
        phrase("the manifest"),
        phrase("openssl cms -verify -inform DER -binary -in manifest.json.p7s \\"),
    ),
    ("", phrase("  -content manifest.json -CAfile certificates.pem -out /dev/null")),
)
