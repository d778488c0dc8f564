"""Is a unit's statement a function of its own rows and of what everybody may know? Proved by changing all
else.

Comes in: the period's inputs and the statements that were extracted from them. Goes out: what in a
statement is not the same when it is extracted again from inputs in which everything that belongs to other
units alone is another: their names, ids, accounts and reasons are placeholders, and their amounts and
weights are moved among them. What stays is what a statement may show: the totals of pools, of invoices and of
all units together that are printed, which are the same for all units. Those that finance keeps are others too
(`kept_totals`).

Whatever depends on another unit is found like this, however it looks: nothing is searched for in any text.

Half of the units are the others at a time, so that each pair of units is apart in one of the rounds: with
40 units there are twelve rounds, not 40.

Known drawbacks: what a pool's totals let a recipient work out is not asked here. Why a total changed is
explained elsewhere (`bridge`), from books that are not among the inputs; here it is only asked whether the
accounts that it names are the unit's.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.counted import Counted
from chargeback.ledger.budgets import budgeted_centers
from chargeback.params import Params
from chargeback.statements.accounts import accounts_of_units, values_by_unit
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.extract.published import Published
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.kept_totals import with_other_kept_totals
from chargeback.statements.model import Statement

#: What others' ledger lines are summed by: all that a total could be made of.
_GRAIN = (
    "business_unit_id", "cost_center_id", "kind", "pool_id", "allocation_key", "weight", "invoice_id",
    "original_period",
)  # fmt: skip
_MOVED = Decimal("1.11")
_PLACEHOLDER = "~"

Row = dict[str, Any]


class Dependence(NamedTuple):
    """A value of a unit's statement that others have a part in.

    Args:
        place: where it stands in the statement, such as `pools[0].name`.
        shown: what the statement says there.
    """

    business_unit_id: str
    place: str
    shown: str


def dependences(
    inputs: StatementInputs, published: Published, statements: Mapping[str, Statement]
) -> list[Dependence]:
    """What in some statement depends on another unit; nothing when every one is its unit's alone.

    Args:
        published: the totals that the statements show.
    """
    found: dict[Dependence, None] = {}
    for kept in rounds(sorted(statements)):
        found |= dict.fromkeys(dependences_of(inputs, published, statements, kept))
    found |= dict.fromkeys(foreign_details(inputs))
    return list(found)


def dependences_of(
    inputs: StatementInputs,
    published: Published,
    statements: Mapping[str, Statement],
    kept: Set[str],
) -> Iterator[Dependence]:
    """What in the statements of some units is not the same when all others are others."""
    others = with_other_kept_totals(without_others(inputs, kept), published)
    again = extract_units(others, read_charges(others, published), kept)
    for unit_id in sorted(kept):
        for place, shown in differences(statements[unit_id], again[unit_id]):
            yield Dependence(unit_id, place, shown)


def rounds(unit_ids: Sequence[str]) -> Iterator[frozenset[str]]:
    """Sets of units such that of any two, each is in one without the other."""
    for bit in range(max(1, (len(unit_ids) - 1).bit_length())):
        for side in (0, 1):
            kept = frozenset(
                one for number, one in enumerate(unit_ids) if number >> bit & 1 == side
            )
            if kept:
                yield kept


def differences(one: Any, other: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Where two values of a statement are not the same.

    A figure that one of them withholds says nothing, so it is none.
    """
    if one == other or (isinstance(one, Decimal) and other is None) or one is None:
        return
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        for field in dataclasses.fields(one):
            at = f"{place}.{field.name}" if place else field.name
            yield from differences(getattr(one, field.name), getattr(other, field.name), at)
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from differences(mine, theirs, f"{place}[{number}]")
    else:
        yield place, str(one)


def without_others(inputs: StatementInputs, kept: Set[str]) -> StatementInputs:
    """The inputs with everything that belongs to no unit of `kept` replaced."""
    own = _Own(inputs, kept)
    return dataclasses.replace(
        inputs,
        postings=pa.concat_tables(
            [_rows_of(inputs.postings, kept), _of_nobody(inputs.postings), own.others()]
        ),
        history={period: _rows_of(postings, kept) for period, postings in inputs.history.items()},
        owned_costs=own.owned_costs(),
        params=own.params(),
        product_names=own.product_names(),
        metrics=own.metrics(),
    )


def _rows_of(postings: pa.Table, units: Iterable[str]) -> pa.Table:
    mine = pc.is_in(postings["business_unit_id"], pa.array(sorted(units), pa.string()))
    return postings.filter(mine)


def _of_nobody(postings: pa.Table) -> pa.Table:
    """Lines that charge no cost center: what is owed, and what pools gave to each other."""
    return postings.filter(pc.is_null(postings["cost_center_id"]))


