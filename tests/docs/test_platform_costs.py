"""What the platform costs a month (docs/platform.md): every sum is worked out again from inputs and prices."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from math import prod

import pytest

from chargeback.core.paths import ROOT
from chargeback.review.drill.loss import LOSSES
from chargeback.sample import write_estate

PAGE = (ROOT / "docs" / "platform.md").read_text("utf-8")
CENT = Decimal("0.01")


def table(name: str) -> list[list[str]]:
    """The rows of a table of the page that stands between two comments."""
    body = PAGE.split(f"<!-- {name} -->\n")[1].split(f"<!-- end of {name} -->")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[2:]]


def numbers(name: str) -> dict[str, Decimal]:
    """The first two columns of a table."""
    return {row[0]: Decimal(row[1]) for row in table(name)}


INPUTS, PRICES = numbers("cost inputs"), numbers("prices")


def product(formula: str) -> Decimal:
    """What a product of names and numbers comes to, in cents."""
    above, _, below = formula.partition("÷")
    factors = [{**INPUTS, **PRICES}[one.strip()] for one in above.split("×")]
    return (prod(factors) / Decimal(below.strip() or 1)).quantize(CENT, ROUND_HALF_UP)


def test_each_cost_is_the_product_of_its_inputs_and_prices():
    for cost, formula, usd in table("costs")[:-1]:
        assert product(formula) == Decimal(usd), cost


def test_the_whole_is_the_sum_of_its_lines():
    *lines, whole = table("costs")
    assert whole[0] == "**all**"
    assert sum(Decimal(row[2]) for row in lines) == Decimal(whole[2])


def test_nothing_is_named_twice_or_for_nothing():
    used = {one.strip() for row in table("costs") for one in re.split("[×÷]", row[1])}
    assert not INPUTS.keys() & PRICES.keys()
    assert (INPUTS.keys() | PRICES.keys()) - used == {"transfer"}  # of the copy, in the text


def test_inputs_are_those_of_the_platform():
    """Tasks as large, keys as many and a cutoff as high as Terraform has them."""
    flow = (ROOT / "infra/modules/flow/variables.tf").read_text("utf-8")
    assert INPUTS["cores of a task"] * 1024 == default(flow, "cpu")
    assert INPUTS["gigabytes of a task"] * 1024 == default(flow, "memory_mib")
    assert INPUTS["gigabytes of disk above 20"] + 20 == default(flow, "disk_gib")
    declared = [
        one for path in ROOT.glob("infra/modules/*/*.tf") if path.parent.name != "portal"  # on its own page
        for one in re.findall(r'^resource "aws_kms_key"', path.read_text("utf-8"), re.MULTILINE)
    ]  # fmt: skip
    assert INPUTS["keys"] == len(declared)


def default(text: str, variable: str) -> Decimal:
    """The default of a variable of Terraform."""
    found = re.search(rf'variable "{variable}" {{.*?default\s+= ([0-9]+)', text, re.DOTALL)
    assert found, variable
    return Decimal(found[1])


def test_the_text_says_what_the_cutoff_and_a_copy_cost():
    cutoff = default((ROOT / "infra/live/query.tf").read_text("utf-8"), "cutoff_bytes")
    most = INPUTS["queries a month"] * cutoff * PRICES["scan"] / 10**12
    assert f"{cutoff:,} bytes" in PAGE
    assert f"at most {most.quantize(CENT)} USD" in PAGE.replace("\n", " ")
    gigabytes = (
        INPUTS["line items"]
        * INPUTS["bytes a line item"]
        * INPUTS["whole deliveries a month"]
        / 10**9
    )
    stored = (gigabytes * INPUTS["months kept"] * PRICES["storage"]).quantize(CENT)
    moved = (gigabytes * PRICES["transfer"]).quantize(CENT)
    assert f"{stored} USD after a year, and {moved} USD a month" in PAGE.replace("\n", " ")


def test_each_loss_that_a_drill_rehearses_is_on_the_page():
    assert [row[0] for row in table("recovery")][:-1] == [one.name for one in LOSSES]


@pytest.mark.slow
def test_bytes_a_line_item_are_those_of_the_sample(tmp_path):
    write_estate(tmp_path, ["2026-05"], 250_000)
    size = sum(one.stat().st_size for one in (tmp_path / "data").rglob("*.parquet"))
    assert f"{size:,} bytes for 250,000" in PAGE
    assert round(size / 250_000) == INPUTS["bytes a line item"]
