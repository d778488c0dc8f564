"""Close: the month from the report to published statements, as finance runs it.

    sources -> rollup -> attribution -> allocation -> ledger -> statements -> publish

The stage notebooks run under papermill, one after the other; what they leave is evidence. Publishing moves
whole folders into place, the ledger folder last: it is the commit point, and a period is closed when it is
there. A run that stopped before it is resumed by the next one. Closing a closed period derives it again in its
work folder and compares: identical (0) or it would change (5); the closed period is never written.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chargeback.aws.report_location import show_report
from chargeback.books.checked import checked_json, checked_manifest, checked_postings
from chargeback.books.closed_period import RESTATEMENTS, closed_rules
from chargeback.books.history import read_history
from chargeback.books.work_folder import WorkFolder
from chargeback.close.again import confirm_closed
from chargeback.close.changes import approved_change, keep_change
from chargeback.close.hold import check_closed_periods, one_at_a_time, prepare_folders
from chargeback.close.metrics import measured
from chargeback.close.order import clock_note, level_note, order_note, place_note
from chargeback.close.stages import run_stages
from chargeback.core.money import rounded_once, shown
from chargeback.core.progress import Progress, show_path
from chargeback.core.sums import sums_by
from chargeback.delivery.disputes_adjusted import AdjustmentsOfDisputes
from chargeback.delivery.publish import publish
from chargeback.ledger.parts import charged_parts
from chargeback.params.adjustments import check_approved
from chargeback.params.invoicing import NO_INVOICE, PRO_FORMA
from chargeback.params.metrics import check_counted
from chargeback.params.ratification import check_ratified
from chargeback.signing.level import asked_level
from chargeback.signing.signing_key import find_signer
from chargeback.sources.deliveries import changed_refusal
from chargeback.sources.readers import reader_of
from chargeback.statements.month import INDEX
from chargeback.statements.render import renderer_text
from chargeback.statements.stage import require_renderer


@measured
def monthly_close(work: WorkFolder, progress: Progress) -> None:
    """Close a period and publish it, or confirm that it is closed and identical.

    Raises:
        Refusal: why it stopped, with any of the exit codes of docs/runbook.md; nothing was published then.
    """
    work = replace(work, signer=asked_level().of(find_signer(work.books)))
    work.params  # noqa: B018  bad params are said before anything else happens
    require_renderer(work)
    prepare_folders(work.books)
    with one_at_a_time(work) as hold:
        check_closed_periods(work.books, work.period)
        if work.books.ledger(work.period).is_dir():
            if work.books.shelf:
                work.books.shelf.complete(work.books)
            progress(read_history(work.books).line)
            confirm_closed(work, progress)
            return
        if not work.posted_before:
            check_approved(work.params.adjustments)
            check_counted(work.params.metrics)
        check_ratified(work.params, closed_rules(work.books, work.period))
        change = approved_change(work)
        adjusted = AdjustmentsOfDisputes(work)
        adjusted.require_as_decided()
        notes = (order_note(work), clock_note(work), place_note(work), level_note(work))
        for line in (*(one for several in notes for one in several), *adjusted.notes()):
            progress(line)
        run_stages(work, progress)
        require_same_delivery(work)
        hold.require()
        keep_change(work, change)
        publish(work)
        if work.books.shelf:
            work.books.shelf.put_period(work.books, work.period, progress)
    show_result(work, progress)


def require_same_delivery(work: WorkFolder) -> None:
    """Stop when AWS delivered the period again while it was being closed (exit 6)."""
    changed = reader_of(work.report).changed(work.source_record())
    if changed:
        raise changed_refusal(changed, show_report(work.report))


def show_result(work: WorkFolder, progress: Progress) -> None:
    """The close in one screen: what each unit is charged, how it ties out, where things are."""
    books, period = work.books, work.period
    postings, manifest = checked_postings(books, period), checked_manifest(books, period)
    sums = sums_by(postings, ["business_unit_id"], "amount")
    charged = {unit: sums.get((unit,), Decimal("0.00")) for unit in work.params.business_units}
    progress("")
    for unit, amount in sorted(charged.items(), key=lambda item: (-item[1], item[0])):
        progress(f"  {work.params.business_units[unit].name:<34}{shown(amount):>16}")
    total = sum(charged.values(), Decimal("0.00"))
    progress(f"  {'all statements':<34}{shown(total):>16} {work.params.policy.currency}")
    for part in charged_parts(postings):
        progress(f"    {part.name:<32}{shown(part.amount):>16} {part.note}")
    for invoice_id, tie in manifest["invoices"].items():
        if invoice_id == work.params.stand_in:
            said = {
                PRO_FORMA: "pro forma, the report's own sum: AWS sends no invoice for it",
                NO_INVOICE: "AWS sends no invoice for it: credits cover what has none",
            }[work.params.policy.invoicing]
            progress(f"  {invoice_id:<34}{shown(Decimal(tie['total'])):>16} {said}")
            continue
        rounding = Decimal(tie["rounding"])
        note = f", including {shown(rounding)} of rounding" if rounding else ""
        label = f"invoice {invoice_id}"
        progress(f"  {label:<34}{shown(Decimal(tie['total'])):>16} tied out to the cent{note}")
    for one in checked_json(books, period, RESTATEMENTS):
        for change in one["invoice_changes"]:
            label = f"invoice {change['invoice_id']} of {one['billing_period']}"
            now = shown(Decimal(change["total"]))
            why = "changed since it was closed, and corrected"
            if change["invoice_id"] in one.get("taken", []):
                why = "left to a later period by its close, and charged now"
            progress(f"  {label:<34}{now:>16} {why}")
    for deferred in manifest["deferrals"]:
        label = f"invoice {deferred['invoice_id']}"
        left = shown(rounded_once(Decimal(deferred["rows_total"])))
        progress(
            f"  {label:<34}{left:>16} not charged here: left to {deferred['deferred_to']} "
            f"({deferred['reference']})"
        )
    progress("")
    progress(f"{period} is closed.")
    progress(f"  statements  {show_path(books.statements(period))}")
    progress(f"  index       {show_path(books.statements(period) / INDEX)}")
    progress(f"  ledger      {show_path(books.ledger(period))}")
    progress(f"  evidence    {show_path(books.evidence(period))}")
    progress(f"  renderer    {renderer_text(manifest['run'].get('renderer', {}))}")
    progress(f"  history     {read_history(books).line}")
