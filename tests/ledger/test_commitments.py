"""Commitments over their life: what was paid, given back, used and left, and when that stops a close."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.books.checked import checked_manifest
from chargeback.books.closed_period import last_rollups
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.engine import Engine
from chargeback.ledger import commitments
from chargeback.ledger.commitments import COMMITMENT, COSTS, commitment_lives, ended_early
from chargeback.ledger.view import commitment_facts, commitments_table
from tests.reports import line_item
from tests.restatement.months import APRIL, MARCH, MAY, Estate, invoice_id, make_estate, usual

EC2 = "arn:aws:ec2:us-east-1:111122223333:reserved-instances/a"
RDS = "arn:aws:rds:us-east-1:111122223333:ri:b"
REDSHIFT = "arn:aws:redshift:us-east-1:111122223333:reserved-instances/c"
EXCHANGE = "arn:aws:ec2:us-east-1:111122223333:reserved-instance-exchange/riex-d"
PLAN = "arn:aws:savingsplans::111122223333:savingsplan/e"

FEE, USE, MONTHLY, BACK = "Fee", "DiscountedUsage", "RIFee", "Refund"
Row = tuple[str, str, str, str, str]  # period, type, commitment, unblended, amortized
CONTROL = "commitments_tie_out_over_their_life"


def month(number: int) -> str:
    """A month by its number, from 2024-01 on."""
    return f"{2024 + (number - 1) // 12}-{(number - 1) % 12 + 1:02d}"


def lives_of(rows: Iterable[Row], period: str, line_items: int = 10) -> tuple[dict, list[dict]]:
    """What became of each commitment until a period, by ARN, and what the control says of them."""
    engine = Engine(threads=1)
    cells = [
        (of, kind, arn, line_items, Decimal(unblended), Decimal(amortized))
        for of, kind, arn, unblended, amortized in rows
    ]
    engine.register(
        "commitment_costs",
        pa.Table.from_pylist([dict(zip(COSTS.names, one, strict=True)) for one in cells], COSTS),
    )
    lives = engine.query("ledger", "commitment_lives", {"period": period})
    engine.register("commitment_lives", lives)
    faults = engine.query("controls", CONTROL).to_pylist()
    engine.close()
    return {row["commitment_arn"]: row for row in lives.to_pylist()}, faults


def used(arn: str, months: Iterable[int], amount: str) -> list[Row]:
    """The same use in each of some months."""
    return [(month(one), USE, arn, "0", amount) for one in months]


def bought(arn: str, amount: str, in_month: int = 1) -> Row:
    return (month(in_month), FEE, arn, amount, "0")


def standing_of(rows: Iterable[Row], number: int, arn: str) -> tuple[str, Decimal, list[str]]:
    """Standing, what is held, and the reasons of the control, at the close of a month."""
    lives, faults = lives_of(rows, month(number))
    return lives[arn]["standing"], lives[arn]["held_cost"], [one["reason"] for one in faults]


def test_a_year_that_is_used_up_ties_out():
    """1,200.00, of which 100.00 is used in each of twelve months; nothing is left in the thirteenth."""
    rows = [bought(RDS, "1200"), *used(RDS, range(1, 13), "100")]
    assert standing_of(rows[:3], 2, RDS) == ("in force", Decimal(1000), [])
    assert standing_of(rows, 12, RDS) == ("in force", Decimal(0), [])
    assert standing_of(rows, 13, RDS) == ("ended", Decimal(0), [])


def test_a_partial_upfront_year_ties_out():
    """600.00 upfront and 50.00 a month; each month 70.00 is used and 30.00 is left unused."""
    rows = [bought(RDS, "600")]
    for one in range(1, 13):
        rows += [(month(one), MONTHLY, RDS, "50", "30"), (month(one), USE, RDS, "0", "70")]
    lives, faults = lives_of(rows, month(13))
    assert faults == []
    found = lives[RDS]
    assert (found["upfront_cost"], found["recurring_cost"]) == (600, 600)
    assert (found["used_cost"], found["unused_cost"], found["held_cost"]) == (840, 360, 0)


def test_more_use_than_payment_stops():
    rows = [bought(EC2, "300"), *used(EC2, (1, 2), "100"), *used(EC2, (3,), "100.02")]
    assert standing_of(rows, 3, EC2)[2] == ["more was used up than was paid"]
    [fault] = lives_of(rows, month(3))[1]
    assert (fault["paid_cost"], fault["used_up_cost"]) == (Decimal(300), Decimal("300.02"))
    assert fault["difference"] == Decimal("0.02")


def test_aws_s_decimals_are_allowed_for():
    """A cent; and a hundred millionth of a dollar for each line item, which is 0.02 of two million."""
    rows = [bought(RDS, "300"), *used(RDS, (1,), "300.01")]
    assert lives_of(rows, month(1))[1] == []
    rows = [bought(RDS, "300"), *used(RDS, (1,), "300.02")]
    assert len(lives_of(rows, month(1))[1]) == 1
    assert lives_of(rows, month(1), line_items=1_000_000)[1] == []


def test_more_given_back_than_paid_stops():
    rows = [bought(EC2, "300"), (month(2), BACK, EC2, "-300.02", "0")]
    assert standing_of(rows, 2, EC2)[2] == ["more was given back than was paid"]


@pytest.mark.parametrize("arn", [RDS, PLAN])
def test_a_term_that_ends_with_a_rest_stops(arn):
    """90.00 a month of 1,200.00: 120.00 were paid and never charged. It is known a month later."""
    use = "SavingsPlanCoveredUsage" if arn == PLAN else USE
    rows = [bought(arn, "1200"), *((month(one), use, arn, "0", "90") for one in range(1, 13))]
    assert standing_of(rows, 12, arn) == ("in force", Decimal(120), [])
    assert standing_of(rows, 13, arn) == ("ended", Decimal(120), ["it ended and was not used up"])


@pytest.mark.parametrize("arn", [EC2, REDSHIFT])
def test_what_can_be_exchanged_may_end_with_a_rest(arn):
    """Convertible reservations are exchanged just before they end, to be kept up."""
    rows = [bought(arn, "1200"), *used(arn, range(1, 13), "90")]
    assert standing_of(rows, 13, arn) == ("ended early", Decimal(120), [])


@pytest.mark.parametrize("arn", [EC2, RDS, PLAN])
def test_what_ends_early_is_shown_and_stops_nothing(arn):
    """Sold, modified, gone with its account, or refunded a month later than it ended."""
    rows = [bought(arn, "1200"), *used(arn, (1, 2), "100")]
    assert standing_of(rows, 3, arn) == ("ended early", Decimal(1000), [])
    refunded = [*rows, (month(4), BACK, arn, "-1000", "0")]
    assert standing_of(refunded, 4, arn) == ("given back", Decimal(0), [])


def test_a_refund_of_all_leaves_use_with_its_users():
    """1,200.00 given back after 100.00 was used: the unit keeps the 100.00, the holder what AWS gave it."""
    rows = [bought(EC2, "1200"), *used(EC2, (1,), "100"), (month(1), BACK, EC2, "-1200", "0")]
    assert standing_of(rows, 1, EC2) == ("given back", Decimal(-100), [])


def test_an_exchange_is_one_chain():
    """The old one stops with 900.00 left, 90.00 trues up, and the new one uses what it never paid."""
    new = EC2 + "-new"
    rows = [
        bought(EC2, "1200"), *used(EC2, (1, 2, 3), "100"), bought(EXCHANGE, "90", 4),
        *used(new, range(4, 13), "110"),
    ]  # fmt: skip
    lives, faults = lives_of(rows, month(12))
    assert faults == []
    standings = {arn: (one["standing"], one["held_cost"]) for arn, one in lives.items()}
    assert standings == {
        EC2: ("ended early", Decimal(900)), EXCHANGE: ("exchange", Decimal(90)),
        new: ("not prepaid here", Decimal(-990)),
    }  # fmt: skip
    assert sum(held for _, held in standings.values()) == 0


def test_what_was_bought_before_is_listed():
    rows = used(RDS, (1, 2), "100")
    assert standing_of(rows, 2, RDS) == ("not prepaid here", Decimal(-200), [])
    assert standing_of(rows, 9, RDS) == ("not prepaid here", Decimal(-200), [])


def test_a_refund_that_names_a_plan_by_its_id_is_of_that_plan():
    fee = (month(1), "SavingsPlanUpfrontFee", PLAN, "500", "0")
    lives, faults = lives_of([fee, (month(2), BACK, "savingsplan/e", "-500", "0")], month(2))
    assert faults == []
    assert list(lives) == [PLAN]
    assert (lives[PLAN]["standing"], lives[PLAN]["held_cost"]) == ("given back", Decimal(0))


def test_a_rest_is_said_once():
    rows = [bought(EC2, "1200"), *used(EC2, (1, 2), "100")]
    for number, said in ((2, 0), (3, 1), (4, 0)):
        lives, _ = lives_of(rows, month(number))
        table = pa.Table.from_pylist(list(lives.values()))
        assert ended_early(table, month(number)).num_rows == said


# In a close.


def deliver(estate: Estate, period: str, *more: dict[str, Any], total: str) -> None:
    """A month as usual and some line items besides, and its invoice."""
    items = [{"bill_invoice_id": invoice_id(period), **one} for one in more]
    estate.deliver(period, [*usual(period), *items])
    estate.enter(period, total)


def commitment(kind: str, cost: float, effective: float = 0.0, **cells: Any) -> dict[str, Any]:
    """A line item of the RDS reservation; what is used of it is CC-1's."""
    owner = "CC-1" if kind == USE else ""
    return line_item(
        cost, owner, line_item_line_item_type=kind, reservation_reservation_a_r_n=RDS,
        reservation_effective_cost=effective, **cells,
    )  # fmt: skip


