"""Names, ids and amounts that occur in another unit's statement by chance are no leaks, and leaks of them are.

A company may number its cost centers (4711, 100, 1), call a unit "Total" or "2026" and a pool "Support
1,234.56", and two of its units may be charged the same.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chargeback.core.money import shown
from chargeback.ledger.invoices import InvoiceTie
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.readback import known_ids, pdf_figures
from tests.statements.estate import (
    PERIOD,
    Account,
    BusinessUnit,
    CostCenter,
    Params,
    Pool,
    emptied,
    estate,
    owned,
    posting,
    table,
)
from tests.statements.rendered import ALL_HOLD, MEDIA, OWN, Rendered, rendered_once

#: unit -> its name, its cost centers with their names, and what each has of its own.
UNITS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "total": ("Total", {"4711": ("Storage", "4711.20"), "0": ("AWS", "0.00")}),
    "storage": ("Storage", {"100": ("Shared cost", "1000.12")}),
    "2026": ("2026", {"2026": ("May 2026", "2026.00"), "20": ("Total", "-100.00")}),
    "1": ("A", {"1": ("1", "1.00")}),
    "aws": ("AWS", {"45": ("Direct cost", "1000.12")}),
    "1,000.12": ("1,000.12", {"33": ("1,000.12", "33.33")}),
}

#: Pools: id, name, and what each cost center pays of it.
POOLS = (
    ("support", "Support 1,234.56", "10.00"),
    ("aws-support", "Support", "20.00"),
    ("t", "AWS Support", "30.00"),
    ("2", "Network 2", "-5.00"),
)


def company() -> Params:
    """The registers; each unit's first cost center has the account that its costs are in."""
    centers, accounts = {}, {}
    for number, (unit_id, (name, own)) in enumerate(UNITS.items(), start=1):
        for center_id, (center, _) in own.items():
            centers[center_id] = CostCenter(center_id, center, unit_id)
        account_id = f"{number:012d}"
        accounts[account_id] = Account(account_id, name, "team", next(iter(own)))
    return Params(
        business_units={key: BusinessUnit(key, name) for key, (name, _) in UNITS.items()},
        cost_centers=centers,
        accounts=accounts,
        pools=tuple(Pool(pool_id, name, "even") for pool_id, name, _ in POOLS),
    )


def ledger(params: Params) -> list[dict[str, Any]]:
    """Direct cost and equal parts of each pool; a credit gives unit `2026` what another unit has in all."""
    rows: list[dict[str, Any]] = []

    def charge(center: CostCenter, amount: str, **more: Any) -> None:
        rows.append(
            posting(
                entry_id=f"{PERIOD}/{more['kind']}/INV/{center.cost_center_id}",
                line=len(rows) + 1,
                billing_period=PERIOD,
                ledger_account=f"cost-center:{center.cost_center_id}",
                business_unit_id=center.business_unit_id,
                cost_center_id=center.cost_center_id,
                invoice_id="INV",
                amount=Decimal(amount),
                **more,
            )
        )

    of_unit = {
        params.cost_centers[one.default_cost_center_id].business_unit_id: one.account_id
        for one in params.accounts.values()
        if one.default_cost_center_id
    }
    for center in params.cost_centers.values():
        account = of_unit[center.business_unit_id]
        own = UNITS[center.business_unit_id][1][center.cost_center_id][1]
        more = {"product_code": "AmazonS3", "line_item_type": "Usage", "account_id": account}
        charge(center, own, kind="direct", rule="tag:user_cost_center", **more)
    for pool_id, _, part in POOLS:
        more = {"pool_id": pool_id, "rule": f"pool:{pool_id}", "allocation_key": "even"}
        for center in params.cost_centers.values():
            exact = Decimal(part)
            charge(center, part, kind="allocated", weight=Decimal(1), exact_amount=exact, **more)
    return rows


def totals() -> dict[str, Decimal]:
    """What each unit is charged, by hand: 55.00 of pools for each of its cost centers, and its own."""
    return {
        "total": Decimal("4821.20"),
        "storage": Decimal("1055.12"),
        "2026": Decimal("2036.00"),
        "1": Decimal("56.00"),
        "aws": Decimal("1055.12"),  # the same as storage
        "1,000.12": Decimal("88.33"),
    }


def made_by_chance() -> StatementInputs:
    """A first month; its invoices come to what `total` is charged, and to what all others are."""
    params = company()
    rows = ledger(params)
    charged = sum((row["amount"] for row in rows), Decimal(0))
    assert charged == sum(totals().values()) == Decimal("9111.77")
    mine = totals()["total"]
    ties = [
        InvoiceTie(f"INV-{number}", "Storage", amount, amount, Decimal("0.00"))
        for number, amount in enumerate((mine, charged - mine))
    ]
    return replace(
        estate(periods=()),
        params=params,
        postings=table([*rows, *emptied(rows)]),
        owned_costs=owned(params, ("4,711", "100 %")),
        invoices=ties,
        restated=[],
    )


