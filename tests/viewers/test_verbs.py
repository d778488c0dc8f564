"""make viewers and make export, as a user runs them on books that the program closed."""

from __future__ import annotations

import csv
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chargeback import cli
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE
from chargeback.core.paths import PARAMS
from chargeback.delivery.approval import approve
from chargeback.signing.signing_key import KEY_VARIABLE
from tests.delivery.conftest import prepared, prepared_once
from tests.explore.conftest import estate

__all__ = ["estate", "prepared", "prepared_once"]

pytestmark = pytest.mark.slow


@pytest.fixture
def run(estate, capsys):
    """Runs a verb on the sample's books; returns exit code, what it said, and the stop."""

    def verb(
        *arguments: str, params: Path = PARAMS, books: Path = estate / "books"
    ) -> tuple[int, str, str]:
        code = cli.main([*arguments, "--params", str(params), "--books", str(books)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return verb


def changed_params(folder: Path, **texts: str) -> Path:
    """The sample's params, with files of other texts; None takes a file away."""
    shutil.copytree(PARAMS, folder)
    for name, text in texts.items():
        stem, _, kind = name.rpartition("_")
        (folder / f"{stem}.{kind}").write_text(text, encoding="utf-8")
    return folder


def test_who_sees_what_is_a_table(run):
    code, said, stop = run("viewers", "2026-05")
    assert code == DONE, stop
    lines = said.splitlines()
    assert lines[0] == "Who sees what in May 2026"
    assert lines[1].split() == ["group", "role", "sees", "approved", "until"]
    assert ["finops-claims", "viewer", "unit", "claims", "CHG0031020", "open"] in [
        one.split() for one in lines
    ]
    assert ["finops-warehouse", "viewer", "cost", "center", "CC-4002", "CHG0031021", "open"] in [
        one.split() for one in lines
    ]


def test_nobody_is_named_before_the_policy_begins(run):
    _, said, _ = run("viewers", "2025-11")
    assert said == "Nobody sees anything in November 2025: viewers.toml grants nothing\n"


def test_today_is_the_month_where_none_is_named(run):
    from datetime import UTC, datetime

    from chargeback.core.period import period_title

    _, said, _ = run("viewers")
    assert said.startswith(f"Who sees what in {period_title(f'{datetime.now(UTC):%Y-%m}')}\n")


def test_no_sign_of_a_policy_acts_on_a_terminal(run, tmp_path):
    entry = (
        '[[viewer]]\ngroup = "g\\u202e"\nrole = "viewer"\nall = true\nvalid_from = "2025-12"\n'
        'approved = "x\\u001b[2J"\n'
    )
    code, said, _ = run("viewers", params=changed_params(tmp_path / "params", viewers_toml=entry))
    assert code == DONE
    assert "\u202e" not in said and "\x1b" not in said


def test_the_rules_are_written_for_others(run, tmp_path):
    params = changed_params(
        tmp_path / "params",
        sources_toml='[lake_formation]\ncatalog_id = "012345678901"\ndatabase = "cost"\n',
    )
    to = tmp_path / "to"
    (to / "lake_formation").mkdir(parents=True)
    (to / "lake_formation" / "withdrawn.json").write_text("{}")
    code, said, stop = run("viewers", "2026-05", "--to", str(to), params=params)
    assert code == DONE, stop
    assert "12 rules for 12 groups" in said
    rules = {
        row["GroupName"]: row for row in pq.read_table(to / "viewer_rules.parquet").to_pylist()
    }
    assert rules["finops-claims"]["business_unit_id"] == "claims"
    assert rules["finops-warehouse"]["cost_center_id"] == "CC-4002"
    assert len((to / "viewer_rules.csv").read_text().splitlines()) == 13
    filters = {one.stem: json.loads(one.read_text()) for one in (to / "lake_formation").iterdir()}
    assert len(filters) == 12 and "withdrawn" not in filters
    assert filters["finops-claims"]["TableData"]["RowFilter"] == {
        "FilterExpression": "business_unit_id in ('claims')"
    }
    assert "create or replace view chargeback_charges as" in (to / "athena.sql").read_text()


def test_nothing_is_written_when_a_closed_period_has_changed(run, estate, tmp_path):
    books = tmp_path / "books"
    shutil.copytree(estate / "books", books)
    path = books / "ledger" / "billing_period=2026-05" / "postings.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    for verb in (("viewers",), ("export", "--groups", "finops-claims")):
        code, _, stop = run(*verb, "--to", str(tmp_path / "to"), books=books)
        assert code == CONTROL_FAILED
        assert "has changed since the close" in stop
        assert not (tmp_path / "to").exists()


def test_an_export_is_the_rows_of_the_groups_as_both_files_have_them(run, estate, tmp_path):
    code, said, stop = run(
        "export", "--groups", "finops-claims, finops-warehouse", "--to", str(tmp_path / "to")
    )
    assert code == DONE, stop
    assert sorted(one.name for one in (tmp_path / "to").iterdir()) == [
        "README.txt", "charges.csv", "charges.parquet",
    ]  # fmt: skip
    rows = pq.read_table(tmp_path / "to" / "charges.parquet").to_pylist()
    assert {row["billing_period"] for row in rows} == {"2026-04", "2026-05"}
    ledger = [
        row for period in ("2026-04", "2026-05")
        for row in pq.read_table(
            estate / "books" / "ledger" / f"billing_period={period}" / "postings.parquet"
        ).to_pylist()
        if row["business_unit_id"] == "claims" or row["cost_center_id"] == "CC-4002"
    ]  # fmt: skip
    same = [name for name in rows[0] if name in ledger[0]]
    assert [[row[name] for name in same] for row in rows] == [
        [row[name] for name in same] for row in ledger
    ]
    assert len(same) == 18, "every column of the ledger but ledger_account"
    with (tmp_path / "to" / "charges.csv").open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert [Decimal(one["amount"]) for one in cells] == [row["amount"] for row in rows]
    assert [one["business_unit_name"] for one in cells] == [
        row["business_unit_name"] for row in rows
    ]
    assert rows[0]["business_unit_name"] == "Claims Operations"
    text = (tmp_path / "to" / "README.txt").read_text()
    assert "finops-claims, finops-warehouse" in text
    for period in ("2026-04", "2026-05"):
        total = sum(row["amount"] for row in rows if row["billing_period"] == period)
        assert f"{total:,.2f}" in text and f"{total:,.2f}" in said


def test_an_export_of_all_is_what_everybody_is_charged(run, estate, tmp_path):
    code, _, _ = run(
        "export", "--groups", "internal-audit", "--periods", "2026-05", "--to", str(tmp_path / "to")
    )
    assert code == DONE
    rows = pq.read_table(tmp_path / "to" / "charges.parquet").to_pylist()
    manifest = json.loads(
        (estate / "books" / "ledger" / "billing_period=2026-05" / "manifest.json").read_text()
    )
    assert sum(row["amount"] for row in rows) == Decimal(manifest["postings"]["charged"])
    assert all(row["cost_center_id"] for row in rows)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--groups", "finops-nobody"), "this group sees nothing"),
        (("--groups", "finops-claims,FINOPS-MEMBERS"), "this group sees nothing"),
        (("--groups", " , "), "no group is named"),
        (("--groups", "finops-claims", "--periods", "2026-06"), "this period is not closed"),
        (("--groups", "finops-claims", "--periods", "2026-13"), "this is not a billing period"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_written(options, what, run, tmp_path):
    code, _, stop = run("export", *options, "--to", str(tmp_path / "to"))
    assert code == BAD_USAGE
    assert stop.startswith("STOPPED  ") and what in stop
    assert not (tmp_path / "to").exists()


ALL_AND_SHOP = "".join(
    f'[[viewer]]\ngroup = "{group}"\nrole = "{role}"\n{sees}\nvalid_from = "2026-01"\napproved = "x"\n'
    for group, role, sees in (
        ("checks", "auditor", "all = true"), ("looks", "viewer", "all = true"),
        ("shop", "viewer", 'business_units = ["shop"]'),
    )
)  # fmt: skip


@pytest.mark.parametrize("group", ["shop", "looks"])
def test_a_month_that_nobody_has_approved_is_for_nobody_else(group, run, prepared, tmp_path):
    params, books = prepared.month.params, prepared.month.books.root
    (params / "viewers.toml").write_text(ALL_AND_SHOP)
    options = ("--groups", group, "--to", str(tmp_path / "to"))
    for periods in ((), ("--periods", "2026-05")):
        code, _, stop = run("export", *options, *periods, params=params, books=books)
        assert code == CONTROL_FAILED
        assert "this period is prepared, and nobody has approved it" in stop
        assert not (tmp_path / "to").exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, str(prepared.rita.key_file))
        approve(prepared.of(by="rita.ng"), lambda _: None)
    code, said, stop = run("export", *options, params=params, books=books)
    assert code == DONE, stop
    assert "2026-05" in said and "2026-06" not in said


def test_who_checks_all_units_has_months_before_they_are_approved(run, prepared, tmp_path):
    params, books = prepared.month.params, prepared.month.books.root
    (params / "viewers.toml").write_text(ALL_AND_SHOP)
    options = ("--groups", "checks", "--to", str(tmp_path / "to"))
    code, said, _ = run("export", *options, params=params, books=books)
    assert code == DONE and "2026-05" in said and "2026-06" in said
