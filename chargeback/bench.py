"""Bench: what a close costs, as ratios measured in one run on one machine.

In: a number of line items. Out: a printed table. The compute part of a close, a bare DuckDB aggregation and
plain pandas do the same job on the same files, each in its own process so that its peak memory is its own.
Repeats are interleaved and the median is taken. Nothing is asserted: seconds belong to a machine, while ratios
carry over to others. The table also says how well anomalies are found, on series in which they were planted
(chargeback/daily/anomalies/labelled.py).
"""

from __future__ import annotations

import importlib
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from chargeback.bench_portal import show_portal
from chargeback.core.books_folders import Books
from chargeback.core.paths import BUILD, PARAMS, ROOT, SAMPLE_CUR

PERIOD = "2026-05"
REPEATS, VERB_REPEATS = 5, 3

#: The final months of the sample, for the verb on one month after the other.
SIX = ("2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05")

#: Rows of which pandas holds the strings and tags within the memory of an ordinary machine.
PANDAS_LIMIT = 2_000_000

TEXTS = (
    "bill_invoice_id", "line_item_usage_account_id", "line_item_currency_code",
    "line_item_line_item_type", "line_item_product_code", "line_item_operation",
    "line_item_usage_type",
)  # fmt: skip
COSTS = (
    "line_item_unblended_cost", "savings_plan_savings_plan_effective_cost",
    "reservation_effective_cost",
)  # fmt: skip
Measure = dict[str, float]


def run_close(report: Path, params: Path, period: str) -> None:
    """The close's compute, sources to ledger, without notebooks and statements."""
    from chargeback.books.work_folder import WorkFolder
    from chargeback.close.stages import derive

    with tempfile.TemporaryDirectory(prefix="chargeback-") as work:
        derive(WorkFolder(period, report, params, Books(Path(work) / "books"), Path(work)))


def data_files(report: Path, period: str) -> list[Path]:
    """The period's Parquet files."""
    return sorted((report / "data" / f"BILLING_PERIOD={period}").rglob("*.parquet"))


def has_columns(files: list[Path], names: tuple[str, ...]) -> list[str]:
    """Those of the columns that the first file has."""
    import pyarrow.parquet as pq

    there = set(pq.read_schema(files[0]).names)
    return [name for name in names if name in there]


def run_bare(report: Path, params: Path, period: str) -> None:
    """One DuckDB aggregation in doubles: the columns that the close reads, its group keys and threads.

    Sums of the amounts; of the texts that only choose a formula in the close, counts, so that both read the
    same bytes.
    """
    from chargeback.engine import Engine
    from chargeback.params import read_params
    from chargeback.sources.report import COLUMNS

    files = data_files(report, period)
    tag_keys = read_params(params, period).policy.cost_center_tags
    keys = [*has_columns(files, TEXTS), "coalesce(line_item_resource_id, '') <> ''"]
    keys += [f"resource_tags['{tag}']" for tag in tag_keys]
    there = set(has_columns(files, tuple(COLUMNS)))
    costs = ", ".join(
        f"{'sum' if kind == 'double' else 'count'}({name})"
        for name, kind in COLUMNS.items()
        if name in there and name not in TEXTS and not kind.startswith("map")
    )
    paths = ", ".join(f"'{path}'" for path in files)
    engine = Engine()
    engine.create_own_view("report", f"select * from read_parquet([{paths}])", files)
    engine.run(
        f"select {', '.join(keys)}, count(*), {costs} from report group by all",
        "the bare aggregation",
    )


def run_pandas(report: Path, params: Path, period: str) -> None:
    """The job as a script would do it: read the columns, map tags to owners, group."""
    import pandas as pd

    from chargeback.params import read_params

    read = read_params(params, period)
    files = data_files(report, period)
    texts, costs = has_columns(files, TEXTS), has_columns(files, COSTS)
    columns = [*texts, *costs, "line_item_resource_id", "resource_tags"]
    table = pd.concat([pd.read_parquet(path, columns=columns) for path in files])
    owners = {one: one for one in read.cost_centers}
    owners |= {one.tag_value: one.cost_center_id for one in read.tag_values}
    table["owner"] = pd.Series(None, index=table.index, dtype=object)
    for tag in read.policy.cost_center_tags:
        values = [
            dict(tags).get(tag) if tags is not None else None for tags in table["resource_tags"]
        ]
        mapped = pd.Series(values, index=table.index, dtype=object).map(owners)
        table["owner"] = table["owner"].where(table["owner"].notna(), mapped)
    defaults = {one.account_id: one.default_cost_center_id for one in read.accounts.values()}
    table["owner"] = table["owner"].fillna(table["line_item_usage_account_id"].map(defaults))
    table.groupby([*texts, "owner"], dropna=False, observed=True)[costs].sum()


