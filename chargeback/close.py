"""Close: the month from the report to published statements, as finance runs it.

    books -> four stage notebooks -> statements -> read back -> publish

The stage notebooks run under papermill, one after the other; what they leave is evidence. Publishing moves
whole folders into place, the ledger folder last: it is the commit point, and a period is closed when it is
there. A run that stopped before it is resumed by the next one. Closing a closed period derives it again in a
temporary folder and compares: identical (0) or it would change (5); the closed period is never written.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chargeback import ledger
from chargeback.bridge import Month, closed_month, explain_change
from chargeback.closing import (
    STAGES,
    Closing,
    Progress,
    derive,
    invoice_ties,
    is_done,
    sha256_of,
    texts,
)
from chargeback.controls import Outcome, require, run_group
from chargeback.daily.metrics import measured
from chargeback.deliveries import changed_refusal
from chargeback.engine import Engine, sql_digest
from chargeback.errors import WOULD_CHANGE_CLOSED, Refusal, unreachable
from chargeback.manifest import POSTINGS, SIGNATURES, file_path, read_manifest, recorded_files
from chargeback.money import shown
from chargeback.notebooks import run_stage_notebook
from chargeback.params import digest_files
from chargeback.period import period_title
from chargeback.places import Books
from chargeback.publish import publish, replace_folder, replace_folder_copy
from chargeback.ratification import (
    check_ratified,
    is_ratified,
    ratification_record,
    rules_digest,
)
from chargeback.report_engines import Place, engine_for
from chargeback.restatements.held import RESTATEMENTS
from chargeback.restatements.redeliveries import told_when_closed
from chargeback.signing import Signer
from chargeback.signing.keys import find_signer, signing_key
from chargeback.signing.pades import sign_statements
from chargeback.statements import StatementInputs, read_statements, write_statements
from chargeback.verify import verified_ledger


@measured
def monthly_close(closing: Closing, progress: Progress) -> None:
    """Close a period and publish it, or confirm that it is closed and identical.

    Raises:
        Refusal: why it stopped (every exit code of DESIGN); nothing was published then.
    """
    closing = replace(closing, signer=find_signer(closing.books))
    closing.params  # noqa: B018  bad params are said before anything else happens
    prepare_folders(closing.books)
    with one_at_a_time(closing):
        check_closed_periods(closing.books, closing.period)
        if closing.books.ledger(closing.period).is_dir():
            if closing.books.shelf:
                closing.books.shelf.complete(closing.books)
            confirm_closed(closing, progress)
            return
        check_ratified(closing.params, closing.books)
        run_stages(closing, progress)
        make_statements(closing, progress)
        require_same_delivery(closing)
        publish(closing)
        if closing.books.shelf:
            closing.books.shelf.put_period(closing.books, closing.period, progress)
    show_result(closing, progress)


def draft(closing: Closing, progress: Progress) -> None:
    """PROVISIONAL statements of a period, open or not; posts nothing, replaces the last draft."""
    closing.params  # noqa: B018
    prepare_folders(closing.books)
    with one_at_a_time(closing):
        check_closed_periods(closing.books, closing.period)
        if closing.params.governed and not is_ratified(closing.params):
            progress(f"The rules for {closing.period} are not ratified yet: a close would stop")
        run_stages(closing, progress)
        make_statements(closing, progress)
        target = closing.books.draft(closing.period)
        target.parent.mkdir(parents=True, exist_ok=True)
        made = closing.path("draft")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        closing.path("statements").rename(made / "statements")
        closing.path("statement-notebooks").rename(made / "notebooks")
        replace_folder(made, target)
        shutil.rmtree(closing.work)
    progress("")
    progress(f"PROVISIONAL: {closing.period} is a draft; nothing was posted")
    progress(f"  statements  {target / 'statements'}")


def prepare_folders(books: Books) -> None:
    """Make the books' folder and see that it can be written (exit 6)."""
    try:
        books.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=books.root):
            pass
    except OSError as error:
        raise unreachable(
            "the books folder cannot be written", "a folder that this user may write",
            f"{type(error).__name__}: {error.strerror or error}", [str(books.root)],
            ["choose another folder with BOOKS=, or change its permissions"],
        ) from None  # fmt: skip