@pytest.fixture
def bought_in_march(tmp_path) -> Estate:
    """1,200.00 paid in March, of which CC-1 used 100.00; March is closed."""
    estate = make_estate(tmp_path)
    fee, use = commitment(FEE, 1200.0), commitment(USE, 0.0, 100.0)
    deliver(estate, MARCH, fee, use, total="1330.00")
    estate.close(MARCH)
    return estate


def lives_at(estate: Estate, period: str) -> pa.Table:
    """What a close that was published knew."""
    closing = estate.closing(period)
    closing.folder.mkdir(parents=True, exist_ok=True)
    kept = estate.books.evidence(period) / "rollup.parquet"
    pq.write_table(pq.read_table(kept), closing.path("rollup.parquet"))
    engine = Engine(threads=1)
    lives = commitment_lives(closing, engine)
    engine.close()
    assert lives is not None
    return lives


def test_months_are_added_up(bought_in_march):
    estate = bought_in_march
    deliver(estate, APRIL, commitment(USE, 0.0, 150.0), total="130.00")
    estate.close(APRIL)
    controls = {
        one["control"]: one["broken_by_rows"]
        for one in checked_manifest(estate.books, APRIL)["controls"]
    }
    assert controls[CONTROL] == 0
    lives = lives_at(estate, APRIL)
    [row] = lives.to_pylist()
    assert (row["first_period"], row["last_period"], row["standing"]) == (MARCH, APRIL, "in force")
    assert (row["upfront_cost"], row["used_cost"], row["held_cost"]) == (1200, 250, 950)
    table = commitments_table(lives)
    assert table.loc[0, "held"] == Decimal(950)
    assert commitment_facts(lives).splitlines()[0] == "1 commitments; held of those"
    bound = estate.books.evidence(APRIL) / "bound-sql" / "ledger" / "commitment_lives.sql"
    assert f"'{APRIL}'" in bound.read_text()