def run_statements(report: Path, params: Path, period: str) -> None:
    """All statements of a derived period; prints the seconds of the rendering alone."""
    from chargeback.books.work_folder import STATEMENT_PROJECT, WorkFolder
    from chargeback.close.stages import derive
    from chargeback.statements.stage import gather, render

    with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
        place = Path(folder)
        work = WorkFolder(period, report, params, Books(place / "books"), place)
        derive(work)
        inputs = gather(work)
        started = time.monotonic()
        render(work, inputs)
        took = time.monotonic() - started
        counted = {"seconds": took, "statements": len(work.params.business_units)}
        print(json.dumps({**counted, **rendering_seconds(work.path(STATEMENT_PROJECT), place)}))


def rendering_seconds(project: Path, place: Path) -> dict[str, float]:
    """Seconds that Quarto takes for the month's pages in one call, in one a unit, and in one a unit and format.

    Args:
        place: a folder to work in.

    Returns:
        seconds by the calls; nothing where there is no Quarto.
    """
    from chargeback.statements.project import LOOK
    from chargeback.statements.render import QuartoRenderer, find_renderer, font_folder

    renderer = find_renderer()
    if not isinstance(renderer, QuartoRenderer):
        return {}
    folder = place / "rendered-alone"
    folder.mkdir()
    pages = sorted(project.glob("statement-*.ipynb"))
    for path in (*(project / name for name in LOOK), *pages):
        shutil.copyfile(path, folder / path.name)
    (folder / "fonts").symlink_to(font_folder())

    def seconds(*calls: Sequence[str]) -> float:
        started = time.monotonic()
        for call in calls:
            command = [renderer.command, "render", *call, "--no-execute"]
            subprocess.run(command, cwd=folder, capture_output=True, check=True)
        return time.monotonic() - started

    by_format = [(one.name, "--to", to) for one in pages for to in ("html", "typst")]
    return {
        "a month": seconds(["."]),
        "a unit": seconds(*([one.name] for one in pages)),
        "a unit and format": seconds(*by_format),
    }


def run_trace(report: Path, params: Path, period: str) -> None:
    """The largest direct line of a derived period followed back; prints the seconds of that alone."""
    from chargeback.books.tables import read_postings
    from chargeback.books.work_folder import WorkFolder
    from chargeback.close.stages import derive
    from chargeback.review.trace import Origin, line_items_behind

    with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
        place = Path(folder)
        work = WorkFolder(period, report, params, Books(place / "books"), place)
        derive(work)
        postings = read_postings(work.path("postings.parquet"))
        record, owned = work.source_record(), work.table("owned_costs")
        origin = Origin(period, work.params, record, owned, postings)
        direct = [row for row in postings.to_pylist() if row["kind"] == "direct" and row["rule"]]
        largest = max(direct, key=lambda row: row["amount"])
        started = time.monotonic()
        items = line_items_behind(origin, [largest], report)
        items.largest(20)
        took = time.monotonic() - started
        [(count, _)] = items.sums().values()
        print(json.dumps({"seconds": took, "line_items": count}))


JOBS: dict[str, Callable[[Path, Path, str], None]] = {
    "close": run_close,
    "bare": run_bare,
    "pandas": run_pandas,
    "statements": run_statements,
    "trace": run_trace,
}


#: What a job imports, so that it is not timed; pyarrow imports pandas, and sqlglot its dialects, on first use.
ENGINE = ("chargeback.engine", "sqlglot.parsers.athena", "sqlglot.generators.duckdb", "pandas")
MODULES = {
    "close": ("chargeback.close.stages", *ENGINE),
    "bare": ("chargeback.sources.freeze", "chargeback.params", *ENGINE),
    "pandas": ("pandas", "chargeback.params", "pyarrow.parquet"),
    "statements": ("chargeback.close.monthly",),
    "trace": ("chargeback.review.trace", *ENGINE),
}


def run_job(job: str, report: Path, params: Path, period: str) -> None:
    """A job in this process, then its seconds and the process's peak memory as JSON."""
    for module in MODULES[job]:
        importlib.import_module(module)
    started = time.monotonic()
    JOBS[job](report, params, period)
    took = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux, bytes on macOS
    megabytes = peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)
    print(json.dumps({"seconds": took, "peak_mb": megabytes}))


