"""The worked examples of docs/method/: one line item on its way to a statement, and why Claims Operations was
charged more in May 2026 than in April.

    python -m tests.docs.change_example

derives both months of the sample and writes the examples' tables into their pages, after the sample, its params
or a formula changed on purpose. The words around them are written by hand; read them again afterwards.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.money import exact_amount
from chargeback.core.paths import PARAMS, ROOT
from chargeback.ledger.derive import derive_postings
from chargeback.review.explore.opened import CLOSED, Opened
from chargeback.review.trace import Origin, line_items_behind, postings_of_line
from chargeback.review.untagged import IN_OWN_ACCOUNTS, side_by_side
from chargeback.sample import LAST_FINAL_PERIOD, PERIODS, write_estate
from chargeback.sources.freeze import freeze_sources
from chargeback.statements.bridge import Bridge, Month, closed_month, explain_change
from chargeback.statements.bridge.charged import Leaf
from chargeback.statements.bridge.direct import Held, Key, held_by, holdings
from chargeback.statements.bridge.mixed import states
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.stage import kept_pools
from tests.notebooks.workplace import lay_out_books

METHOD = ROOT / "docs" / "method"
CHANGE = METHOD / "why-a-total-changed.md"

#: Which page has which table.
PAGES = {
    "dollar": METHOD / "README.md", "change": CHANGE, "rule": CHANGE, "usage": CHANGE, "pool": CHANGE,
    "isolation": METHOD / "statements.md", "others": METHOD / "statements.md",
    "untagged": METHOD / "allocation.md",
}  # fmt: skip
MONTHS = [period for period in PERIODS if period <= LAST_FINAL_PERIOD][-2:]
UNIT, POOL, BEGUN = "claims", "aws-support", "container-platform"
LINE, POSTING = "claims/210984736615/AmazonRDS", "direct/2252790164/CC-1002:30"
KEY = Key("210984736615", "AmazonEC2", "RunInstances", "BoxUsage:m6i.8xlarge", "")

#: The order in which the parts are found.
STEPS = {
    "owners": "1, 3", "rules": "2", "tags": "3", "new": "4", "ended": "4", "usage": "5",
    "price": "5", "fees": "6", "pools": "7", "weight": "7", "commitment": "8", "adjustment": "8",
    "correction": "8", "rounding": "8", "cents": "9",
}  # fmt: skip


def derive_months(folder: Path) -> list[Month]:
    """April and May of the sample as a close without configuration makes them."""
    write_estate(folder / "cur", MONTHS)
    books = Books(folder / "books")
    for period in MONTHS:
        work = books.work(period)
        work.mkdir(parents=True)
        derive(WorkFolder(period, folder / "cur", PARAMS, books, work))
        lay_out_books(books, period, PARAMS)
    return closed_months(books)


def closed_months(books: Books) -> list[Month]:
    """April and May of books in which the sample's months are closed."""
    return [closed_month(books, period) for period in MONTHS]


def tables(april: Month, may: Month, report: Path) -> dict[str, list[str]]:
    """The tables of the examples by name, as lines of Markdown."""
    bridges = explain_change(april, may, kept_pools(printed(may)))
    return {
        "dollar": list(dollar_rows(may, report)),
        "change": list(change_rows(bridges[UNIT])),
        "rule": list(rule_rows(bridges, may)),
        "usage": list(usage_rows(april, may)),
        "pool": list(pool_rows(april, may)),
        "isolation": list(isolation_rows(may)),
        "others": list(others_rows(may)),
        "untagged": list(untagged_rows(may)),
    }


def printed(may: Month) -> StatementInputs:
    """What statements are made from, as far as it decides which totals they print."""
    return StatementInputs(
        may.period, may.params.policy.currency, False, may.postings, may.owned_costs,
        history={}, invoices=[], params=may.params, digests={},
    )  # fmt: skip


def isolation_rows(may: Month) -> Iterator[str]:
    """The weights of two pools that differ by one unit."""
    assert kept_pools(printed(may)) == {"untagged", "company-subscriptions"}
    rows = may.postings.to_pylist()
    found = []
    yield "| the totals of two pools | USD |"
    yield "| --- | ---: |"
    for pool_id, name in (("tax", "Sales tax"), ("untagged", "Untagged and untaggable")):
        weights = {
            row["cost_center_id"]: row["weight"]
            for row in rows
            if row["kind"] == "allocated" and row["pool_id"] == pool_id and row["cost_center_id"]
        }
        found.append(sum(weights.values()).quantize(Decimal("0.01")))
        yield f"| all weights of {name} | {found[-1]:,} |"
    spent = [
        row for row in rows if (row["business_unit_id"], row["kind"]) == ("platform", "direct")
    ]
    assert found[0] - found[1] == total(spent)
    yield f"| the difference, direct cost of Cloud Platform | {total(spent):,} |"