def test_a_month_that_uses_more_than_was_paid_is_not_closed(bought_in_march):
    estate = bought_in_march
    deliver(estate, APRIL, commitment(USE, 0.0, 1101.0), total="130.00")
    with pytest.raises(Refusal) as refused:
        estate.close(APRIL)
    assert refused.value.exit_code == CONTROL_FAILED
    block = refused.value.block()
    for words in (CONTROL, RDS, "more was used up than was paid", "1 too much"):
        assert words in block
    assert not estate.books.ledger(APRIL).exists()


def test_what_ends_early_is_said_by_the_close(bought_in_march):
    """Nothing of it in April: 1,100.00 stay with CC-9, and May says no more of it."""
    estate = bought_in_march
    said = "\n".join(estate.close(APRIL))
    assert "1 commitment ended early, 1,100.00 USD of it stay with CC-9" in said
    assert "ended early" not in "\n".join(estate.close(MAY))


def test_a_corrected_month_counts_as_it_was_corrected_last(bought_in_march):
    """March came again with 300.00 used: April's sums have them, in the close that corrects and after it."""
    estate = bought_in_march
    fee, use = commitment(FEE, 1200.0), commitment(USE, 0.0, 300.0)
    deliver(estate, MARCH, fee, use, total="1330.00")
    deliver(estate, APRIL, commitment(USE, 0.0, 901.0), total="130.00")
    with pytest.raises(Refusal, match=CONTROL):
        estate.close(APRIL)
    deliver(estate, APRIL, commitment(USE, 0.0, 900.0), total="130.00")
    estate.close(APRIL, MAY)
    assert estate.corrected(APRIL, MARCH) == {"CC-1": "200.00", "CC-9": "-200.00"}
    [row] = lives_at(estate, MAY).to_pylist()
    assert (row["used_cost"], row["held_cost"]) == (1200, 0)


