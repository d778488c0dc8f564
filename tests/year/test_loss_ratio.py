"""Charges by type of expense, from the close to the year: December without a declaration, January with one.

charged in                 CC-1    CC-2    CC-9
2026-12, undeclared       70.00   40.00   20.00
2027-01                   70.00   40.00   20.00   CC-1: 50, 25, 25; others administration
2027-01 about 2026-12      2.00    2.00    2.00   CC-1: all of it claims; others administration
"""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.books.evidence import missing_evidence
from chargeback.books.verify import verified_period
from chargeback.cli import main
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.ledger.medical_loss_ratio import kept_splits
from chargeback.review.audit.loss_ratio_recount import check_loss_ratio
from chargeback.review.year.files import CHARGES
from chargeback.review.year.gather import gather
from chargeback.review.year.loss_ratio_rows import FILE, read_back, split_differences
from chargeback.review.year.page import PAGE
from tests.made_once import made_once
from tests.reports import line_item
from tests.restatement.months import Estate
from tests.year.conftest import DECEMBER, JANUARY, estate_of, invoice_of, items
from tests.year.test_year import Figures, rows_of

HEADER = (
    "cost_center_id,valid_from,valid_to,claims,quality_improvement,administration,basis,reference,entered_by,"
    "approved_by,approved_on\n"
)
DECISION = "study,MLR-1,Ann,Bob,2026-01-20\n"
ONLY_CC_1 = (
    f"CC-1,2026-12,2026-12,100,0,0,{DECISION}"
    f'CC-1,2027-01,,50,25,25,"=1+1, by visits",{DECISION.removeprefix("study,")}'
)
EVERYBODY = f"*,2026-12,,0,0,100,{DECISION}"


def close_both(folder: Path) -> Estate:
    """The estate above."""
    estate = estate_of(folder, {})
    estate.close(DECEMBER)
    support = line_item(6.0, line_item_product_code="AWSSupportBusiness")
    estate.deliver(DECEMBER, items(DECEMBER, support), execution="e-2")
    estate.enter(DECEMBER, "136.00", invoice_of(DECEMBER))
    estate.write(medical_loss_ratio_csv=HEADER + ONLY_CC_1 + EVERYBODY)
    estate.close(JANUARY)
    return estate


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """The estate; nobody changes it."""
    return Estate(made_once(tmp_path_factory, "declared-year", close_both), {}, {})


def test_the_close_keeps_what_it_split(declared):
    books = declared.books
    assert kept_splits(books, DECEMBER) is None
    rows = kept_splits(books, JANUARY)
    assert rows is not None and sum(one.amount for one in rows) == Decimal("136.00")
    said = [
        (one.original_period, one.cost_center_id, one.category, str(one.amount), one.declared_for)
        for one in rows
        if one.amount
    ]
    assert said == [
        ("", "CC-9", "administration", "20.00", "*"), ("", "CC-1", "claims", "35.00", "CC-1"),
        ("", "CC-1", "quality_improvement", "17.50", "CC-1"), ("", "CC-1", "administration", "17.50", "CC-1"),
        ("", "CC-2", "administration", "40.00", "*"), (DECEMBER, "CC-9", "administration", "2.00", "*"),
        (DECEMBER, "CC-1", "claims", "2.00", "CC-1"), (DECEMBER, "CC-2", "administration", "2.00", "*"),
    ]  # fmt: skip
    assert {one.basis for one in rows if one.percent == 50} == {"=1+1, by visits"}


def test_the_manifest_names_the_file_and_verify_misses_it(declared, tmp_path):
    estate = Estate(shutil.copytree(declared.folder, tmp_path / "copy"), {}, {})
    found = verified_period(estate.books, JANUARY)
    assert f"evidence/{FILE}" in found.manifest["derived"]
    controls = [one["control"] for one in found.manifest["controls"]]
    assert "medical_loss_ratio_splits_tie_to_ledger" in controls
    assert "medical_loss_ratio_splits_tie_to_ledger" not in [
        one["control"] for one in verified_period(estate.books, DECEMBER).manifest["controls"]
    ]
    without = json.loads(json.dumps(found.manifest))
    del without["derived"][f"evidence/{FILE}"]
    assert missing_evidence(without) == [*missing_evidence(found.manifest), f"evidence/{FILE}"]
    path = estate.books.evidence(JANUARY) / FILE
    path.write_bytes(path.read_bytes().replace(b"35.00", b"35.01"))
    changed = verified_period(estate.books, JANUARY)
    assert [one.path for one in changed.findings if FILE in one.path] != []
    with pytest.raises(Refusal):
        kept_splits(estate.books, JANUARY)


def test_the_audit_splits_it_again_and_names_what_differs(declared, tmp_path):
    estate = Estate(shutil.copytree(declared.folder, tmp_path / "copy"), {}, {})
    ledger, evidence = estate.books.ledger(JANUARY), estate.books.evidence(JANUARY)
    check = check_loss_ratio(ledger, evidence, JANUARY)
    assert check is not None and check.verdict == "passed"
    assert check.compared == "18 parts of 136.00, each with its declaration"
    assert (
        check_loss_ratio(estate.books.ledger(DECEMBER), estate.books.evidence(DECEMBER), DECEMBER)
        is None
    )
    path = evidence / FILE
    kept = path.read_text()
    for old, new, told in (
        ("35.00", "35.01", "35.01 instead of 35.00; difference +0.01"),
        ("CC-1,2027-01", "CC-1,2027-02", "valid_from: 2027-02 instead of 2027-01"),
        ("by visits", "by hand", "by hand"),
        (",MLR-1,Ann,Bob,", ",MLR-1,Ann,Eve,", "approved_by: Eve instead of Bob"),
    ):
        path.write_text(kept.replace(old, new))
        check = check_loss_ratio(ledger, evidence, JANUARY)
        assert check is not None and check.verdict == "failed"
        assert told in "\n".join(one.line for one in check.differences), old
    path.write_text("\n".join(kept.splitlines()[:-1]) + "\n")
    check = check_loss_ratio(ledger, evidence, JANUARY)
    assert check is not None and "nothing instead of a row" in check.differences[0].line
    path.unlink()
    check = check_loss_ratio(ledger, evidence, JANUARY)
    assert check is not None and check.verdict == "failed"


