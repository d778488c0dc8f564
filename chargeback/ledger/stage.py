"""The ledger stage: tie out to the invoices, post in double entry, correct earlier periods, and prove it.

In: `owner_costs` and `charges`, the invoices, and closed periods that were delivered again. Out:
`postings.parquet`, `restatements.json`, and `medical_loss_ratio.csv` where the params have that register. What
always holds is stated in chargeback/ledger/post.py, corrections.py and medical_loss_ratio.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.aws.report_location import ReportLocation
from chargeback.books.closed_period import RESTATEMENTS
from chargeback.books.edges import Edge, Edges
from chargeback.books.schema import EXACT
from chargeback.books.source_record import SourceRecord
from chargeback.books.tables import statement_total, sum_where, write_table
from chargeback.books.work_folder import WorkFolder
from chargeback.core.errors import naming
from chargeback.core.money import rounded_once, sum_shown
from chargeback.core.sums import sum_of
from chargeback.engine import Engine
from chargeback.engine.controls import Outcome, register_policy, require, run_group
from chargeback.ledger.commitments import commitment_lives, ended_early
from chargeback.ledger.correction_controls import (
    invoice_refusal,
    register_corrections,
    register_invoice_changes,
)
from chargeback.ledger.corrections import Restated, correct, delivered_again, restate
from chargeback.ledger.deferred import check_deferrals, deferred_invoices
from chargeback.ledger.derive import Derived
from chargeback.ledger.invoices import DeferredInvoice, InvoiceTie, invoice_ties
from chargeback.ledger.medical_loss_ratio import control_splits, keep_splits, splits_of
from chargeback.ledger.parts import charged_parts
from chargeback.ledger.post import ADJUSTMENT, ROUNDING, post_period, with_corrections
from chargeback.params import Params, read_invoices
from chargeback.params.deferrals import read_deferrals
from chargeback.params.invoicing import NO_INVOICE, PRO_FORMA
from chargeback.rollup.charged import exact_by_invoice, invoiced_rollup, with_near_invoices
from chargeback.rollup.stage import control as control_rollup
from chargeback.rollup.stage import read_redeliveries
from chargeback.sources.outline import NET, net_costs

STAGE = "ledger"

#: The params files that the stage reads, beyond those of the stages before it.
PARAMS = ("invoices.csv", "adjustments.csv", "medical_loss_ratio.csv")


def restate_closed(work: WorkFolder) -> list[Restated]:
    """Closed periods that AWS delivered again, derived again, each by the controls of a close.

    Raises:
        Refusal: (exit 4) one of them would not be closed as it is now delivered and invoiced.
    """
    books, period = work.books, work.period
    if not books.ledger(period).is_dir():
        check_deferrals(read_deferrals(work.params_folder), books, period)
    invoices = read_invoices(work.params_folder, books.closed_periods())
    found = restate(books, period, read_redeliveries(work), invoices, work.provisional)
    for one in found:
        outcomes = derived_outcomes(one.record, one.rollup, one.after, one.params, work.provisional)
        invoice_refusal(one, period, outcomes)
        with naming(delivered_again(one.period)):
            require(outcomes, one.period, one.params.policy.currency)
    return found


def tie_out(work: WorkFolder, costs: pa.Table) -> list[InvoiceTie]:
    """How each invoice's total stands to the exact sum of its line items, and the cents between them."""
    return invoice_ties(costs, invoiced_params(work))


def invoiced_params(work: WorkFolder) -> Params:
    """The params of the period; those of a draft without the invoices that its report does not have yet."""
    return (
        with_near_invoices(work.table("rollup"), work.params) if work.provisional else work.params
    )


def control_invoices(work: WorkFolder, restated: list[Restated]) -> list[Outcome]:
    """The outcomes of the controls on invoices: each tied to its line items, before anything is posted."""
    engine = Engine()
    register_policy(engine, work.params)
    register_invoices(engine, work.table("rollup"), work.params, restated)
    outcomes = run_group(engine, "invoices", work.provisional, work.params)
    engine.close()
    return outcomes


