"""Closed periods replayed under proposed rules, and compared with their ledger, posting by posting."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.checked import checked_table, kept_keys, signed_manifest
from chargeback.core.books_folders import Books, named_books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params, naming, unreachable
from chargeback.core.files import sha256_of
from chargeback.core.money import shown
from chargeback.core.paths import named_params, named_report
from chargeback.core.period import periods_between
from chargeback.core.progress import Progress
from chargeback.core.sums import sums_by
from chargeback.engine import Engine
from chargeback.engine.controls import require
from chargeback.ledger.derive import Derived, derive_postings, rollup_fits
from chargeback.ledger.post import ADJUSTMENT, with_corrections
from chargeback.ledger.stage import derived_outcomes
from chargeback.params import Params, read_params
from chargeback.params.rules import Pool, read_pools
from chargeback.review.trace import Origin, origin_of
from chargeback.review.what_if.changes import changes_in_words
from chargeback.rollup.roll_up import roll_up

#: What an amount is compared by: ledger account, business unit, kind, pool ("" where there is none).
PostedTo = tuple[str, str, str, str]
COLUMNS = ["ledger_account", "business_unit_id", "kind", "pool_id"]
COST_CENTER = "cost-center:"


@dataclass(frozen=True)
class Question:
    """A closed period, and the params it is to be replayed under."""

    month: Origin
    books: Books
    proposed: Params

    @property
    def manifest_sha256(self) -> str:
        """What the period was closed as."""
        return hashlib.sha256(signed_manifest(self.books, self.month.period).content).hexdigest()

    @property
    def needs_report(self) -> bool:
        """Whether the kept rollup does not hold what the proposed rules decide by."""
        return not rollup_fits(self.month.params, self.proposed)


@dataclass(frozen=True)
class Difference:
    """What a cost center was charged from one source of cost in a period, and what it would have been."""

    period: str
    business_unit_id: str
    cost_center_id: str
    kind: str  # direct, allocated, commitment, rounding, adjustment
    pool_id: str  # of what is allocated, else ""
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """What would have been paid more, in cents; negative where less."""
        return self.after - self.before


@dataclass(frozen=True)
class ReplayedPeriod:
    """A period under both sets of rules."""

    period: str
    in_force: Params
    proposed: Params
    before: pa.Table  # postings, as closed
    after: pa.Table  # postings, as proposed
    differences: tuple[Difference, ...]
    changes: tuple[str, ...]  # of the rules, in words
    manifest_sha256: str


@dataclass(frozen=True)
class WhatIf:
    """All periods, in order."""

    periods: tuple[ReplayedPeriod, ...]
    later_pools: tuple[Pool, ...]  # proposed, but they begin after the last period

    @property
    def currency(self) -> str:
        """The same before and after."""
        return self.periods[-1].in_force.policy.currency

    @property
    def differences(self) -> list[Difference]:
        """Of all periods."""
        return [one for period in self.periods for one in period.differences]

    @property
    def params_digest(self) -> str:
        """The sha256 of the proposed folder."""
        return self.periods[-1].proposed.digest()


def open_questions(periods: str, params: str, books: str) -> list[Question]:
    """The periods of a range, each with what it was closed with and what is proposed.

    Args:
        periods: one period or a range.
        params, books: folders, relative to the repository or absolute; blank as chargeback/core/paths.py says.

    Raises:
        Refusal: (exit 2) a period is not closed, or the proposed params cannot be used in one.
    """
    found = named_books(books)
    months = [origin_of(found, period) for period in periods_between(periods)]
    return [
        Question(
            month, found, proposed_params(named_params(params), month.params),
        )
        for month in months
    ]  # fmt: skip


def proposed_params(folder: Path, in_force: Params) -> Params:
    """The proposed params of a period, with the invoices, deferrals and adjustments that it was closed with.

    Whether AWS sent invoices is a fact too, which no proposed rule changes.

    Raises:
        Refusal: (exit 2) the folder cannot be read, is in another currency, or lacks a cost center of an
            adjustment.
    """
    proposed = read_params(folder, in_force.period)
    if proposed.policy.currency != in_force.policy.currency:
        raise bad_params(
            "the proposed params are in a different currency", in_force.policy.currency,
            proposed.policy.currency, [str(folder / "policy.toml"), in_force.period],
            ["amounts in two currencies cannot be compared: propose rules in the currency of the close"],
        )  # fmt: skip
    for one in in_force.adjustments:
        for cost_center_id in (one.from_cost_center_id, one.to_cost_center_id):
            if cost_center_id not in proposed.cost_centers:
                raise bad_params(
                    "a posted adjustment names a cost center that the proposed params do not have",
                    f"{cost_center_id} in force in {in_force.period}", "no such cost center",
                    [str(folder / "cost_centers.csv"), f"adjustment {one.reference}"],
                    ["keep the cost center: an adjustment that was posted is a fact"],
                )  # fmt: skip
    return replace(
        proposed,
        policy=replace(proposed.policy, invoicing=in_force.policy.invoicing),
        invoices=in_force.invoices,
        adjustments=in_force.adjustments,
        deferrals=in_force.deferrals,
    )


def open_what_if(periods: str, params: str, books: str, report: str) -> WhatIf:
    """As `replay_closed`, for a notebook: prints its progress, and shows tables whole."""
    from chargeback.pages.table_view import (
        show_whole_tables,
    )  # pandas, which the verb does not need

    show_whole_tables()
    return replay_closed(periods, params, books, report, print)


def replay_closed(periods: str, params: str, books: str, report: str, progress: Progress) -> WhatIf:
    """Replay closed periods under proposed rules.

    Args:
        periods: one period or a range.
        params, books, report: folders, as in `open_questions`; the report is only read when
            the proposed rules decide by something that the kept rollups do not hold.

    Raises:
        Refusal: (exit 2) what `open_questions` refuses; (exit 4) a replay breaks a control, or the ledger
            cannot be had by replaying it; (exit 6) the report is needed and is not that of the close.
    """
    questions = open_questions(periods, params, books)
    last = questions[-1].month.period
    return WhatIf(
        tuple(
            replay_question(question, Path(named_report(report)), progress)
            for question in questions
        ),
        tuple(one for one in read_pools(named_params(params)) if one.valid_from > last),
    )


def replay_question(question: Question, report: Path, progress: Progress) -> ReplayedPeriod:
    """Replay one period under its own rules, which must give its ledger, then under the proposed ones."""
    month, proposed = question.month, question.proposed
    rollup = checked_table(question.books, month.period, "rollup.parquet")
    with naming(f"{month.period}, replayed under the rules that it was closed with"):
        again = derive_postings(rollup, month.params)
        require_ledger(month, with_facts(month, again.postings))
    with naming(f"{month.period}, replayed under the proposed rules"):
        if question.needs_report:
            progress(
                f"  {month.period}  rolled up again: the proposed rules look at other tags or resources"
            )
            rollup = roll_up_again(question, report)
        after = derive_postings(rollup, proposed)
        require_controls(question, rollup, after)
        proposed_postings = with_facts(month, after.postings)
        differences = compare(month.period, month.postings, proposed_postings)
        require_conserved(month.period, differences)
    moved = len([one for one in differences if one.difference])
    progress(
        f"  {month.period}  {month.postings.num_rows:,} postings in the ledger, as replayed; "
        f"{proposed_postings.num_rows:,} as proposed, {moved:,} charges differ"
    )
    keys = kept_keys(question.books, month.period)
    changes = changes_in_words(month.params, proposed, keys)
    return ReplayedPeriod(
        month.period, month.params, proposed, month.postings, proposed_postings, differences,
        tuple(changes), question.manifest_sha256,
    )  # fmt: skip


def with_facts(month: Origin, replayed: pa.Table) -> pa.Table:
    """Replayed postings with the corrections of earlier periods that the month posted, which no rule moves."""
    corrections = month.postings.filter(pc.is_valid(month.postings["original_period"]))
    return with_corrections(replayed, corrections)


def require_ledger(month: Origin, again: pa.Table) -> None:
    """Stop unless replaying a period as it was closed gives the amounts of its ledger (exit 4)."""
    before, after = amounts(month.postings), amounts(again)
    differ = sorted(one for one in before | after if before.get(one) != after.get(one))
    if not differ:
        return
    where = [
        f"{' '.join(part for part in (at[0], at[2], at[3]) if part)}: ledger {said(before, at)}, "
        f"replayed {said(after, at)}"
        for at in differ[:8]
    ]
    if len(differ) > 8:
        where.append(f"and {len(differ) - 8} more")
    raise Refusal(
        CONTROL_FAILED, f"the ledger of {month.period} cannot be replayed",
        "the amounts of its postings, to the cent", f"{len(differ)} amounts that differ", "", where,
        ["rules can only be compared by the software that closed the period: use that version",
         "if a file of sql/keys/ was edited to propose it, undo that, and propose a file of another name"],
    )  # fmt: skip


def said(found: dict[PostedTo, Decimal], at: PostedTo) -> str:
    """An amount, or that there is none."""
    return shown(found[at]) if at in found else "nothing"


def amounts(postings: pa.Table) -> dict[PostedTo, Decimal]:
    """Posted cents by ledger account, business unit, kind and pool; what nets to nothing is left out."""
    found: dict[PostedTo, Decimal] = {}
    for (account, unit, kind, pool), amount in sums_by(postings, COLUMNS, "amount").items():
        # A correction may be about a pool that has ended since.
        at = (account, unit or "", kind, "" if kind == ADJUSTMENT else pool or "")
        found[at] = found.get(at, Decimal("0.00")) + amount
    return {at: amount for at, amount in found.items() if amount}


def roll_up_again(question: Question, report: Path) -> pa.Table:
    """The rollup of the delivery that a period was closed from, by what the proposed rules decide by.

    Raises:
        Refusal: (exit 6) a file of the report is not the one that was recorded.
    """
    record = question.month.record
    changed = [one.path for one in record.files if sha256_of(report / one.path) != one.sha256]
    if changed:
        raise unreachable(
            "the report is not the delivery that the period was closed from",
            f"{len(record.files)} files with the sha256 that were recorded",
            f"{len(changed)} missing or different", [str(report), *changed[:5]],
            ["name the folder of that delivery with CUR=",
             "or propose rules that look at the tags and resources of the rules in force"],
        )  # fmt: skip
    engine = Engine()
    rollup = roll_up(engine, report, record, question.proposed)
    engine.close()
    return rollup


def require_controls(question: Question, rollup: pa.Table, after: Derived) -> None:
    """Stop where a close under the proposed rules would stop (exit 4)."""
    outcomes = derived_outcomes(question.month.record, rollup, after, question.proposed)
    require(outcomes, question.month.period)


def compare(period: str, before: pa.Table, after: pa.Table) -> tuple[Difference, ...]:
    """Every charge to a cost center in one ledger or the other, also where nothing differs, in order."""
    was, now = amounts(before), amounts(after)
    zero = Decimal("0.00")
    return tuple(
        Difference(
            period, unit, account.removeprefix(COST_CENTER), kind, pool,
            was.get(at, zero), now.get(at, zero),
        )
        for at in sorted(was | now, key=lambda one: (one[1], one[0], *one[2:]))
        for account, unit, kind, pool in [at]
        if account.startswith(COST_CENTER)
    )  # fmt: skip


def require_conserved(period: str, differences: tuple[Difference, ...]) -> None:
    """Stop when other rules would charge another total, for the invoices are the same (exit 4)."""
    left = sum((one.difference for one in differences), Decimal("0.00"))
    if left:
        raise Refusal(
            CONTROL_FAILED, f"the differences of {period} do not sum to zero", "0.00", shown(left),
            f"{shown(abs(left))} too {'much' if left > 0 else 'little'}", [],
            ["this is a defect of this program: report it with both params folders"],
        )  # fmt: skip