def measure(job: str, report: Path, params: Path, period: str) -> list[Measure]:
    """What a job printed about itself in a process of its own; empty when it could not finish."""
    command = [sys.executable, "-m", "chargeback.bench", job, str(report), str(params), period]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or f"ended with {done.returncode}").splitlines()
        reason = next((one for one in said if one.startswith("STOPPED")), said[-1])
        if "Refusal:" in done.stderr:
            reason = done.stderr.rpartition("Refusal:")[2].strip().splitlines()[0]
        print(f"  {job}: not measured: {reason}", flush=True)
        return []
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def measure_all(
    cases: dict[str, tuple[str, Path]], params: Path, period: str, repeats: int = REPEATS
) -> dict[str, Measure]:
    """Medians of each case's seconds and peak memory, the repeats interleaved."""
    runs: dict[str, list[Measure]] = {name: [] for name in cases}
    for number in range(repeats):
        for name, (job, report) in cases.items():
            if number and not runs[name]:
                continue  # could not finish the first time
            runs[name] += measure(job, report, params, period)
    return {
        name: {key: statistics.median(one[key] for one in found) for key in found[0]}
        for name, found in runs.items()
        if found
    }


def ratio(label: str, over: float | None, under: float | None) -> str:
    """A ratio as a line, or that it could not be taken."""
    return f"  {label:<58}" + (f"{over / under:8.2f}" if over and under else "  not measured")


def show(found: dict[str, Measure], rows: dict[str, int]) -> None:
    """The table and the ratios."""
    print(f"  {'':<26}{'line items':>12}{'seconds':>10}{'rows/s':>13}{'peak MB':>10}")
    for name, one in found.items():
        speed = rows[name] / one["seconds"]
        print(
            f"  {name:<26}{rows[name]:>12,}{one['seconds']:>10.2f}{speed:>13,.0f}"
            f"{one['peak_mb']:>10,.0f}"
        )

    def per_row(name: str) -> float | None:
        return found[name]["seconds"] / rows[name] if name in found else None

    def peak(name: str) -> float | None:
        return found[name]["peak_mb"] if name in found else None

    print("ratios")
    print(ratio("close / bare aggregation, time", per_row("close"), per_row("bare")))
    print(ratio("close / pandas, time per line item", per_row("close"), per_row("pandas")))
    print(ratio("close, all / a tenth, time per line item", per_row("close"), per_row("tenth")))
    print(ratio("close, all / a tenth, peak memory", peak("close"), peak("tenth")))
    print(ratio("close / pandas, peak memory", peak("close"), peak("pandas")), flush=True)


def show_statements(report: Path, params: Path, period: str) -> None:
    """Statements rendered per minute, or why they were not measured."""
    found = measure("statements", report, params, period)
    if found:
        rate = 60 * found[0]["statements"] / found[0]["seconds"]
        print(f"statements: {found[0]['statements']:.0f} rendered, {rate:.1f} a minute")
        for calls in ("a unit", "a unit and format"):
            if calls in found[0]:
                label = f"Quarto: a call a month / {calls}, time"
                print(ratio(label, found[0]["a month"], found[0][calls]))


def show_trace(report: Path, params: Path, period: str, close: Measure | None) -> None:
    """How long it takes to follow one line back, beside a close of the same report."""
    found = measure("trace", report, params, period)
    if found:
        print(f"trace: one line, {found[0]['line_items']:,.0f} line items behind it")
        seconds = close["seconds"] if close else None
        print(ratio("trace / close, time", found[0]["seconds"], seconds))


def show_verbs(reports: dict[int, Path], close: Measure | None, before: Path | None) -> None:
    """The whole verb as finance runs it: start-up, notebooks, statements, signing, publishing.

    Args:
        reports: by their line items, the largest last.
        close: the compute alone on the largest.
        before: another checkout, set up, whose verb runs in turn with this one's.
    """
    checkouts = {"monthly-close": ROOT} | ({"monthly-close, before": before} if before else {})
    params = (
        before / "params" if before else PARAMS
    )  # an earlier version may not know a key of today's
    print(f"the whole verb{'':<22}{'line items':>12}{'seconds':>9}{'CPU s':>8}")
    largest = max(reports)
    for size, report in reports.items():
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
        for _ in range(VERB_REPEATS):
            for name, checkout in checkouts.items():
                runs[name].append(run_verb(checkout, report, [PERIOD], params))
        found = show_runs(runs, size)
        if size == largest and close:
            print(ratio("the verb / its compute, time", found["monthly-close"], close["seconds"]))
    runs = {name: [run_verb(one, SAMPLE_CUR, SIX, params)] for name, one in checkouts.items()}
    show_runs({f"{name}, six months": one for name, one in runs.items()}, len(SIX) * 250_000)


