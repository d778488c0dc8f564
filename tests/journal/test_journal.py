"""The journal is read by beancount and hledger themselves, and has their totals and ours the same."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Balance, Open, Transaction
from hypothesis import given
from hypothesis import strategies as st

from chargeback import cli as command_line
from chargeback.books.tables import read_postings
from chargeback.review.journal import BEANCOUNT, HLEDGER, beancount_text, readable
from tests.params_folder import ALWAYS, added
from tests.programs import program
from tests.restatement.months import APRIL, MARCH, MAY, Estate, make_estate, usual

HOSTILE = 'a"; b\\, [2026-01-01] | =1+1 * {"x"} é %2C ; date:2020-01-01'

#: What the three months charge, April delivered again with 6.00 more for CC-1, and 1.00 moved by people in May.
CHARGED = {
    "Expenses:Core:CC-9": Decimal("60.00"),
    "Expenses:Shop:CC-1": Decimal("215.00"),
    "Expenses:Shop:CC-2": Decimal("121.00"),
    "Liabilities:AWS:900000003": Decimal("-130.00"),
    "Liabilities:AWS:900000004": Decimal("-136.00"),
    "Liabilities:AWS:900000005": Decimal("-130.00"),
    "Equity:Clearing:Untagged": Decimal("0.00"),
}


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """March, April, and May with a correction of April; names that would like to be something else."""
    quoted = HOSTILE.replace('"', '""')
    units = ALWAYS["business_units.csv"].replace(",Shop,", f',"{quoted}",')
    moved = added("adjustments.csv", f'2026-05,CC-1,CC-2,1.00,"{quoted}",REF-2,Ann,Bob,2026-01-20')
    folder = tmp_path_factory.mktemp("books")
    made = make_estate(folder, MARCH, APRIL, business_units_csv=units, adjustments_csv=moved)
    [first, *others] = usual(APRIL)
    first = {**first, "line_item_unblended_cost": 66.0}
    made.deliver(APRIL, [first, *others], execution="e-2")
    made.enter(APRIL, "136.00")
    made.close(MAY)
    return made


@pytest.fixture(scope="module")
def folder(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journals."""
    written = tmp_path_factory.mktemp("journal") / "new"
    verb = ["journal", "--books", str(estate.books.root), "--params", str(estate.params)]
    assert command_line.main([*verb, "--to", str(written)]) == 0
    return written


def ledger_totals(estate: Estate) -> dict[str, Decimal]:
    """The cents of every ledger account over all periods, from the postings."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for period in estate.books.closed_periods():
        for row in read_postings(estate.books.ledger(period) / "postings.parquet").to_pylist():
            found[row["ledger_account"].partition(":")[2]] += row["amount"]
    return dict(found)


def by_owner(totals: dict[str, Decimal]) -> dict[str, Decimal]:
    """Totals of the journal's accounts by the id that they end with."""
    return {
        name.rpartition(":")[2].replace("Untagged", "untagged"): totals[name] for name in totals
    }


@pytest.mark.slow
def test_beancount_accepts_the_journal_and_agrees(estate, folder):
    entries, errors, _ = loader.load_file(str(folder / BEANCOUNT))
    assert errors == []
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in (one for one in entries if isinstance(one, Transaction)):
        assert sum(posting.units.number for posting in entry.postings) == 0
        for posting in entry.postings:
            assert posting.units.currency == "USD"
            found[posting.account] += posting.units.number
    assert found == CHARGED
    assert by_owner(found) == ledger_totals(estate)


def test_bean_check_and_bean_query_do_so_as_programs(folder):
    bin_folder, journal = Path(sys.executable).parent, str(folder / BEANCOUNT)
    subprocess.run([bin_folder / "bean-check", journal], check=True)
    answer = subprocess.run(
        [bin_folder / "bean-query", "-f", "csv", journal,
         "select account, sum(number) as total group by account order by account"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(answer)))
    assert {row["account"].strip(): Decimal(row["total"].strip()) for row in rows} == CHARGED


def test_hledger_accepts_the_journal_and_agrees(folder):
    hledger, journal = program("hledger"), str(folder / HLEDGER)
    subprocess.run([hledger, "-f", journal, "check", "--strict"], check=True)
    answer = subprocess.run(
        [hledger, "-f", journal, "balance", "--flat", "--empty", "-N", "-O", "csv"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(answer)))
    found = {row["account"]: Decimal(row["balance"].removesuffix(" USD")) for row in rows}
    assert found == CHARGED