def net_hints(
    report: ReportLocation, record: SourceRecord, params: Params, outcomes: Iterable[Outcome]
) -> list[str]:
    """Where invoices do not tie: whether they are net of discounts that the report has in columns."""
    failed = [
        row
        for one in outcomes
        if one.name == "sources_tie_to_invoices"
        for row in one.rows.to_pylist()
        if row["invoice_total"] is not None and row["rows_total"] is not None
    ]
    if not failed:
        return []
    limit = params.policy.invoice_rounding_limit
    costs = net_costs(report, record)
    return [
        f"invoice {row['invoice_id']} is net of discounts: its {NET} sums to {costs[row['invoice_id']]:,f}. "
        "Have the export deliver discounts as line items of their own "
        "(INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY = TRUE), and the period again"
        for row in failed
        if row["invoice_id"] in costs
        and abs(costs[row["invoice_id"]] - row["invoice_total"]) <= limit
    ]


def post(work: WorkFolder, costs: pa.Table, charges: pa.Table) -> pa.Table:
    """The postings of the period, in double entry."""
    return post_period(costs, charges, invoiced_params(work))


def correct_earlier(work: WorkFolder, own: pa.Table, restated: list[Restated]) -> pa.Table:
    """The postings of the period together with those that correct earlier periods, as one ledger."""
    return with_corrections(own, correct(restated, work.params))


def follow_commitments(work: WorkFolder, restated: list[Restated]) -> pa.Table | None:
    """What was paid for each commitment so far, given back, used up and left unused.

    None where the SQL of a close that is derived again does not have it.
    """
    engine = Engine()
    try:
        lives = commitment_lives(work, engine, restated)
        work.keep_sql(STAGE, engine.ran, anew=True)
        return lives
    finally:
        engine.close()


def edges(charges: pa.Table, postings: pa.Table) -> Edges:
    """What cost centers pay by the charges, and what the ledger posts to them.

    An invoice's rounding, adjustments and corrections of earlier periods are posted besides; they are counted
    as what came in, so that nothing else can be.
    """
    paid = charges.filter(pc.is_valid(charges["cost_center_id"]))
    posted = postings.filter(pc.is_valid(postings["cost_center_id"]))
    besides = posted.filter(
        pc.or_(
            pc.is_valid(posted["original_period"]),
            pc.is_in(posted["kind"], pa.array([ROUNDING, ADJUSTMENT])),
        )
    )
    amount = sum_where(paid, "amount", "cost_center_id")
    return Edges(
        STAGE,
        Edge(
            f"charges; rounding, adjustments and corrections ({besides.num_rows:,})",
            paid.num_rows, "charges", amount + statement_total(besides),
        ),
        Edge("postings of cost centers", posted.num_rows, "postings", statement_total(posted)),
    )  # fmt: skip


def control(
    work: WorkFolder, postings: pa.Table, restated: list[Restated], lives: pa.Table | None
) -> list[Outcome]:
    """The outcomes of the controls on postings, commitments and corrections."""
    engine = Engine()
    register_policy(engine, work.params)
    register_invoices(engine, work.table("rollup"), work.params, restated)
    engine.register("postings", postings)
    outcomes = run_group(engine, STAGE, work.provisional, work.params)
    if lives is not None:
        engine.register("commitment_lives", lives)
        outcomes += run_group(engine, "commitments", work.provisional, work.params)
    register_corrections(engine, restated)
    outcomes += run_group(engine, "corrections")
    outcomes += control_splits(engine, splits_of(work, postings))
    engine.close()
    return outcomes


def keep(
    work: WorkFolder,
    postings: pa.Table,
    restated: list[Restated],
    lives: pa.Table | None,
    outcomes: list[Outcome],
) -> None:
    """Leave the postings for the statements."""
    write_table(postings, work.path("postings.parquet"))
    work.path(RESTATEMENTS).write_text(
        json.dumps([one.kept() for one in restated], indent=1, sort_keys=True) + "\n"
    )
    split = keep_splits(work, splits_of(work, postings))
    costs = work.table("owner_costs")
    ties, exact = tie_out(work, costs), sum_of(costs, "exact_amount")
    tied = "not invoiced yet" if work.provisional else tied_words(ties, work.params)
    corrected = "".join(
        f", invoice {one.invoice_id} left to {one.deferred_to}" for one in deferred(work)
    ) + "".join(f", {one.period} corrected" for one in restated)
    work.finish(
        STAGE, ["postings.parquet", RESTATEMENTS, *split], outcomes,
        f"{postings.num_rows:,} postings, {posted_words(postings, exact)} {work.params.policy.currency}, "
        f"{tied}{corrected}{left_over(work, lives)}",
    )  # fmt: skip


