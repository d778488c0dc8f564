"""What the CFO's page says in words of its own.

They are no part of the vocabulary that a unit's statement may show: no unit receives this page.
"""

from __future__ import annotations

TITLE = "Summary for finance"
ALL_UNITS = "All business units"
FILE_TITLE = "Summary of AWS charges, {period}"
FILE_TITLE_OF_SEVERAL = "Summary of cloud charges, {period}"
STATUS = "Status"
CLOSED, RELEASED = "Closed", "Released"
UNITS = "Business units"
COST_CENTERS = "Cost centers"

WHY = "Why:"
WHY_PART = "{label} {amount}"
WHY_LARGEST = "{label} {amount} (above all {largest})"
WHY_REST = "all else {amount}"
FIRST_PERIOD = "It is the first period on record, so there is nothing to compare it with yet."
UNCHANGED = "The parts of its change come to nothing."

WHAT_CHANGED = "Why the total changed"
#: A part of the change in the plural of all units, where the statement's own words speak to one.
LABELS = {"weight": "Weights in pools"}
ENDED = "Units that get no statement any more"
OTHER_REASONS = "{count} smaller parts"
CHANGE = "Change"
CHART_CAPTION = "From {before} in {then} to {total} in {now}"

BY_UNIT = "By business unit"
BY_CENTER = "By cost center"
SHARED = "Shared cost, by what splits it"
MORE = "and {count} more"
UNIT, CENTER, POOL = "Business unit", "Cost center", "Pool"
TOTAL, ALL_SHARED = "Total", "Shared cost"

FIGURES = "Tied out and tagged"
INVOICED = "AWS invoiced"
PROVIDERS_INVOICED = "All providers invoiced"
INVOICED_ABOUT = "{count}, {rounding} of rounding in them"
ONE_INVOICE, INVOICES = "one invoice", "{count} invoices and changes of earlier ones"
OWN_SUM = "The report's own sum, which AWS invoices to nobody"
CHARGED = "Charged to cost centers"
DIFFERENCE = "Difference"
WITHOUT_TAG = "Without a usable tag"
SHARE = "{share} of the total"
SHARE_CHANGED = "{share} of the total, {before} in {period}"
CORRECTION = "Correction of {period}"
CORRECTIONS = "Corrections of {count} more periods"
BUDGET = "Budget {over}"
BUDGET_ABOUT = "{count} with a budget, actual {actual}"
OVER, UNDER, ON = "{amount} over budget", "{amount} under budget", "on budget"
MISSING = "{count} earlier months of the year are not in these books"
AGAINST_BUDGET = "Against the budget"
BUDGET_OF = "Budget {of}"
ACTUAL, FORECAST, EXPECTED, PERCENT = "Actual", "Forecast", "Expected difference", "in %"
DIFFERENCE_TO_DATE = "Difference to date"
MINUS_IS_OVER = "A minus is over budget."
MONTHS_TO_DATE = "To date is all {count} months of the year so far."
MONTH_TO_DATE = "To date is this month alone."
SOME_MONTHS_TO_DATE = (
    "To date is {known} of {count} months of the year so far, with the budgets of the same months; the others "
    "are not closed in these books."
)
HOW_FORECAST = (
    "The forecast is what was charged to date, and for each month that is left the average of the months "
    "to date."
)
NO_FORECAST = "Without them there is no forecast of the year."
ONE_CENTER, CENTERS = "1 cost center", "{count} cost centers"
ONE_DISPUTE, DISPUTES = "1 open dispute", "{count} open disputes"

CONTROLS_LABEL, RULES_LABEL, RELEASE_LABEL, SIGNED_LABEL = (
    "Controls",
    "Rules",
    "Release",
    "Signature",
)
LEFT_LABEL = "Left to later"
TERMS_LABEL = "Terms"
CONTROLS = "{count} controls ran, and all of them held."
ACCEPTED = "Accepted by people: {accepted}."
ACCEPTED_ONE = "{control} for {subject} (accepted by {accepted_by}, {reference})"
APPROVED = "{by} approved the period on {day}, before it was handed out."
NOT_APPROVED = "The params name no approver, so that closing it released it."
SIGNED = "This PDF is signed by {name}."
DEVELOPMENT = (
    "This PDF is signed with a development key: nothing changed since, and nobody vouches for it."
)
UNSIGNED = "This PDF is not signed: {why}."
MORE_ACCEPTED = "{count} more"

LOSS_RATIO = "For the medical loss ratio"
#: The types of expense, as columns and in sentences.
CATEGORIES = {
    "claims": "Claims",
    "quality_improvement": "Quality improvement",
    "administration": "Administration",
}
CATEGORIES_SAID = {
    "claims": "claims",
    "quality_improvement": "quality improvement",
    "administration": "administration",
}
CHARGED_AS, OF_CHARGED = "Charged", "of what is charged"
LOSS_RATIO_CAPTION = "What each unit is charged, by type of expense"
DECLARED_LABEL, BASIS_LABEL, CHANGED_LABEL, CORRECTED_LABEL, LIMITS_LABEL = (
    "Declared",
    "Basis",
    "Changed",
    "Corrections",
    "Limits",
)
DECISION = "{centers} by {reference}: entered by {entered_by}; approved by {approved_by} on {day}."
EVERY_OTHER = "Every other cost center"
BASIS = "{whom}: {percents}. {basis}."
BASES_LEFT = "{count} more stand in the CSV file."
DECISIONS_LEFT = "{count} more decisions stand in the CSV file."
NO_MONTH_BEFORE = (
    "No earlier month on record was split, so there is nothing to compare it with yet."
)
NOTHING_CHANGED = "No declaration is another than in {period}."
SINCE = "Since {period}:"
DECLARED_ANEW = "{whom} is {now} ({reference}, approved by {approved_by} on {day})."
DECLARED_AGAIN = (
    "{whom} stays {now}, on another basis ({reference}, approved by {approved_by} on {day})."
)
DECLARED_CHANGED = (
    "{whom} is {now}, before {before} ({reference}, approved by {approved_by} on {day})."
)
CHANGES_LEFT = "{count} more cost centers changed."
CORRECTED = "{amount} of it is about {periods}, split by what is declared for those."
LIMITS = (
    "It is cloud cost alone: premium, claims paid and all other expenses of the ratio come from elsewhere. "
    "What improves the quality of care is as the insurer declares it (45 CFR 158.150, 158.170)."
)
UNIT_COST, UNIT_COST_OF = "Unit cost", "Unit cost of"
QUANTITY, DIRECT_OF_ONE, LOADED_OF_ONE = "Quantity", "Direct, each", "Loaded, each"
COST_CHANGE, VOLUME, RATE = "Cost", "Volume effect", "Rate effect"
PER = "{title}, per {piece}"
COST_PER = "{name}, {title}: cost per {piece}"
NOT_IN_YET, NOT_DIVIDED = "not in yet", "none: not divided"
VOLUME_AND_RATE = (
    "Loaded is all that is charged. Volume (more or fewer pieces, each at what one cost before) and rate "
    "(another cost of one) sum to the change of the cost. Sums of cost by sums of quantities, no averages."
)
CIRCULAR = "Circular, because the same quantity splits shared cost: {names}."
MAY_CHANGE = "Counts that may still change: {names}."
ARE_LATE = "Not in yet for {period}: {names}."
BY_PARTS = (
    "Sums of what units or cost centers count, without a count of their own for {period}: {names}."
)
WITHOUT_COUNT = "{amount} is charged to units without {many} and is not in {name}."
