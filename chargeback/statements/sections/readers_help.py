"""Whom to ask about a statement, and how and until when a line of it can be disputed."""

from __future__ import annotations

from datetime import date

from chargeback.core.period import day_title
from chargeback.pages.parts import Paragraph, Section
from chargeback.statements import wording as words
from chargeback.statements.model import ReadersHelp, Statement


def readers_help(statement: Statement) -> Section:
    """One paragraph on the first page; nothing where an earlier version closed the period."""
    found = statement.readers_help
    if found is None:
        return Section([])
    said = [words.QUESTIONS.format(ask=found.ask.rstrip(".") or words.THE_TEAM)]
    if statement.provisional:
        return Section([Paragraph(" ".join([*said, words.NOTHING_TO_DISPUTE_YET]))])
    return Section(
        [Paragraph(" ".join([*said, _until_when(found), found.how or words.HOW_TO_DISPUTE]))]
    )


def _until_when(found: ReadersHelp) -> str:
    """The last day; where there is none, so many business days."""
    if not found.until:
        return words.DISPUTE_WITHIN.format(days=found.business_days)
    day = day_title(date.fromisoformat(found.until))
    return words.DISPUTE_UNTIL.format(day=day, days=found.business_days)