@contextlib.contextmanager
def one_at_a_time(closing: Closing) -> Iterator[None]:
    """Hold the books; a second run on them, of whatever period, stops at once (exit 6).

    The whole books, because each period's manifest names the one before it: two periods that were closed at
    the same time would not be linked.
    """
    path = closing.work.parent / ".lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise unreachable(
                "another run works on these books", "one run at a time",
                lock.read().strip() or "a run that has just begun", [str(closing.books.root)],
                ["wait for it to end, then run this again"],
            ) from None  # fmt: skip
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {closing.period}\n")
        lock.flush()
        closing.work.mkdir(exist_ok=True)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                closing.work.rmdir()  # kept when there is something in it to resume from


def check_closed_periods(books: Books, period: str) -> None:
    """Stop when a file of a closed period is not what its manifest says (exit 4)."""
    rows = [
        (one.period, one.path, one.recorded or None, one.found or None)
        for closed in books.closed_periods()
        for one in verified_ledger(books, closed).findings
    ]
    columns = ("billing_period", "path", "recorded_sha256", "found_sha256")
    engine = Engine()
    engine.register(
        "closed_files",
        texts(**{name: [row[at] for row in rows] for at, name in enumerate(columns)}),
    )
    outcomes = run_group(engine, "books")
    engine.close()
    require(outcomes, None, period)


def run_stages(closing: Closing, progress: Progress) -> None:
    """Run the stage notebooks in order, leaving out those whose work is done and still fits."""
    kind = "Drafting" if closing.provisional else "Closing"
    progress(f"{kind} {period_title(closing.period)} from {show_report(closing.report)}")
    closing.path("stopped.json").unlink(missing_ok=True)
    resumed = True
    for number, stage in enumerate(STAGES, start=1):
        started = time.monotonic()
        resumed = resumed and is_done(closing, stage)
        if not resumed:
            run_stage_notebook(closing, stage)
        took = "done before" if resumed else f"{time.monotonic() - started:.1f} s"
        summary = closing.stage_record(stage)["summary"]
        progress(f"  {number}/{len(STAGES) + 1} {stage:<12} {summary}  ({took})")


def require_same_delivery(closing: Closing) -> None:
    """Stop when AWS delivered the period again while it was being closed (exit 6)."""
    changed = engine_for(closing.report).changed(closing.source_record())
    if changed:
        raise changed_refusal(changed, show_report(closing.report))


def make_statements(closing: Closing, progress: Progress) -> None:
    """Render every unit's statement into the work folder, sign them, read them back, and prove them.

    What is read back is what will be handed out, its signature included.
    """
    started = time.monotonic()
    inputs = statement_inputs(closing)
    for name in ("statements", "statement-notebooks"):
        shutil.rmtree(closing.path(name), ignore_errors=True)
        closing.path(name).mkdir()
    write_statements(
        inputs, closing.path("statements"), closing.path("statement-notebooks"), lambda _: None
    )
    unsigned = {}
    if closing.signer:
        unsigned = sign_statements(
            closing.path("statements"), lambda: signing_key(closing.books),
            f"Statement of AWS charges, {period_title(closing.period)}",
            kept=kept_signatures(closing),
        )  # fmt: skip
    outcomes = statement_outcomes(closing, inputs)
    require(outcomes, closing.params, closing.period)
    record = {"controls": [one.record() for one in outcomes], "unsigned_pdfs": unsigned}
    closing.path("statements.json").write_text(json.dumps(record, indent=1) + "\n")
    progress(
        f"  {len(STAGES) + 1}/{len(STAGES) + 1} {'statements':<12} "
        f"{len(closing.params.business_units)} business units as HTML, PDF and CSV, read back and "
        f"equal to the ledger  ({time.monotonic() - started:.1f} s)"
    )


def kept_signatures(closing: Closing) -> Path | None:
    """Where the signatures of a closed period's statements are kept; none of an open one are used."""
    is_closed = closing.books.ledger(closing.period).is_dir()
    return closing.books.evidence(closing.period) / SIGNATURES if is_closed else None


