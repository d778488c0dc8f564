"""Charges by any dimension: they sum to the statements, name what they do not know, and refuse the rest."""

from __future__ import annotations

import shutil
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from chargeback.books.tables import read_postings, statement_total
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.core.paths import PARAMS
from chargeback.params import read_params
from chargeback.review import explore
from chargeback.review.explore import charges as of_charges
from chargeback.review.explore.charges import ROUNDING_TO_CENTS
from chargeback.review.explore.dimensions import KNOWN, REPORT
from tests.explore.conftest import MONTHS

pytestmark = pytest.mark.slow

DEEP = [one.name for one in KNOWN if one.known != "ledger"]
EVERY = [one.name for one in KNOWN] + ["tag:user_environment"]


def posted(books, period: str) -> Decimal:
    """What a period's statements come to, by its ledger or its draft."""
    folder = (
        books.ledger(period)
        if period in books.closed_periods()
        else books.draft(period) / "evidence"
    )
    return statement_total(read_postings(folder / "postings.parquet"))


@pytest.mark.parametrize("shared", ["payer", "pool"])
@pytest.mark.parametrize("dimension", EVERY)
def test_every_month_s_rows_sum_to_its_statements(books, dimension, shared):
    charges = explore.charges_by(dimension, shared=shared)
    assert charges.periods == list(MONTHS)
    sums = charges.frame.groupby("period")["amount"].agg(lambda amounts: sum(amounts, Decimal(0)))
    assert {period: posted(books, period) for period in MONTHS} == dict(sums)
    assert charges.charged == dict(sums)
    assert charges.frame[dimension].notna().all()


def test_drafts_are_marked_and_closed_months_are_not(books):
    frame = explore.charges_by("service").frame
    found = frame.groupby("period")["status"].unique().map(list).to_dict()
    assert found == {"2026-04": ["closed"], "2026-05": ["closed"], "2026-06": ["PROVISIONAL"]}


def test_names_stand_beside_ids_and_floats_beside_exact_amounts(books):
    frame = explore.charges_by("account", periods="2026-05").frame
    params = read_params(PARAMS, "2026-05")
    for row in frame.to_dict("records"):
        assert row["business_unit"] == params.business_units[row["business_unit_id"]].name
        assert row["cost_center"].startswith(row["cost_center_id"] + " ")
        assert row["cost_center"].endswith(params.cost_centers[row["cost_center_id"]].name)
        if row["account_id"]:
            assert (
                row["account"] == f"{params.accounts[row['account_id']].name} ({row['account_id']})"
            )
        assert isinstance(row["amount"], Decimal) and row["amount_float"] == float(row["amount"])
    assert "Amazon EC2" in set(frame["service"])


@pytest.mark.parametrize("dimension", [*DEEP, "tag:user_environment"])
def test_a_unit_s_total_is_the_same_however_finely_it_is_looked_at(books, dimension):
    coarse = explore.charges_by("business_unit", periods="2026-05", only="claims")
    fine = explore.charges_by(dimension, periods="2026-05", only="claims")
    assert sum(fine.frame["amount"], Decimal(0)) == sum(coarse.frame["amount"], Decimal(0))
    rounding = fine.frame[fine.frame[dimension] == ROUNDING_TO_CENTS]
    assert sum(rounding["amount"].map(abs), Decimal(0)) < Decimal("0.01") * max(1, len(rounding))


def test_what_a_pool_is_of_is_shown_where_it_arose(books):
    owned = pq.read_table(books.evidence("2026-05") / "owned_costs.parquet")
    frame = explore.charges_by("usage_type", periods="2026-05", shared="pool").frame
    found = frame[frame["pool_id"] == "aws-support"]
    cost = pc.sum(owned.filter(pc.equal(owned["pool_id"], "aws-support"))["charged_cost"]).as_py()
    exact = found[found["usage_type"] != ROUNDING_TO_CENTS]
    assert sum(exact["amount"], Decimal(0)) == cost
    assert set(found["business_unit"]) == {"Pool: AWS Support"}


