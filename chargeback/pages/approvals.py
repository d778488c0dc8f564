"""Approvals for a reader: who decided, and the number under which it stands, in words.

Params name what approved a rule as the register of changes does, such as CHG0031502 or servicenow:CHG0031502,
or by a document, such as the minutes of a council. What always holds: the number stays in the text as it is
written, so that a reader finds it in the register; a document is called what the params call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: How ServiceNow numbers its changes, with or without the name of the register before it.
_CHANGE = re.compile(r"(?:servicenow:\s*)?(CHG[0-9]+)")

#: What a body is called that people speak of with an article: the FinOps council, and Rita Ng without one.
_BODIES = ("board", "committee", "council", "desk", "group", "office", "team")

CHANGE, BODY = "change {number}", "the {body}"
BY_SOMEBODY, BY_NOBODY_NAMED, BY_ALONE = (
    "approved by {who}, {what}",
    "approved, {what}",
    "approved by {who}",
)


def approval_words() -> Iterator[str]:
    """The words of this module that a page may show; a template as what it says between its values."""
    for template in (CHANGE, BODY, BY_SOMEBODY, BY_NOBODY_NAMED, BY_ALONE):
        yield from (one for one in re.split(r"\{[a-z]+\}", template) if one.strip(" ,"))


def change_words(reference: str) -> str:
    """A reference in words.

    >>> change_words("servicenow:CHG0031502"), change_words("council minutes 2026-04-22")
    ('change CHG0031502', 'council minutes 2026-04-22')
    """
    found = _CHANGE.fullmatch(reference.strip())
    return CHANGE.format(number=found[1]) if found else reference


def who_words(approved_by: str) -> str:
    """Who approved, as people say it.

    >>> who_words("FinOps council"), who_words("Rita Ng"), who_words("the controller")
    ('the FinOps council', 'Rita Ng', 'the controller')
    """
    words = approved_by.split()
    if not words or words[0].lower() == "the" or words[-1].lower() not in _BODIES:
        return approved_by
    return BODY.format(body=approved_by)


def approved_words(reference: str, approved_by: str = "") -> str:
    """That something was approved: by whom, where that is known, and under which number.

    >>> approved_words("CHG0031502", "FinOps council")
    'approved by the FinOps council, change CHG0031502'
    >>> approved_words("CHG0031502"), approved_words("", "Rita Ng"), approved_words("")
    ('approved, change CHG0031502', 'approved by Rita Ng', '')
    """
    what, who = change_words(reference), who_words(approved_by)
    if not what:
        return BY_ALONE.format(who=who) if who else ""
    return BY_SOMEBODY.format(who=who, what=what) if who else BY_NOBODY_NAMED.format(what=what)