def posted_words(postings: pa.Table, exact: Decimal) -> str:
    """What statements charge together, as a sum to the cent.

    It begins with what the stages before it told: line items, rounded once. Those of each invoice are rounded
    by themselves, so that several invoices may come to a cent or two less or more, which is told.
    """
    items, besides = rounded_once(exact), []
    posted = Decimal(0)
    for part in charged_parts(postings):
        if part.kind in (ROUNDING, ADJUSTMENT):
            besides.append((part.amount, part.name))
        else:
            posted += part.amount
    parts = [(items, "of line items"), (posted - items, "cents of single invoices"), *besides]
    return sum_shown(parts, statement_total(postings))


def left_over(work: WorkFolder, lives: pa.Table | None) -> str:
    """What is said of commitments that went away before they were used up; once, in the month after."""
    ended = ended_early(lives, work.period) if lives is not None else None
    if not ended:
        return ""
    policy = work.params.policy
    number = f"{ended.num_rows} commitment" + ("s" if ended.num_rows != 1 else "")
    held = sum_where(ended, "held_cost", "commitment_arn")
    return (
        f"; {number} ended early, {held:,.2f} {policy.currency} of it "
        f"stay with {policy.commitments_cost_center_id}"
    )


def tied_words(ties: list[InvoiceTie], params: Params) -> str:
    """What charges are tied out to: invoices, and where AWS sends none the report's own sum."""
    own = {
        PRO_FORMA: "pro forma: tied to the report's own sum, not to an invoice",
        NO_INVOICE: "AWS sends no invoice for what credits cover",
    }
    invoices = [one for one in ties if one.invoice_id != params.stand_in]
    words = [own[params.policy.invoicing]] if params.policy.invoicing else []
    if invoices or not words:
        words.append(f"tied out to {len(invoices)} invoice" + ("s" if len(invoices) != 1 else ""))
    return ", ".join(words)


def deferred(work: WorkFolder) -> list[DeferredInvoice]:
    """The invoices of the period that are left to a later one, with what their line items sum to."""
    return deferred_invoices(work.table("rollup"), work.params)


def run(work: WorkFolder) -> pa.Table:
    """The whole stage.

    Raises:
        Refusal: (exit 4) an invoice does not tie out, or a control on the postings failed.
    """
    currency = work.params.policy.currency
    restated = restate_closed(work)
    outcomes = control_invoices(work, restated)
    require(
        outcomes,
        work.period,
        currency,
        net_hints(work.report, work.source_record(), work.params, outcomes),
    )
    charges = work.table("charges")
    own = post(work, work.table("owner_costs"), charges)
    postings = correct_earlier(work, own, restated)
    lives = follow_commitments(work, restated)
    outcomes += control(work, postings, restated, lives)
    require(outcomes, work.period, currency)
    edges(charges, postings).require()
    keep(work, postings, restated, lives, outcomes)
    return postings


def derived_outcomes(
    record: SourceRecord,
    rollup: pa.Table,
    derived: Derived,
    params: Params,
    provisional: bool = False,
) -> list[Outcome]:
    """The controls of a close, from its rollup to its ledger, on a period that was derived again."""
    engine = Engine()
    register_policy(engine, params)
    register_invoices(engine, rollup, params)
    engine.register("owned_costs", derived.owned_costs)
    engine.register("postings", derived.postings)
    outcomes = control_rollup(record, rollup, params, provisional, closed=True)
    for group in ("attribution", "invoices", STAGE):
        outcomes += run_group(engine, group, provisional)
    engine.close()
    return outcomes


def register_invoices(
    engine: Engine, rollup: pa.Table, params: Params, restated: Iterable[Restated] = ()
) -> None:
    """Make readable by controls what is charged, the invoices, and what those of restated periods changed by.

    Where AWS sends no invoice, the stand-in is one whose total is the sum of its line items, rounded once.
    """
    register_invoice_changes(engine, restated)
    engine.register("rollup_costs", invoiced_rollup(rollup, params))
    totals = {one.invoice_id: one.total for one in params.invoices.values()}
    if params.policy.invoicing:
        sums = exact_by_invoice(rollup, params)
        totals |= {one: rounded_once(sums[one]) for one in (params.stand_in,) if one in sums}
    engine.register(
        "invoices",
        pa.table(
            {
                "invoice_id": pa.array(list(totals), pa.string()),
                "total": pa.array(list(totals.values()), EXACT),
            }
        ),
    )