def test_days_and_tags_are_those_of_the_report(books, estate):
    [file] = [
        pq.read_table(path)
        for path in sorted((estate / "cur").rglob("*.parquet"))
        if "2026-05" in str(path) and pq.read_metadata(path).num_rows
    ][:1]
    assert file.num_rows
    frame = explore.charges_by("day", "region", periods="2026-05", shared="pool").frame
    days = {one for one in frame["day"] if not one.startswith("(")}
    assert days == {f"2026-05-{day:02d}" for day in range(1, 32)}
    regions = {one for one in pc.unique(file["product_region_code"]).to_pylist() if one}
    assert regions <= set(frame["region"])


def test_only_takes_a_unit_or_a_cost_center_by_id_or_name(books):
    by_id = explore.charges_by("service", periods="2026-05", only="claims").frame
    by_name = explore.charges_by("service", periods="2026-05", only="Claims Operations").frame
    assert by_id.equals(by_name) and set(by_id["business_unit_id"]) == {"claims"}
    center = explore.charges_by("service", periods="2026-05", only="CC-1002").frame
    assert set(center["cost_center_id"]) == {"CC-1002"}


@pytest.mark.parametrize(
    ("dimensions", "options", "words"),
    [
        (("services",), {}, "this is not a dimension to look at spend by"),
        (("tag:",), {}, "this is not a dimension to look at spend by"),
        (("service",), {"periods": "2026-03"}, "there is no such period in these books"),
        (("service",), {"only": "nobody"}, "there is no such business unit or cost center"),
        (("service",), {"shared": "both"}, "shared cost cannot be shown like this"),
        (("day", "region", "usage_type"), {}, "so many dimensions of the report at once"),
    ],
)
def test_what_is_not_known_is_refused_and_named(books, dimensions, options, words):
    with pytest.raises(Refusal) as refused:
        explore.charges_by(*dimensions, **options)
    assert refused.value.exit_code == BAD_USAGE
    assert words in refused.value.what


def test_a_misspelt_dimension_is_told_which_one_was_meant(books):
    with pytest.raises(Refusal) as refused:
        explore.charges_by("acount")
    assert "did you mean 'account'?" in refused.value.block()


def test_another_delivery_is_refused(books, estate, tmp_path):
    shutil.copytree(estate / "cur", tmp_path / "cur")
    file = max((tmp_path / "cur").rglob("*2026-05/*.parquet"), key=lambda one: one.stat().st_size)
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(Refusal) as refused:
        explore.charges_by("region", periods="2026-05", report=str(tmp_path / "cur"))
    assert refused.value.exit_code == UNREACHABLE


def test_line_items_that_do_not_sum_to_what_was_owned_are_refused(books, monkeypatch):
    """As if a formula had changed since the close: each line item costs a little more."""

    def dearer(table: pa.Table) -> dict[str, Decimal]:
        sums = real(table)
        return {
            owner: amount + (0 if "rollup_id" in table.column_names else 1)
            for owner, amount in sums.items()
        }

    real = of_charges.owned_sums
    monkeypatch.setattr(of_charges, "owned_sums", dearer)
    with pytest.raises(Refusal) as refused:
        explore.charges_by("day", periods="2026-05")
    assert refused.value.exit_code == CONTROL_FAILED


def test_a_draft_of_an_earlier_version_is_told_apart(books, estate, tmp_path, monkeypatch):
    shutil.copytree(books.root, tmp_path / "books")
    shutil.rmtree(tmp_path / "books" / "drafts" / "billing_period=2026-06" / "evidence")
    with pytest.raises(Refusal) as refused:
        explore.charges_by("service", books=str(tmp_path / "books"))
    assert "make draft PERIOD=2026-06" in refused.value.block()


def test_which_dimensions_need_the_report_is_known():
    assert {one.name for one in KNOWN if one.known == REPORT} == {"region", "day"}