@pytest.mark.parametrize(
    ("register", "period", "charged"), [(ONLY_CC_1, "2027-01", "40.00"), ("", "2027-01", "70.00")]
)
def test_a_charge_without_a_declaration_stops_the_close_by_name(
    tmp_path, register, period, charged
):
    estate = estate_of(tmp_path, {})
    estate.write(medical_loss_ratio_csv=HEADER + register)
    with pytest.raises(Refusal) as raised:
        estate.close(JANUARY)
    block = raised.value.block()
    assert raised.value.exit_code == CONTROL_FAILED
    assert "every_charge_has_its_medical_loss_ratio_split; nothing was published" in block
    assert f"period {period}, charged_cost {charged}" in block
    assert "add a row of medical_loss_ratio.csv" in block
    assert estate.books.closed_periods() == []
    estate.write(medical_loss_ratio_csv=HEADER + register + EVERYBODY)
    estate.close(JANUARY)
    assert estate.books.closed_periods() == [JANUARY]


def test_a_month_that_is_closed_again_stays_as_it_was_split(declared, tmp_path):
    estate = Estate(shutil.copytree(declared.folder, tmp_path / "copy"), {}, {})
    path = estate.books.evidence(JANUARY) / FILE
    kept = path.read_bytes()
    (estate.params / FILE).write_text(HEADER + EVERYBODY)
    said = estate.close(JANUARY)
    assert "2027-01 is already closed, and identical" in said[-1]
    assert (
        "  medical_loss_ratio.csv splits it in another way now; it stays as it was closed" in said
    )
    assert path.read_bytes() == kept


def test_a_month_that_was_closed_before_anything_was_declared_asks_for_nothing(tmp_path):
    estate = estate_of(tmp_path, {})
    estate.close(JANUARY)
    estate.write(medical_loss_ratio_csv=HEADER + f"*,2027-02,,0,0,100,{DECISION}")
    said = estate.close(JANUARY)
    assert "2027-01 is already closed, and identical" in said[-1]
    assert kept_splits(estate.books, JANUARY) is None


def test_a_register_that_is_taken_away_leaves_no_split(tmp_path):
    """A close that stopped after its ledger, and goes on without the file, keeps nothing of it."""
    estate = estate_of(tmp_path, {})
    estate.write(medical_loss_ratio_csv=HEADER + EVERYBODY)
    work = estate.draft(JANUARY)
    assert work.path(FILE).is_file()
    (estate.params / FILE).unlink()
    estate.files.pop("medical_loss_ratio_csv")
    estate.close(JANUARY)
    assert kept_splits(estate.books, JANUARY) is None


def test_the_year_has_it_by_month_unit_and_as_corrected(declared, tmp_path):
    to = tmp_path / "year"
    for _ in range(2):  # what an earlier run left is replaced
        assert (
            main(["year", "2026..2027", "--books", str(declared.books.root), "--to", str(to)]) == 0
        )
    text = (to / PAGE).read_text("utf-8")
    assert text.count("For the medical loss ratio") == 1, "2026 charged nothing that was split"
    assert "Closed without a declaration, and in no sum" not in text.split("<h2")[0]
    figures = Figures(text).found
    split = {key: amount for (section, key), amount in figures.items() if section == "split"}
    assert split == {
        JANUARY: 136, "2027 charged": 136, "2027 others": -6, "2027 about": 130, "2027 shop": 114,
        "2027 core": 22, "2027 all": 136,
    }  # fmt: skip
    assert figures["split-claims", "2027 charged"] == 37
    assert figures["split-claims", "2027 about"] == 35
    assert figures["split-quality_improvement", "2027 about"] == Decimal("17.50")
    assert figures["split-administration", "2027 about"] == Decimal("77.50")
    rows = rows_of(to / FILE)
    assert sum(Decimal(one["amount"]) for one in rows) == 136
    assert {one["basis"] for one in rows if one["percent"] == "50"} == {"'=1+1, by visits"}


def test_a_year_that_is_not_what_was_charged_is_not_published(declared, tmp_path):
    gathered = gather(declared.books, ["2027"])
    assert (
        list(split_differences(gathered.splits, gathered.charges, gathered.splits[JANUARY])) == []
    )
    [first, *rest] = gathered.splits[JANUARY]
    less = [first._replace(amount=first.amount - 1), *rest]
    [(what, charged, split)] = split_differences(gathered.splits, gathered.charges, less)
    assert what == "split of CC-9 in 2027-01" and charged - split == 1
    assert len(list(split_differences(gathered.splits, gathered.charges, []))) == 6


def test_a_year_without_any_declaration_says_nothing_of_it(declared, tmp_path):
    to = tmp_path / "year"
    assert main(["year", "2026", "--books", str(declared.books.root), "--to", str(to)]) == 0
    assert "medical loss ratio" not in (to / PAGE).read_text("utf-8")
    assert (to / CHARGES).is_file()
    # January's correction of it was split; of the year's own months nothing was.
    assert read_back(to / FILE) == [
        one for one in kept_splits(declared.books, JANUARY) or () if one.original_period
    ]