@pytest.mark.parametrize("period", [MARCH, APRIL, MAY])
def test_every_period_ends_with_the_balance_of_every_account(estate, folder, period):
    entries, _, _ = loader.load_file(str(folder / BEANCOUNT))
    morning = {MARCH: "2026-04-01", APRIL: "2026-05-01", MAY: "2026-06-01"}[period]
    asserted = {
        one.account: one.amount.number
        for one in entries
        if isinstance(one, Balance) and str(one.date) == morning
    }
    assert all(one.tolerance == 0 for one in entries if isinstance(one, Balance))
    opened = {one.account for one in entries if isinstance(one, Open) and str(one.date) < morning}
    assert asserted.keys() == opened
    assert asserted["Equity:Clearing:Untagged"] == 0
    assert sum(asserted.values()) == 0


def test_an_export_is_two_files_whose_names_bookkeepers_know(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "chargeback.beancount",
        "chargeback.journal",
    ]


def test_a_cent_that_moved_is_found_by_both(folder, tmp_path):
    hledger = program("hledger")
    for name in (BEANCOUNT, HLEDGER):
        text = (folder / name).read_text()
        assert text.count("  60.00 USD\n") >= 2
        for amount in ("60.0", "-60.0"):  # of the entry that charges CC-1 in March
            assert f"  {amount}0 USD\n" in text, amount
            text = text.replace(f"  {amount}0 USD\n", f"  {amount}1 USD\n", 1)
        (tmp_path / name).write_text(text)
    _, errors, _ = loader.load_file(str(tmp_path / BEANCOUNT))
    assert {type(one).__name__ for one in errors} == {"BalanceError"}
    done = subprocess.run(
        [hledger, "-f", str(tmp_path / HLEDGER), "check"], capture_output=True, text=True
    )
    assert done.returncode and "balance assertion" in done.stderr


def test_an_entry_is_one_transaction_that_says_what_the_ledger_says(estate, folder):
    entries, _, _ = loader.load_file(str(folder / BEANCOUNT))
    told = {one.meta["entry-id"]: one for one in entries if isinstance(one, Transaction)}
    rows = [
        row
        for period in estate.books.closed_periods()
        for row in read_postings(estate.books.ledger(period) / "postings.parquet").to_pylist()
    ]
    assert told.keys() == {row["entry_id"] for row in rows}
    assert sum(len(one.postings) for one in told.values()) == len(rows)
    for row in rows:
        posting = told[row["entry_id"]].postings[row["line"] - 1]
        assert posting.units.number == row["amount"]
        assert Decimal(posting.meta["exact-amount"]) == row["exact_amount"]
        assert posting.meta.get("rule") == row["rule"]
        assert told[row["entry_id"]].meta.get("original-period") == row["original_period"]
    assert any(row["original_period"] for row in rows)


def test_names_are_kept_as_they_are_and_begin_nothing(folder):
    entries, _, _ = loader.load_file(str(folder / BEANCOUNT))
    names = {
        one.account: one.meta["name"]
        for one in entries
        if isinstance(one, Open) and "name" in one.meta
    }
    assert names["Expenses:Shop:CC-1"] == f"{HOSTILE}, Web"


def test_the_same_books_give_the_same_text(estate, folder, tmp_path):
    verb = ["journal", "--books", str(estate.books.root), "--params", str(estate.params)]
    assert command_line.main([*verb, "--to", str(tmp_path)]) == 0
    for name in (BEANCOUNT, HLEDGER):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_books_without_a_closed_period_are_refused(tmp_path, capsys):
    assert command_line.main(["journal", "--books", str(tmp_path)]) == 2
    assert "there is no closed period to export" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


IDS = st.text("aAbB1._-", min_size=1, max_size=4)


@given(st.sets(IDS, max_size=12))
def test_ids_that_differ_have_accounts_that_differ(ids):
    names = readable(ids)
    assert len(set(names.values())) == len(ids)


@given(st.text(max_size=30))
def test_any_text_is_one_string_of_beancount(text):
    entries, errors, _ = loader.load_string(
        f"2026-05-01 open Expenses:A USD\n  name: {beancount_text(text)}\n"
    )
    assert errors == [] and len(entries) == 1