def statement_inputs(closing: Closing) -> StatementInputs:
    """What statements are made from: this period's postings and those of earlier closed periods."""
    earlier = [one for one in closing.books.closed_periods() if one < closing.period]
    postings = ledger.read_postings(closing.path(POSTINGS))
    owned_costs = closing.table("owned_costs")
    now = Month(closing.period, postings, owned_costs, params=closing.params)
    return StatementInputs(
        billing_period=closing.period,
        currency=closing.params.policy.currency,
        provisional=closing.provisional,
        postings=postings,
        owned_costs=owned_costs,
        history={
            one: ledger.read_postings(closing.books.ledger(one) / POSTINGS) for one in earlier
        },
        invoices=invoice_ties(closing.table("owner_costs"), closing.params),
        params=closing.params,
        digests={
            "postings": sha256_of(closing.path(POSTINGS)),
            "sources": closing.source_record().digest(),
            "params": closing.params.digest(),
            "rules": rules_digest(closing.params),
            "sql": sql_digest(),
        },
        bridges=explain_change(closed_month(closing.books, earlier[-1]), now) if earlier else {},
        governed=closing.params.governed,
        ratification=ratification_record(closing.params),
        signer=closing.signer,
        restated=json.loads(closing.path(RESTATEMENTS).read_text()),
    )


def statement_outcomes(closing: Closing, inputs: StatementInputs) -> list[Outcome]:
    """The controls on the rendered files."""
    engine = Engine()
    for name, table in read_statements(closing.path("statements"), inputs).items():
        engine.register(name, table)
    outcomes = run_group(engine, "statements")
    engine.close()
    return outcomes


def confirm_closed(closing: Closing, progress: Progress) -> None:
    """Derive a closed period again and compare it with what was closed.

    Nothing in the books is written, but statements that are missing or altered are rendered again.

    Raises:
        Refusal: (exit 5) the postings would be different; shows where and by how much.
    """
    closed_folder = closing.books.ledger(closing.period)
    progress(f"{closing.period} is closed; deriving it again to compare")
    with tempfile.TemporaryDirectory(prefix="chargeback-") as temporary:
        again = replace(closing, work=Path(temporary))
        derive(again, progress)
        closed = ledger.read_postings(closed_folder / POSTINGS)
        require_same_postings(closing, again)
        if changed_statements(closing):
            restore_statements(closing, again, progress)
    # What is there is of a run that ended just after it had published.
    shutil.rmtree(closing.work, ignore_errors=True)
    progress(f"{closing.period} is already closed, and identical: {closed.num_rows:,} postings")


def require_same_postings(closing: Closing, again: Closing) -> None:
    """Stop when a period that was derived again has other postings than when it was closed (exit 5)."""
    closed, derived = closing.books.ledger(closing.period) / POSTINGS, again.path(POSTINGS)
    if sha256_of(closed) != sha256_of(derived):
        raise posting_changes(closing, ledger.read_postings(closed), ledger.read_postings(derived))


def changed_statements(closing: Closing) -> list[str]:
    """The statement files of a closed period that are missing or not as its manifest says."""
    recorded = recorded_files(read_manifest(closing.books, closing.period), "statements")
    return [
        name
        for name, sha256 in recorded.items()
        if sha256_of(file_path(closing.books, closing.period, name)) != sha256
    ]


def restore_statements(closing: Closing, again: Closing, progress: Progress) -> None:
    """Render the statements of a closed period again, with the params that it was closed with.

    Those are in its evidence; statements print their digest, and params change every month. Without the
    evidence, the params of today have to do: they gave the same postings. The signatures that are kept are
    appended again, so that a PDF comes back byte for byte; one that is not there any more is made anew.
    """
    progress(f"  statements missing or altered: {', '.join(changed_statements(closing))}")
    manifest = read_manifest(closing.books, closing.period)
    again = replace(again, signer=Signer(**manifest["signer"]))
    kept = closing.books.evidence(closing.period) / "params"
    if closing.params.digests != manifest["params"] and digest_files(kept) == manifest["params"]:
        again = replace(again, params_folder=kept)
        derive(again)
        require_same_postings(closing, again)
    make_statements(again, progress)
    replace_folder_copy(again.path("statements"), closing.books.statements(closing.period))
    other = changed_statements(closing)
    if other:
        progress(
            "  rendered again with the same figures and other bytes than when the period was closed, "
            "which make verify will name: " + ", ".join(other)
        )