def test_sums_go_back_to_evidence_that_is_as_it_was_closed(bought_in_march):
    """Of April, whose evidence is gone, nothing is known, nor of what was before it; altered, it stops."""
    estate = bought_in_march
    deliver(estate, APRIL, commitment(USE, 0.0, 100.0), total="130.00")
    estate.close(APRIL)
    deliver(estate, MAY, commitment(USE, 0.0, 7000.0), total="130.00")
    with pytest.raises(Refusal, match=CONTROL):
        estate.close(MAY)
    kept = estate.books.evidence(APRIL) / "rollup.parquet"
    content = kept.read_bytes()
    pq.write_table(pq.read_table(kept).slice(0, 1), kept)
    with pytest.raises(Refusal, match=f"the evidence of {APRIL} has changed since the close"):
        first_periods(estate, MAY)
    kept.unlink()
    assert first_periods(estate, MAY) == [MAY]
    kept.write_bytes(content)
    assert first_periods(estate, MAY) == [MARCH]


def test_sums_go_back_to_a_month_that_is_not_closed(bought_in_march):
    estate = bought_in_march
    deliver(estate, MAY, commitment(USE, 0.0, 7000.0), total="130.00")
    estate.close(MAY)
    [row] = lives_at(estate, MAY).to_pylist()
    assert (row["first_period"], row["standing"]) == (MAY, "not prepaid here")


def test_sums_go_back_to_software_that_told_commitments_apart(bought_in_march, monkeypatch):
    def without_column(books, period):
        for one, rollup in last_rollups(books, period):
            yield one, rollup.drop_columns(COMMITMENT)

    estate = bought_in_march
    deliver(estate, APRIL, commitment(USE, 0.0, 100.0), total="130.00")
    estate.close(APRIL)
    assert [row["first_period"] for row in lives_at(estate, APRIL).to_pylist()] == [MARCH]
    monkeypatch.setattr(commitments, "last_rollups", without_column)
    assert [row["first_period"] for row in lives_at(estate, APRIL).to_pylist()] == [APRIL]


def first_periods(estate: Estate, period: str) -> list[str]:
    """How far back a close that was stopped would look."""
    engine = Engine(threads=1)
    lives = commitment_lives(estate.closing(period), engine)
    engine.close()
    assert lives is not None
    return lives["first_period"].to_pylist()


def test_on_unblended_cost_nothing_is_told(tmp_path):
    policy = (
        'currency = "USD"\ncost_basis = "unblended"\ncost_center_tags = ["user_cost_center"]\n'
        'mandatory_tags = ["user_cost_center"]\ncommitments_cost_center_id = "CC-9"\n'
        'rounding_cost_center_id = "CC-9"\ninvoice_rounding_limit = "1.00"\n'
    )
    estate = make_estate(tmp_path, policy_toml=policy)
    deliver(estate, MARCH, commitment(FEE, 10.0), commitment(USE, 0.0, 99.0), total="140.00")
    estate.close(MARCH)
    assert lives_at(estate, MARCH).num_rows == 0


def test_a_draft_is_not_judged(bought_in_march):
    """AWS writes fees of a month ahead, and what was used up to now."""
    estate = bought_in_march
    deliver(estate, APRIL, commitment(USE, 0.0, 5000.0), total="130.00")
    made = estate.draft(APRIL)
    assert CONTROL not in [one["control"] for one in made.stage_record("ledger")["controls"]]
