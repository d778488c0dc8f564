"""The statements stage: render every unit's statement, sign it, read it back, and prove it.

In: the postings of the period and of earlier closed ones. Out: `statements/<unit>/statement.{html,pdf,csv}`
and the executed notebooks. What always holds: what is read back is what will be handed out, its signature
included.
"""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.checked import Gone, checked_postings, checked_table
from chargeback.books.closed_period import RESTATEMENTS
from chargeback.books.counted import Counted, counted_metrics
from chargeback.books.edges import Edge, Edges
from chargeback.books.manifest import POSTINGS, SIGNATURES
from chargeback.books.tables import read_postings, statement_total
from chargeback.books.work_folder import STATEMENT_PROJECT, WorkFolder
from chargeback.core.files import sha256_of
from chargeback.core.period import period_title
from chargeback.core.progress import Progress, say_nothing
from chargeback.core.runner import most_at_once
from chargeback.engine import Engine, has_sql, sql_digest
from chargeback.engine.controls import BUDGETS, ISOLATION, UNIT_COSTS, Outcome, require, run_group
from chargeback.ledger.deferred import deferred_invoices
from chargeback.ledger.foresee import foresee
from chargeback.ledger.outlook import Outlook
from chargeback.ledger.stage import tie_out
from chargeback.params import Params
from chargeback.params.published_totals import ALL
from chargeback.params.ratification import ratification_record, rules_digest
from chargeback.rollup.product_names import product_names
from chargeback.rollup.stage import LAST_DAY
from chargeback.signing.level import asked_level
from chargeback.signing.pades import sign_statements
from chargeback.signing.signing_key import signing_key
from chargeback.statements import exact_json
from chargeback.statements.bridge import Month, closed_month, explain_change
from chargeback.statements.extract import read_charges
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.read_back import read_statements
from chargeback.statements.render import Renderer, find_renderer
from chargeback.statements.unit_reading import FEW_UNITS
from chargeback.statements.write import write_statements

STAGE = "statements"

#: The params files that the stage reads, beyond those of the stages before it.
PARAMS = ("ratifications.csv", "delivery.toml", "budgets.csv", "metrics.csv")

#: Of a draft: what it is estimated to come to.
OUTLOOK = "outlook.json"

#: How lines of progress begin in the notebook's output, and of how many units one line is said.
TOLD, TOLD_EACH = "      statements   ", 40

#: A folder of the work folder: what is handed out.
STATEMENTS = "statements"


def gather(work: WorkFolder) -> StatementInputs:
    """What statements are made from: this period's postings and those of earlier closed periods."""
    earlier = [one for one in work.books.closed_periods() if one < work.period]
    postings = read_postings(work.made(POSTINGS))
    restated = json.loads(work.made(RESTATEMENTS).read_text("utf-8"))
    owned_costs = work.table("owned_costs")
    inputs = StatementInputs(
        billing_period=work.period,
        currency=work.params.policy.currency,
        provisional=work.provisional,
        postings=postings,
        owned_costs=owned_costs,
        history={one: checked_postings(work.books, one) for one in earlier},
        invoices=tie_out(work, work.table("owner_costs")),
        params=params_shown(work.params),
        digests={
            "postings": sha256_of(work.path(POSTINGS)),
            "sources": work.source_record().digest(),
            "params": work.params.digest(),
            "rules": rules_digest(work.params),
            "sql": sql_digest(),
        },
        governed=work.params.governed,
        ratification=ratification_record(work.params),
        signer=work.signer,
        restated=restated,
        deferred=deferred_invoices(work.table("rollup"), work.params),
        published_totals=published_totals(work.params),
        last_day=last_day_of(work),
        payers=work.source_record().payer_account_ids,
        product_names=product_names(named_rollups(work, earlier[-1:], restated)),
        outlook=keep_outlook(work, postings) if work.provisional else None,
        metrics=metrics_shown(work),
    )
    if not earlier:
        return inputs
    now = Month(work.period, postings, owned_costs, work.table("rollup"), work.params)
    before, kept = closed_month(work.books, earlier[-1]), kept_pools(inputs)
    return replace(inputs, bridges=explain_change(before, now, kept))


def keep_outlook(work: WorkFolder, postings: pa.Table) -> Outlook | None:
    """The outlook of a draft, which is kept for accrual.csv and the terminal."""
    work.path(OUTLOOK).unlink(missing_ok=True)
    outlook = foresee(work, postings)
    if outlook is not None:
        work.path(OUTLOOK).write_text(exact_json.to_json(outlook), encoding="utf-8")
    return outlook


def named_rollups(
    work: WorkFolder, before: Sequence[str], restated: Sequence[Mapping[str, Any]]
) -> Iterator[pa.Table]:
    """The rollups that have the names of what statements show, that of the period first.

    Args:
        before: the last closed period, where there is one.
        restated: what was kept of the periods that are corrected.
    """
    yield work.table("rollup")
    yield work.table("restated_rollup")
    corrected = (one["billing_period"] for one in restated)
    for period in sorted({*before, *corrected}, reverse=True):
        with contextlib.suppress(Gone):
            yield checked_table(work.books, period, "rollup.parquet")


def published_totals(params: Params) -> str:
    """Which totals statements print; all in books of a version that had no such choice and control."""
    return params.policy.published_totals if has_sql("controls", ISOLATION) else ALL


def params_shown(params: Params) -> Params:
    """The params that statements show; books of a version that compared no budgets show none."""
    return params if has_sql("controls", BUDGETS) else replace(params, budgets=())