def others_rows(may: Month) -> Iterator[str]:
    """What a unit can work out of one pool's total weight."""
    taxed = {
        row["cost_center_id"]: (row["business_unit_id"], row["weight"])
        for row in may.postings.to_pylist()
        if row["kind"] == "allocated" and row["pool_id"] == "tax" and row["cost_center_id"]
    }
    every = sum(weight for _, weight in taxed.values()).quantize(Decimal("0.01"))
    own = sum(weight for unit, weight in taxed.values() if unit == UNIT).quantize(Decimal("0.01"))
    yield "| what Claims Operations sees of Sales tax | USD |"
    yield "| --- | ---: |"
    yield f"| all weights | {every:,} |"
    yield f"| its own weight, its direct cost | {own:,} |"
    yield f"| so what all others together spend directly | {every - own:,} |"


def untagged_rows(may: Month) -> Iterator[str]:
    """What each unit puts into the untagged pool, and what it pays by two keys and between other payers."""
    opened = Opened(Origin(may.period, may.params, None, may.owned_costs, may.postings), CLOSED)  # type: ignore[arg-type]
    found = side_by_side(opened)
    proposed = paid_of_untagged(may, key=IN_OWN_ACCOUNTS)
    everybody = paid_of_untagged(may, key=IN_OWN_ACCOUNTS, except_=())
    yield "| | put in | pays by direct cost | would pay by the key | and with Cloud Platform taking part |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    nothing = Decimal("0.00")
    for one in found.units:
        by_key, by_all = (paid.get(one.business_unit_id, nothing) for paid in (proposed, everybody))
        yield f"| {one.name} | {one.put_in:,} | {one.paid:,} | {by_key:,} | {by_all:,} |"
    assert not found.elsewhere
    sums = [
        sum(one.put_in for one in found.units), sum(one.paid for one in found.units),
        sum(proposed.values()), sum(everybody.values()),
    ]  # fmt: skip
    yield f"| together | {' | '.join(f'{one:,}' for one in sums)} |"


def paid_of_untagged(may: Month, **rule: Any) -> dict[str, Decimal]:
    """What units would pay of the untagged pool if its rule were another one."""
    pools = tuple(
        replace(one, **rule) if one.pool_id == "untagged" else one for one in may.params.pools
    )
    paid: dict[str, Decimal] = {}
    for row in derive_postings(may.rollup, replace(may.params, pools=pools)).postings.to_pylist():
        if row["kind"] == "allocated" and row["pool_id"] == "untagged" and row["cost_center_id"]:
            unit_id = row["business_unit_id"]
            paid[unit_id] = paid.get(unit_id, Decimal(0)) + row["amount"]
    return paid


def dollar_rows(may: Month, report: Path) -> Iterator[str]:
    """The largest line item of a posting, and what it was summed into, up to the statement."""
    record = freeze_sources(report, may.period)
    origin = Origin(may.period, may.params, record, may.owned_costs, may.postings)
    [row] = postings_of_line(may.postings, may.period, POSTING).rows
    items = line_items_behind(origin, [row], report)
    every, [item] = list(items.all()), items.largest(1)
    items.engine.close()
    of_resource = [one for one in every if one["resource_id"] == item["resource_id"]]
    named = postings_of_line(may.postings, may.period, LINE).rows
    mine = [one for one in may.postings.to_pylist() if one["business_unit_id"] == UNIT]
    place = f"{Path(item['source_file']).name}, row {item['source_row']:,}"
    yield "| the way of a line item | USD |"
    yield "| --- | ---: |"
    yield f"| {place}: {item['usage_type']} | {item['amount']:,} |"
    resource = item["resource_id"].rpartition(":")[2]
    yield f"| {resource}, {len(of_resource):,} line items | {total(of_resource):,} |"
    yield f"| {row['rule']}, {len(every):,} line items of Amazon RDS, Usage | {row['exact_amount']:,} |"
    yield f"| the posting {POSTING}, in cents | {row['amount']:,} |"
    yield f"| the line Amazon RDS in claims-prod, {len(named)} postings | {total(named):,} |"
    yield f"| direct cost of Claims Operations | {total([one for one in mine if one['kind'] == 'direct']):,} |"
    yield f"| the statement of Claims Operations | {total(mine):,} |"


def total(rows: Iterable[dict[str, Any]]) -> Decimal:
    """The sum of amounts."""
    return sum((row["amount"] for row in rows), Decimal(0))


