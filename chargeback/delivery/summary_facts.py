"""What the CFO's page says in sentences: controls, rules, release, signature, and what is left to later."""

from __future__ import annotations

from collections.abc import Iterator

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.delivery import summary_words as words
from chargeback.delivery.summary import Accepted, Summary
from chargeback.pages.approvals import change_words, who_words
from chargeback.pages.terms import COMMITMENTS, POOL, USABLE_TAG, WEIGHT, Terms
from chargeback.statements import wording
from chargeback.statements.sections.proof import ratified_sentence

#: So many acceptances and invoices are named.
MOST_NAMED = 2


def facts(summary: Summary) -> list[tuple[str, str]]:
    """Each sentence, with what it is about."""
    return [
        (words.CONTROLS_LABEL, controls(summary)),
        (words.RULES_LABEL, ratified_sentence(summary)),
        (words.RELEASE_LABEL, release(summary)),
        (words.SIGNED_LABEL, signature(summary)),
        *((words.LEFT_LABEL, one) for one in left(summary)),
        (words.TERMS_LABEL, terms(summary)),
    ]


def terms(summary: Summary) -> str:
    """The words of the page that only this product or AWS uses."""
    codes = {one.code for one in summary.reasons or ()}
    said = [POOL, *([WEIGHT] if "weight" in codes else []), USABLE_TAG]
    return Terms([*said, *([COMMITMENTS] if "commitment" in codes else [])]).text


def controls(summary: Summary) -> str:
    """That all controls held, and what people let pass."""
    said = words.CONTROLS.format(count=summary.controls)
    if not summary.accepted:
        return said
    named = [accepted(one) for one in summary.accepted[:MOST_NAMED]]
    more = len(summary.accepted) - MOST_NAMED
    named += [words.MORE_ACCEPTED.format(count=more)] if more > 0 else []
    return f"{said} {words.ACCEPTED.format(accepted='; '.join(named))}"


def accepted(one: Accepted) -> str:
    """What a control lets pass, and who accepted it under which number."""
    return words.ACCEPTED_ONE.format(
        control=one.control, subject=one.subject, accepted_by=who_words(one.accepted_by),
        reference=change_words(one.reference),
    )  # fmt: skip


def release(summary: Summary) -> str:
    """Who released the period."""
    if summary.approval:
        return words.APPROVED.format(by=summary.approval.by, day=summary.approval.at[:10])
    return words.NOT_APPROVED


def signature(summary: Summary) -> str:
    """Who signs the PDF."""
    if summary.signer is None:
        return words.UNSIGNED.format(why=summary.unsigned)
    if summary.signer.development:
        return words.DEVELOPMENT
    return words.SIGNED.format(name=summary.signer.name)


def left(summary: Summary) -> Iterator[str]:
    """The invoices that are charged later."""
    for one in summary.deferred[:MOST_NAMED]:
        yield wording.LEFT_TO.format(
            invoice_id=one.invoice_id, amount=shown(one.amount) if one.amount is not None else "",
            currency=summary.currency, period=period_title(one.deferred_to),
        )  # fmt: skip
    if len(summary.deferred) > MOST_NAMED:
        yield words.MORE.format(count=len(summary.deferred) - MOST_NAMED)