def posting_changes(closing: Closing, closed: pa.Table, derived: pa.Table) -> Refusal:
    """What would change in a closed period, owner by owner, as a refusal (exit 5)."""
    before, after = account_totals(closed), account_totals(derived)
    changed = {
        account: (before.get(account, Decimal(0)), after.get(account, Decimal(0)))
        for account in sorted(before.keys() | after.keys())
        if before.get(account) != after.get(account)
    }
    where = [
        f"{account}: closed {shown(was)}, now {shown(now)}, difference {shown(now - was)}"
        for account, (was, now) in list(changed.items())[:12]
    ]
    if len(changed) > 12:
        where.append(f"and {len(changed) - 12} more ledger accounts")
    if not changed:
        where = ["no ledger account's total changes; single postings or their rules do"]
    return Refusal(
        WOULD_CHANGE_CLOSED, f"{closing.period} is closed, and closing it again would change it",
        f"the {closed.num_rows:,} postings of the closed period, byte for byte",
        f"{derived.num_rows:,} postings that differ in {len(changed)} ledger accounts",
        "", where,
        [*told_when_closed(engine_for(closing.report), closing.books, closing.period),
         "a closed period never changes: undo the change of params or report, or post an adjustment "
         "in the next open period (adjustments.csv)",
         f"what it was closed with is kept in {closing.books.evidence(closing.period)}"],
    )  # fmt: skip


def account_totals(postings: pa.Table) -> dict[str, Decimal]:
    """Cents per ledger account and kind, each side of pools and payables apart from what it nets to."""
    grouped = postings.append_column(
        "name", pc.binary_join_element_wise(postings["ledger_account"], postings["kind"], " ")
    ).group_by("name")
    return {
        row["name"]: row["amount_sum"] for row in grouped.aggregate([("amount", "sum")]).to_pylist()
    }


def show_result(closing: Closing, progress: Progress) -> None:
    """The close in one screen: what each unit is charged, how it ties out, where things are."""
    books, period = closing.books, closing.period
    postings = ledger.read_postings(books.ledger(period) / POSTINGS)
    manifest = read_manifest(books, period)
    charged = dict.fromkeys(closing.params.business_units, Decimal("0.00"))
    for unit, amount in zip(
        postings["business_unit_id"].to_pylist(), postings["amount"].to_pylist(), strict=True
    ):
        if unit is not None:
            charged[unit] += amount
    progress("")
    for unit, amount in sorted(charged.items(), key=lambda item: (-item[1], item[0])):
        progress(f"  {closing.params.business_units[unit].name:<34}{shown(amount):>16}")
    total = sum(charged.values(), Decimal("0.00"))
    progress(f"  {'all statements':<34}{shown(total):>16} {closing.params.policy.currency}")
    for invoice_id, tie in manifest["invoices"].items():
        rounding = Decimal(tie["rounding"])
        note = f", of it {shown(rounding)} rounding" if rounding else ""
        label = f"invoice {invoice_id}"
        progress(f"  {label:<34}{shown(Decimal(tie['total'])):>16} tied out to the cent{note}")
    for one in json.loads((books.evidence(period) / RESTATEMENTS).read_bytes()):
        for change in one["invoice_changes"]:
            label = f"invoice {change['invoice_id']} of {one['billing_period']}"
            amount = shown(Decimal(change["total"]))
            progress(f"  {label:<34}{amount:>16} changed since it was closed, and corrected")
    progress("")
    progress(f"{period} is closed.")
    progress(f"  statements  {show_path(books.statements(period))}")
    progress(f"  ledger      {show_path(books.ledger(period))}")
    progress(f"  evidence    {show_path(books.evidence(period))}")


def show_report(place: Place) -> str:
    """A report as a reader knows it."""
    return show_path(place) if isinstance(place, Path) else place.shown


def show_path(path: Path) -> str:
    """A path as short as the reader's folder allows."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def say(line: str) -> None:
    """Progress for a terminal or a log; a reader who went away does not stop a close."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