class _Own:
    """What belongs to some units, and placeholders for all else."""

    def __init__(self, inputs: StatementInputs, kept: Set[str]) -> None:
        self.inputs, self.kept = inputs, kept
        ledgers = [inputs.postings, *inputs.history.values()]
        mine = [_rows_of(postings, kept) for postings in ledgers]
        centers = inputs.params.cost_centers.items()
        self.centers = {key for key, one in centers if one.business_unit_id in kept}
        self.centers |= _values(mine, "cost_center_id")
        self.centers |= budgeted_centers(inputs.params.budgets, kept)
        self.accounts = _values(mine, "account_id")
        accounts = accounts_of_units(inputs.params, inputs.owned_costs)
        self.accounts |= {one for unit_id in kept for one in accounts.get(unit_id, ())}
        self.products = _values(mine, "product_code")
        self.rules = {rule.partition(":")[2] for rule in _values(mine, "rule")}
        self.places: dict[tuple[str, str], str] = {}

    def unit(self, unit_id: str) -> str:
        """A unit's id, or a placeholder."""
        return unit_id if unit_id in self.kept else self._placeholder("unit", unit_id)

    def center(self, cost_center_id: str) -> str:
        """A cost center's id, or a placeholder."""
        is_own = cost_center_id in self.centers
        return cost_center_id if is_own else self._placeholder("center", cost_center_id)

    def _placeholder(self, what: str, of: str) -> str:
        return self.places.setdefault((what, of), f"{_PLACEHOLDER}{what}-{len(self.places)}")

    def others(self) -> pa.Table:
        """The others' lines, summed, under placeholders, with their amounts and weights moved among them."""
        postings = self.inputs.postings
        charged = pc.is_valid(postings["cost_center_id"])
        mine = pc.is_in(postings["business_unit_id"], pa.array(sorted(self.kept), pa.string()))
        theirs = postings.filter(pc.and_(charged, pc.invert(mine)))
        sums = theirs.group_by(list(_GRAIN), use_threads=False).aggregate([("amount", "sum")])
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in sums.to_pylist():
            groups[row["kind"], row["pool_id"]].append(row)
        for rows in groups.values():
            _move(rows)
        lines = [self._line(row, postings.schema) for rows in groups.values() for row in rows]
        return pa.Table.from_pylist(lines, schema=postings.schema)

    def _line(self, row: Row, schema: pa.Schema) -> Row:
        line: Row = dict.fromkeys(schema.names)
        line |= {name: row[name] for name in _GRAIN}
        return line | {
            "entry_id": "/".join([_PLACEHOLDER] * 4),
            "line": 0,
            "business_unit_id": self.unit(row["business_unit_id"]),
            "cost_center_id": self.center(row["cost_center_id"]),
            "ledger_account": _PLACEHOLDER,
            "account_id": _PLACEHOLDER,
            "product_code": _PLACEHOLDER,
            "rule": _PLACEHOLDER,
            "amount": row["amount_sum"],
            "exact_amount": row["amount_sum"],
        }

    def owned_costs(self) -> pa.Table:
        """What was in the accounts of these units, whoever owns it; the others' accounts had nothing."""
        owned = self.inputs.owned_costs
        owned = owned.filter(
            pc.is_in(owned["account_id"], pa.array(sorted(self.accounts), pa.string()))
        )
        owners = [
            one if one is None else self.center(one) for one in owned["cost_center_id"].to_pylist()
        ]
        at = owned.schema.get_field_index("cost_center_id")
        return owned.set_column(at, owned.schema.field(at), pa.array(owners, pa.string()))

    def product_names(self) -> dict[str, str]:
        """What products are called: a seller's words for what these units pay for or have in their accounts."""
        products = self.products | _values([self.owned_costs()], "product_code")
        names = self.inputs.product_names
        return {code: name if code in products else _PLACEHOLDER for code, name in names.items()}

    def params(self) -> Params:
        """The registers with placeholders where they speak of others."""
        params = self.inputs.params
        return dataclasses.replace(
            params,
            business_units={
                self.unit(key): one
                if key in self.kept
                else _replaced(one, business_unit_id=self.unit(key))
                for key, one in params.business_units.items()
            },
            cost_centers={
                self.center(key): dataclasses.replace(
                    one if key in self.centers else _replaced(one, cost_center_id=self.center(key)),
                    business_unit_id=self.unit(one.business_unit_id),
                )
                for key, one in params.cost_centers.items()
            },
            accounts=dict(self._account(key, one) for key, one in params.accounts.items()),
            adjustments=tuple(self._adjustment(one) for one in params.adjustments),
            ownership=tuple(
                one if one.rule_id in self.rules else _replaced(one, rule_id=one.rule_id)
                for one in params.ownership
            ),
            pools=tuple(self._pool(one) for one in params.pools),
            budgets=tuple(self._budget(one) for one in params.budgets),
        )

    def metrics(self) -> tuple[Counted, ...]:
        """A quantity is of its unit; of all others it is another one, of something else."""
        return tuple(map(self._counted, self.inputs.metrics))

    def _counted(self, counted: Counted) -> Counted:
        count = counted.count
        if count.business_unit_id in self.kept:
            return counted
        other = _replaced(
            count,
            billing_period=count.billing_period,
            business_unit_id=self.unit(count.business_unit_id),
            cost_center_id=count.cost_center_id and self.center(count.cost_center_id),
            quantity=count.quantity + _MOVED,
            as_of=count.as_of,
        )
        return Counted(other, _replaced(counted.name))

    def _account(self, key: str, account: Any) -> tuple[str, Any]:
        default = account.default_cost_center_id
        owner = self.center(default) if default else default
        if key in self.accounts:
            return key, dataclasses.replace(account, default_cost_center_id=owner)
        place = self._placeholder("account", key)
        # Who sends invoices is everybody's.
        kept = {"default_cost_center_id": owner, "provider": account.provider}
        return place, _replaced(account, account_id=place, **kept)

    def _adjustment(self, one: Any) -> Any:
        """Both sides of an adjustment may know why; for all others it is another reason for another amount."""
        if {one.from_cost_center_id, one.to_cost_center_id} & self.centers:
            return dataclasses.replace(
                one,
                from_cost_center_id=self.center(one.from_cost_center_id),
                to_cost_center_id=self.center(one.to_cost_center_id),
            )
        return _replaced(
            one,
            from_cost_center_id=self.center(one.from_cost_center_id),
            to_cost_center_id=self.center(one.to_cost_center_id),
            reference=one.reference,
        )

    def _budget(self, planned: Any) -> Any:
        """A budget is of those who have its cost center in some month; of all others it is another."""
        own = planned.cost_center_id in self.centers
        months = (
            dataclasses.replace(
                one,
                business_unit_id=self.unit(one.business_unit_id),
                amount=one.amount if own or one.amount is None else one.amount + _MOVED,
            )
            for one in planned.months
        )
        if own:
            return dataclasses.replace(planned, months=tuple(months))
        return _replaced(
            planned,
            cost_center_id=self.center(planned.cost_center_id),
            amount=None
            if planned.amount is None
            else planned.amount + _MOVED * len(planned.months),
            months=tuple(months),
            approved_by=(_PLACEHOLDER,),
        )

    def _pool(self, pool: Any) -> Any:
        """A pool is everybody's; who takes part in it is named in it."""
        taking = {
            name: tuple(map(self._named, getattr(pool, name))) for name in ("recipients", "except_")
        }
        return dataclasses.replace(pool, **taking)

    def _named(self, recipient: str) -> str:
        params = self.inputs.params
        if recipient in params.cost_centers:
            return self.center(recipient)
        return self.unit(recipient) if recipient in params.business_units else recipient


