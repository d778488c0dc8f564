"""The verb: files of each version, in the specification's columns, that sum to ledger and invoices."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.books.tables import read_postings
from chargeback.cli import main
from chargeback.core.books_folders import Books
from chargeback.core.paths import PARAMS
from chargeback.review.focus import columns
from chargeback.review.focus.export import FILES, METADATA, Totals, require_ties
from tests.restatement.months import APRIL, MAY, Estate, invoice_id

#: FOCUS's columns by version and dataset, from the specification (CC-BY-4.0) of each version.
SPECIFICATION = Path(__file__).with_name("specification.csv")
TYPES = {"Decimal": pa.types.is_decimal, "Date/Time": pa.types.is_timestamp}


def specified() -> dict[tuple[str, str], dict[str, dict[str, str]]]:
    """The specification's columns, by version and dataset, by name."""
    found: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    with SPECIFICATION.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault((row["version"], row["dataset"]), {})[row["column"]] = row
    return found


def written(
    folder: Path, version: str, dataset: str = columns.COST_AND_USAGE
) -> list[dict[str, Any]]:
    """The rows of a dataset."""
    rows: list[dict[str, Any]] = pq.read_table(folder / version / FILES[dataset]).to_pylist()
    return rows


@pytest.fixture(scope="module")
def may(corrected: Estate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The month with a correction."""
    folder = tmp_path_factory.mktemp("focus") / "may"
    verb = ["focus", MAY, "--books", str(corrected.books.root), "--params", str(corrected.params)]
    assert main([*verb, "--to", str(folder)]) == 0
    return folder


@pytest.mark.parametrize(
    ("version", "dataset"),
    [(one, each) for one in columns.VERSIONS for each in columns.DATASETS[one]],
)
def test_columns_are_the_specification_s(version: str, dataset: str) -> None:
    """Those of FOCUS that are there have its types; those that are mandatory are there; ours begin with x_."""
    known = specified()[version, dataset]
    schema = columns.schema_of(version, dataset)
    of_focus = [one for one in schema.names if not one.startswith("x_")]
    assert set(of_focus) <= known.keys()
    assert {one for one, row in known.items() if row["feature_level"] == "Mandatory"} <= set(
        of_focus
    )
    for name in of_focus:
        fits = TYPES.get(known[name]["data_type"], pa.types.is_string)
        assert fits(schema.field(name).type), name
    assert len(set(schema.names)) == len(schema.names)


@pytest.mark.parametrize("version", columns.VERSIONS)
def test_nothing_is_null_that_must_not_be(may: Path, version: str) -> None:
    for dataset in columns.DATASETS[version]:
        known = specified()[version, dataset]
        for row in written(may, version, dataset):
            empty = {name for name, value in row.items() if value is None}
            assert not {one for one in empty if known.get(one, {}).get("allows_nulls") == "false"}


def test_sums_are_the_ledger_s_and_the_invoices_(corrected: Estate, may: Path) -> None:
    postings = read_postings(corrected.books.ledger(MAY) / "postings.parquet").to_pylist()
    for version in columns.VERSIONS:
        rows = written(may, version)
        assert sums(rows, "x_EntryId", "x_EntryLine") == {
            (one["entry_id"], one["line"]): one["amount"]
            for one in postings
            if one["cost_center_id"]
        }
        assert sums(rows, "InvoiceId") == {
            (invoice_id(APRIL),): Decimal(6), (invoice_id(MAY),): Decimal(130), ("900000014",): Decimal(-9)
        }  # fmt: skip
    details = written(may, "1.4", columns.INVOICE_DETAIL)
    assert sums(details, "InvoiceDetailId") == sums(written(may, "1.4"), "InvoiceDetailId")


def sums(rows: list[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], Decimal]:
    """BilledCost by some columns."""
    found: defaultdict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        found[tuple(row[name] for name in names)] += row["BilledCost"]
    return dict(found)


def test_corrections_say_which_period_they_are_about(may: Path) -> None:
    rows = [one for one in written(may, "1.2") if one["ChargeClass"]]
    assert {one["ChargeClass"] for one in rows} == {"Correction"}
    assert sum(one["BilledCost"] for one in rows) == Decimal(-3)
    assert {f"{one['ChargePeriodStart']:%Y-%m}" for one in rows} == {APRIL}
    assert {f"{one['BillingPeriodStart']:%Y-%m}" for one in rows} == {MAY}
    assert all(one["ChargeDescription"].startswith(f"Correction of {APRIL}: ") for one in rows)


def test_ratios_of_each_origin_sum_to_one(may: Path) -> None:
    found: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for row in written(may, "1.3"):
        if row["AllocatedMethodDetails"]:
            [element] = json.loads(row["AllocatedMethodDetails"], parse_float=Decimal)["Elements"]
            found[row["x_OriginEntryId"], row["x_OriginEntryLine"]] += element["AllocatedRatio"]
            assert row["AllocatedMethodId"] == "untagged/even"
            assert row["AllocatedResourceId"] == row["SubAccountId"]
    assert list(found.values()) == [1]


def test_a_second_run_replaces_the_first_and_nothing_else(
    corrected: Estate, tmp_path: Path, capsys
) -> None:
    verb = ["focus", MAY, "--books", str(corrected.books.root), "--params", str(corrected.params)]
    folder = tmp_path / "focus"
    assert main([*verb, "--to", str(folder)]) == 0
    first = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    assert main([*verb, "--to", str(folder)]) == 0
    assert {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()} == first
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "letter.txt").write_text("dear all", encoding="utf-8")
    capsys.readouterr()
    assert main([*verb, "--to", str(theirs)]) == 2
    assert "something else lies where the FOCUS files would go" in capsys.readouterr().err
    assert [one.name for one in theirs.iterdir()] == ["letter.txt"]


def test_a_period_that_is_not_closed_is_refused(corrected: Estate, tmp_path: Path, capsys) -> None:
    verb = [
        "focus",
        "2026-06",
        "--books",
        str(corrected.books.root),
        "--params",
        str(corrected.params),
    ]
    assert main([*verb, "--to", str(tmp_path / "new")]) == 2
    assert "this period is not closed" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_files_that_would_not_sum_to_the_ledger_are_refused() -> None:
    row = {
        "entry_id": "e", "line": 1, "cost_center_id": "CC-1", "amount": Decimal("1.00"), "invoice_id": "9",
        "ledger_account": "cost-center:CC-1",
    }  # fmt: skip
    owed = {
        **row,
        "line": 2,
        "cost_center_id": None,
        "ledger_account": "payable:9",
        "amount": Decimal("-1.00"),
    }
    fine = Totals(1, {("e", 1): Decimal("1.00")}, {"9": Decimal("1.00")}, detailed=Decimal("1.00"))
    require_ties(fine, [row, owed], MAY)
    for wrong in (
        Totals(1, {("e", 1): Decimal("1.01")}, {"9": Decimal("1.00")}, detailed=Decimal("1.00")),
        Totals(1, {("e", 1): Decimal("1.00")}, {"9": Decimal("1.01")}, detailed=Decimal("1.01")),
        Totals(0, {}, {"9": Decimal("1.00")}, detailed=Decimal("1.00")),
        Totals(1, {("e", 1): Decimal("1.00")}, {"9": Decimal("1.00")}, detailed=Decimal("0.99")),
    ):
        with pytest.raises(Exception, match="would not sum to the ledger"):
            require_ties(wrong, [row, owed], MAY)


@pytest.mark.slow
def test_a_month_of_the_sample_sums_to_its_ledger(estate: Path, tmp_path: Path) -> None:
    books = Books(estate / "books")
    assert (
        main(
            [
                "focus",
                MAY,
                "--books",
                str(books.root),
                "--params",
                str(PARAMS),
                "--to",
                str(tmp_path / "f"),
            ]
        )
        == 0
    )
    rows = written(tmp_path / "f", "1.3")
    postings = read_postings(books.ledger(MAY) / "postings.parquet").to_pylist()
    assert sums(rows, "SubAccountId") == sums_of_centers(postings)
    ratios: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        assert row["x_Kind"] != "allocated" or row["x_OriginEntryId"]
        if row["AllocatedMethodDetails"]:
            [element] = json.loads(row["AllocatedMethodDetails"], parse_float=Decimal)["Elements"]
            ratios[row["x_OriginEntryId"], row["x_OriginEntryLine"]] += element["AllocatedRatio"]
    assert set(ratios.values()) == {1}
    pooled = [one for one in postings if one["kind"] == "pooled" and one["pool_id"]]
    assert ratios.keys() == {(one["entry_id"], one["line"]) for one in pooled}
    content = json.loads((tmp_path / "f" / METADATA).read_text(encoding="utf-8"))
    assert {one["FocusVersion"] for one in content["Schema"]} == set(columns.VERSIONS)


def sums_of_centers(postings: list[dict[str, Any]]) -> dict[tuple[Any, ...], Decimal]:
    """What each cost center is charged, as the ledger has it."""
    found: defaultdict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in postings:
        if row["cost_center_id"]:
            found[(row["cost_center_id"],)] += row["amount"]
    return dict(found)