def show_runs(runs: dict[str, list[tuple[float, float]]], line_items: int) -> dict[str, float]:
    """A line for each checkout with its medians, and the ratio of the two; returns seconds by checkout."""
    seconds = {}
    for name, took in runs.items():
        seconds[name] = statistics.median(one for one, _ in took)
        cpu = statistics.median(one for _, one in took)
        print(f"  {name:<34}{line_items:>12,}{seconds[name]:>9.1f}{cpu:>8.1f}", flush=True)
    if len(seconds) > 1:
        now, then = seconds.values()
        print(ratio("now / before, time", now, then))
    return seconds


def run_verb(
    checkout: Path, report: Path, periods: Sequence[str], params: Path
) -> tuple[float, float]:
    """Seconds and CPU seconds of closing periods in order into empty books, by a checkout's own command."""
    python = checkout / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="chargeback-") as books:
        command = [str(python if python.is_file() else sys.executable), "-m", "chargeback"]
        command += ["monthly-close", f"{periods[0]}..{periods[-1]}", "--cur", str(report)]
        command += ["--params", str(params), "--books", books]
        used, started = children_seconds(), time.monotonic()
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)
        return time.monotonic() - started, children_seconds() - used


def children_seconds() -> float:
    """CPU seconds of the processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_report(report: Path, line_items: int) -> None:
    """The sample's report, by another process: a child's peak memory begins at its parent's."""
    command = [sys.executable, "-m", "chargeback", "sample", "--to", str(report)]
    command += ["--periods", PERIOD, "--line-items", str(line_items)]
    subprocess.run(command, cwd=ROOT, check=True)


def run_bench(line_items: int, before: Path | None = None) -> None:
    """Print the performance figures of so many line items, and of a tenth as many.

    Args:
        before: another checkout to compare the whole verb with, side by side.
    """
    tenth = max(line_items // 10, 10_000)
    reports = {size: BUILD / "bench" / str(size) for size in (line_items, tenth)}
    for size, report in reports.items():
        print(f"sample of {size:,} line items", flush=True)
        write_report(report, size)
    by_pandas = line_items if line_items <= PANDAS_LIMIT else tenth
    if by_pandas != line_items:
        print(f"pandas is run on {tenth:,} line items, which fit in memory as Python objects")
    cases = {
        "close": ("close", reports[line_items]),
        "bare": ("bare", reports[line_items]),
        "tenth": ("close", reports[tenth]),
        "pandas": ("pandas", reports[by_pandas]),
    }
    rows = {"close": line_items, "bare": line_items, "tenth": tenth, "pandas": by_pandas}
    found = measure_all(cases, PARAMS, PERIOD)
    show(found, rows)
    show_trace(reports[line_items], PARAMS, PERIOD, found.get("close"))
    show_statements(reports[tenth], PARAMS, PERIOD)
    measure_verbs(before, {line_items: reports[line_items]}, found.get("close"))
    show_anomalies()
    show_portal()


def measure_verbs(
    before: Path | None, more: dict[int, Path] | None = None, close: Measure | None = None
) -> None:
    """The whole verb on the sample's May, on larger reports, and on its six final months."""
    from chargeback.sample import write_estate

    write_estate(SAMPLE_CUR, SIX, progress=lambda line: print(line, flush=True))
    show_verbs({250_000: SAMPLE_CUR, **(more or {})}, close, before)


def show_anomalies() -> None:
    """How much of what is planted in the sample's daily series is found, and how much found was planted."""
    from chargeback.daily.anomalies import labelled
    from chargeback.sample import PERIODS, write_estate

    write_estate(SAMPLE_CUR, progress=lambda line: print(line, flush=True))
    started = time.monotonic()
    whole = labelled.sample_history(SAMPLE_CUR, PARAMS, PERIODS)
    found = labelled.score(whole)
    seeds = f"seeds {labelled.SEEDS.start} to {labelled.SEEDS.stop - 1}"
    print(f"anomalies planted in the sample's daily series, {seeds}")
    print("\n".join(found.lines()))
    print(f"  {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    run_job(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