def _replaced(one: Any, **known: Any) -> Any:
    """A row of the params with a placeholder for each text that is not given."""
    texts = {
        field.name: _PLACEHOLDER
        for field in dataclasses.fields(one)
        if isinstance(getattr(one, field.name), str) and not field.name.startswith("valid_")
    }
    return dataclasses.replace(one, **(texts | known))


def _move(rows: list[Row]) -> None:
    """Move amounts, and half of a weight, from one half of some lines to the other; all of them change."""
    rows.sort(key=lambda row: row["business_unit_id"])
    for number, (first, second) in enumerate(_pairs(rows), start=1):
        first["amount_sum"] += number * _MOVED
        second["amount_sum"] -= number * _MOVED
    weights = {row["cost_center_id"]: row["weight"] for row in rows}
    if None in weights.values():
        return
    for one, other in _pairs(list(weights)):
        half = (weights[other] / 2).quantize(weights[other])
        weights[one] += half
        weights[other] -= half
    for row in rows:
        row["weight"] = weights[row["cost_center_id"]]


def _pairs(ordered: list[Any]) -> list[tuple[Any, Any]]:
    """Each with one of the other half, so that two of one unit meet where there is no other way."""
    middle = (len(ordered) + 1) // 2
    pairs = list(zip(ordered, ordered[middle:], strict=False))
    if len(ordered) > 2 and len(ordered) % 2:
        pairs.append((ordered[middle - 1], ordered[-1]))
    return pairs


def _values(tables: Iterable[pa.Table], column: str) -> set[str]:
    return {one for table in tables for one in table[column].unique().to_pylist() if one}


def foreign_details(inputs: StatementInputs) -> Iterator[Dependence]:
    """Accounts that the parts of a change name and that are not the unit's, in this period or earlier."""
    charged = values_by_unit([inputs.postings, *inputs.history.values()], "account_id")
    of_units = accounts_of_units(inputs.params, inputs.owned_costs)
    for unit_id, bridge in inputs.bridges.items():
        own = charged.get(unit_id, set()) | of_units.get(unit_id, set())
        for part in bridge.parts:
            for detail in part.details:
                if detail.account_id and detail.account_id not in own:
                    yield Dependence(unit_id, f"change.{part.code}", detail.account_id)