@pytest.fixture(scope="session")
def chance(tmp_path_factory) -> Rendered:
    return rendered_once(tmp_path_factory, "chance", made_by_chance)


@pytest.fixture
def altered_chance(chance, tmp_path) -> Rendered:
    return chance.copy(tmp_path / "altered")


def found(rendered: Rendered) -> set[tuple[str, str, str]]:
    """Whose file, in which medium, what."""
    return {
        (row["business_unit_id"], row["medium"], row["leaked_what"])
        for row in rendered.broken()[OWN]
    }


def test_what_occurs_by_chance_is_no_leak_and_every_figure_is_read(chance):
    """ "4711" is in 4,711.20, "100" in every percentage, "Storage" is a service and an issuer."""
    page = chance.file("storage", "html").read_text(encoding="utf-8")
    for text in ("Total", "2026", "AWS", "1,000.12", "4,821.20", shown(totals()["aws"])):
        assert text in page, "not there by chance any more"
    assert chance.broken() == ALL_HOLD


def test_pools_are_told_apart_in_the_pdf_whatever_they_are_called(chance):
    """By the whole id: "support" ends "aws-support", "t" ends both, and names end in amounts."""
    ids = known_ids(chance.inputs)
    figures = {
        (section, key): amount
        for section, key, amount in pdf_figures(chance.file("total", "pdf"), ids)
    }
    assert {key: amount for (section, key), amount in figures.items() if section == "pool"} == {
        "support": Decimal("20.00"), "aws-support": Decimal("40.00"), "t": Decimal("60.00"),
        "2": Decimal("-10.00"),
    }  # fmt: skip
    assert figures["cost_center", "4711"] == Decimal("4766.20")
    assert figures["cost_center", "0"] == Decimal("55.00")
    assert figures["kind", "direct"] == Decimal("4711.20")
    assert figures["total", "total"] == Decimal("4821.20")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("4711", "cost center id of total"),
        ("0", "cost center id of total"),
        ("45", "cost center id of aws"),
        ("A", "name of 1"),
        ("2,036.00", "total of 2026"),
    ],
)
def test_an_id_that_is_a_number_is_found_where_it_is_a_leak(altered_chance, text, what):
    """In a paragraph, in a comment, in a row, in a cell of the CSV and in the PDF."""
    altered_chance.edit(
        "storage", "html",
        ("</main>", f"<p>{text}</p></main>"),
    )  # fmt: skip
    altered_chance.edit("1", "html", ("</main>", f"<!-- {text} --></main>"))
    altered_chance.edit(
        "1,000.12", "html", ("</tbody>", f"<tr><td>{text}</td><td>7.00</td></tr></tbody>")
    )
    altered_chance.edit("storage", "csv", ("tag:user_cost_center", f'"{text}"'))
    altered_chance.set_pdf(
        "storage",
        ('#statement-paragraph("All', f'#statement-paragraph("{text}")\n#statement-paragraph("All'),
    )
    whose = what.rpartition(" ")[2]
    expected = {("storage", medium, what) for medium in MEDIA}
    expected |= {("1", "html", what), ("1,000.12", "html", what)}
    assert found(altered_chance) == {one for one in expected if one[0] != whose}


@pytest.mark.parametrize("text", ["4,711", "14711", "4711.20", "4711-1", "100%x", "a", "Totals"])
def test_look_alikes_are_no_leaks(altered_chance, text):
    altered_chance.edit("storage", "html", ("</main>", f"<p>{text}</p></main>"))
    assert altered_chance.broken()[OWN] == []


def test_a_figure_that_is_its_own_and_anothers_is_no_leak(altered_chance):
    """Two units are charged 1,055.12; each may say so in whatever words."""
    altered_chance.edit("storage", "html", ("</main>", "<p>We pay 1,055.12.</p></main>"))
    assert altered_chance.broken()[OWN] == []


@pytest.mark.parametrize("medium", MEDIA)
def test_the_file_of_a_unit_that_is_charged_the_same_is_no_file_of_another(altered_chance, medium):
    """The total ties out; the page is another unit's all the same."""
    altered_chance.file("aws", medium).write_bytes(
        altered_chance.file("storage", medium).read_bytes()
    )
    rows = altered_chance.broken()[OWN]
    assert {(row["business_unit_id"], row["medium"]) for row in rows} == {("aws", medium)}
    assert "cost center id of storage" in {row["leaked_what"] for row in rows}