def metrics_shown(work: WorkFolder) -> tuple[Counted, ...]:
    """The quantities of unit costs; books of a version that told none show none."""
    return counted_metrics(work.books, work.params) if has_sql("controls", UNIT_COSTS) else ()


def last_day_of(work: WorkFolder) -> str:
    """The last day that the report of an open period has; blank where not known, and of a closed one."""
    path = work.path(LAST_DAY)
    return path.read_text("utf-8").strip() if work.provisional and path.is_file() else ""


def kept_pools(inputs: StatementInputs) -> frozenset[str]:
    """The pools that were split and whose totals finance keeps."""
    charges = read_charges(inputs)
    return frozenset(one for one in charges.pools if not charges.published.pool(one))


def require_renderer(work: WorkFolder) -> None:
    """Stop before anything else is done when a renderer was named that is not there (exit 6)."""
    if work.renderer:
        find_renderer(work.renderer)


def told(line: str) -> None:
    """Progress of the notebook, which the command line passes on."""
    print(TOLD + line, flush=True)


def of_many(units: int, progress: Progress) -> Progress:
    """Takes a line for each of many units, and one once all are rendered; says how far it is now and then.

    Of few units nothing is said: it is a matter of seconds.
    """
    numbers = count(1)

    def tell(_: str) -> None:
        number = next(numbers)
        if units <= FEW_UNITS or (number < units and number % TOLD_EACH):
            return
        said = f"{number} of {units} computed"
        if number == units:
            said = f"{units} computed, being rendered as HTML and PDF"
        progress(said if number <= units else f"{units} rendered, being signed and read back")

    return tell


def render(work: WorkFolder, inputs: StatementInputs, progress: Progress = say_nothing) -> Renderer:
    """Every unit's statement as HTML, PDF and CSV, by the notebook that is executed for each.

    Args:
        progress: told how far it is, where there are many units.

    Returns:
        who rendered them.

    Raises:
        Refusal: (exit 6) the renderer that was asked for is not there, or a statement could not be made.
    """
    renderer = find_renderer(work.renderer)
    for name in (STATEMENTS, STATEMENT_PROJECT):
        shutil.rmtree(work.path(name), ignore_errors=True)
        work.path(name).mkdir()
    write_statements(
        inputs,
        work.path(STATEMENTS),
        work.path(STATEMENT_PROJECT),
        of_many(len(inputs.params.business_units), progress),
        renderer,
        most_at_once(),
    )
    return renderer


def sign(work: WorkFolder) -> dict[str, dict[str, Any]]:
    """Sign each PDF, where somebody signs; size and sha256 of each as it was rendered, by its path."""
    if not work.signer:
        return {}
    return sign_statements(
        work.path(STATEMENTS), lambda: signing_key(work.books),
        f"Statement of AWS charges, {period_title(work.period)}",
        kept=kept_signatures(work),
        level=asked_level(),
    )  # fmt: skip


def kept_signatures(work: WorkFolder) -> Path | None:
    """Where the signatures of a closed period's statements are kept; none of an open one are used."""
    is_closed = work.books.ledger(work.period).is_dir()
    return work.books.evidence(work.period) / SIGNATURES if is_closed else None


def control(work: WorkFolder, inputs: StatementInputs) -> list[Outcome]:
    """The outcomes of the controls on the rendered files, which are read back."""
    engine = Engine()
    for name, table in read_statements(work.path(STATEMENTS), inputs).items():
        engine.register(name, table)
    # Who accepts that a figure is told can do so only where policy says that all totals are printed.
    accepted = work.params.acceptances if inputs.published_totals == ALL else ()
    params = replace(work.params, acceptances=accepted)
    outcomes = run_group(engine, "statements", work.provisional, params)
    engine.close()
    return outcomes


def edges(work: WorkFolder, inputs: StatementInputs) -> Edges:
    """What the ledger charges to business units, and what their CSV files say, read back."""
    rows = [
        Decimal(row["amount"])
        for path in sorted(work.path(STATEMENTS).glob("*/statement.csv"))
        for row in csv_rows(path)
    ]
    charged = inputs.postings.filter(pc.is_valid(inputs.postings["business_unit_id"]))
    return Edges(
        STAGE,
        Edge("postings of business units", charged.num_rows, "postings", statement_total(charged)),
        Edge("rows of statement.csv", len(rows), "postings", sum(rows, Decimal("0.00"))),
    )


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a statement's CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def keep(
    work: WorkFolder,
    outcomes: list[Outcome],
    unsigned: dict[str, dict[str, Any]],
    renderer: Renderer,
) -> None:
    """Record that the statements are made, and by whom; `unsigned_pdfs` is what signing appended to."""
    work.finish(
        STAGE, [], outcomes,
        f"{len(work.params.business_units)} business units as HTML, PDF and CSV, read back and equal to the "
        "ledger",
        unsigned_pdfs=unsigned, renderer=renderer.record,
    )  # fmt: skip


def run(work: WorkFolder) -> StatementInputs:
    """The whole stage.

    Raises:
        Refusal: (exit 4) a statement does not say what the ledger says, or shows what it must not.
    """
    inputs = gather(work)
    renderer = render(work, inputs)
    unsigned = sign(work)
    outcomes = control(work, inputs)
    require(outcomes, work.period)
    keep(work, outcomes, unsigned, renderer)
    return inputs
