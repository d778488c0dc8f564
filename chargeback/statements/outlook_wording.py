"""What the pages of a draft say of how far its data reaches, and of what the month is estimated to come to.

Declared like all texts that statements may show (`wording`).
"""

from __future__ import annotations

from chargeback.ledger import outlook
from chargeback.statements.wording import phrase

DATA_THROUGH = phrase("Data through {day}, {passed} of {days} days.")
DAYS_NOT_TOLD = phrase(
    "The report does not tell which day a cost is of. So the month so far is compared with no other, "
    "and not estimated."
)
CHARGED_FOR = phrase("Charged for {days}")
DAYS_OF = phrase("{first} to {last}")
MORE_THAN_DAYS = phrase("{amount} more than the {before} of {days}")
LESS_THAN_DAYS = phrase("{amount} less than the {before} of {days}")
UNCHANGED_FROM_DAYS = phrase("Unchanged from {days}")
WHY_NOT = {
    outlook.NOT_AT_HAND: phrase(
        "The report of {period} is not at hand to compare the same days with."
    ),
    outlook.UNREADABLE: phrase(
        "The report of {period} could not be used to compare the same days with."
    ),
    outlook.NOT_DATED: phrase("The report of {period} does not tell days to compare with."),
}

TO_DATE = phrase("Charged to date, {days}")
SAME_DAYS = phrase("The same days of the month before, {days}")
OF_CORRECTIONS = phrase("Of it corrections of earlier periods, which are not compared")
OF_FEES_AHEAD = phrase("Of it reservations for the days to come")
STILL_EXPECTED = phrase("Still expected")
ESTIMATED = phrase("{period}, estimated")
FROM_LOW_TO_HIGH = phrase("Range of the estimate")
RANGE = phrase("{low} to {high}")
ONE_DAY = phrase("none after one day")
OUTLOOK = phrase("All of {period}, estimated")

METHOD = phrase(
    "How it is estimated: each weekday to come as the average of the weekdays so far, and each day of a "
    "weekend as that of those; commitments as on the last day, used or not; discounts and taxes of the "
    "month follow the usage; what AWS charges for the whole month is whole. All of it is then shared "
    "by the rules of this statement."
)
METHOD_OF_RANGE = phrase(
    "The range is the lowest and the highest that the same estimate gives by halves of the days so far "
    "in a row."
)
WHOLE_ALREADY = phrase("All days of the month are there, so nothing is estimated.")
AWAITED = phrase(
    "AWS charges its support after the month has ended: it is expected as it was in {period}, and not "
    "compared."
)
FULL_FEES = phrase("What AWS charges on the first day for a whole month is whole in both months.")
AGAINST_ALL_OF = phrase(
    "{now} is charged to {day} here, {passed} of its {days} days; {then} is all of it. So most of the "
    "change is of days to come. The same days are compared on the first page."
)
AGAINST_A_WHOLE_MONTH = phrase("{now} is not over yet here; {then} is all of it.")

# The index.
UNIT_TO_DATE = "To date"
UNIT_BEFORE = "{days}"
UNIT_CHANGE = "Change in %"
ALL_OF_MONTH = "All of {period}"
RANGES_DO_NOT_SUM = (
    "Ranges do not sum: not all units are at their lowest, or their highest, in the same days."
)
ACCRUAL_FILE = (
    "The file accrual.csv in the folder of the draft has these figures for each cost center: what is charged "
    "to date, the estimate, and what is still expected."
)