def change_rows(bridge: Bridge) -> Iterator[str]:
    """The parts that are not nothing, in the order of the statement."""
    yield "| Claims Operations | USD | step |"
    yield "| --- | ---: | ---: |"
    yield f"| April 2026 | {bridge.before:,} | |"
    for part in (part for part in bridge.parts if part.amount):
        yield f"| {part.label} | {part.amount:+,} | {STEPS[part.code]} |"
    yield f"| May 2026 | {bridge.after:,} | |"


def rule_rows(bridges: dict[str, Bridge], may: Month) -> Iterator[str]:
    """What a pool that began is worth to each unit, with what it takes from whom had its cost."""
    amounts = {
        unit_id: detail.amount
        for unit_id, bridge in bridges.items()
        for part in bridge.parts
        for detail in part.details
        if (part.code, detail.pool_id) == ("rules", BEGUN)
    }
    paid = [one for one in may.postings.to_pylist() if one["pool_id"] == BEGUN]
    assert amounts[UNIT] == total(
        [one for one in paid if (one["business_unit_id"], one["kind"]) == (UNIT, "allocated")]
    )
    yield "| Container platform, which begins in May 2026 | USD |"
    yield "| --- | ---: |"
    for unit_id, amount in sorted(amounts.items(), key=lambda one: one[1]):
        yield f"| {may.params.business_units[unit_id].name} | {amount:+,} |"
    passed_on = -sum(amounts.values())
    yield f"| AWS Support for the cluster | {passed_on:+,} |"


def usage_rows(april: Month, may: Month) -> Iterator[str]:
    """One key, taken apart into usage and unit price."""
    found = states(april, may)
    sides = (
        (found.owned_costs, found.with_rules.unit_of),
        (found.later_owned_costs, found.earlier_rules.unit_of),
    )
    old, new = (held_by(holdings(owned, units)[KEY], UNIT) for owned, units in sides)
    usage = exact_amount(nearest(new.quantity - old.quantity, old))
    yield "| m6i.8xlarge in claims-prod | hours | USD |"
    yield "| --- | ---: | ---: |"
    for month, held in (("April 2026", old), ("May 2026", new)):
        yield f"| {month} | {exact_amount(held.quantity):,} | {exact_amount(held.cost):,} |"
    hours = exact_amount(new.quantity - old.quantity)
    yield f"| usage: more hours x April's cost ÷ April's hours | {hours:+,} | {usage:+,} |"
    price = exact_amount(new.cost - old.cost) - usage
    yield f"| unit price: the rest | | {price:+,} |"


def nearest(quantity: int, old: Held) -> int:
    """A quantity at the price before, written differently from the code under test."""
    doubled = 2 * quantity * old.cost // old.quantity
    return (doubled + 1) // 2


def pool_rows(april: Month, may: Month) -> Iterator[str]:
    """One pool, taken apart into growth and weight."""
    leaf = Leaf("allocated", POOL)
    found = states(april, may)
    base, now = found.with_rules, found.earlier_rules
    whole, part = base.pools[POOL], base.leaves[UNIT][leaf]
    new_whole, new_part = now.pools[POOL], now.leaves[UNIT][leaf]
    growth = nearest(new_whole - whole, Held(whole, part))
    yield "| AWS Support | the pool | Claims Operations |"
    yield "| --- | ---: | ---: |"
    yield f"| April 2026 with the owners of May | {exact_amount(whole):,} | {exact_amount(part):,} |"
    yield f"| May 2026 under the rules of April | {exact_amount(new_whole):,} | {exact_amount(new_part):,} |"
    more = exact_amount(new_whole - whole)
    yield f"| grew: more x April's part ÷ April's pool | {more:+,} | {exact_amount(growth):+,} |"
    weight = exact_amount(new_part - part - growth)
    yield f"| your weight: the rest | | {weight:+,} |"


BLOCK = re.compile(r"<!-- example: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)


def block(name: str, rows: list[str]) -> str:
    """A table between its marks, as the page holds it."""
    return "\n".join([f"<!-- example: {name} -->", *rows, "<!-- end -->"])


def main() -> int:
    """Write the tables into their pages."""
    with tempfile.TemporaryDirectory(prefix="chargeback-example-") as folder:
        made = tables(*derive_months(Path(folder)), Path(folder) / "cur")
    for path in sorted(set(PAGES.values())):
        page = path.read_text(encoding="utf-8")
        path.write_text(BLOCK.sub(lambda one: block(one[1], made[one[1]]), page), encoding="utf-8")
    print(f"wrote {', '.join(made)} into {METHOD.relative_to(ROOT)}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
