"""Grouped first: sums over line items, written so that once a group is worked out what else is once a line.

In: a statement that groups a table, and the statement that the table is a view of, both bound. Out: one
statement for DuckDB that answers the same rows. The texts of sql/ stay the only place where anything is said;
what is sent to Trino or Athena, and what evidence keeps, are they as they stand.

1. The view's columns become expressions of the tables that it reads itself.
2. What groups are made by at last is `coalesce` or `nullif` of a column or of an entry of a map: then lines are
   grouped by that column or entry as it is. Everything else that reads nothing but such columns is worked out
   of them afterwards, once a group: pods, fees of a day to come, and which formula a cost is of.
3. Any other key (a commitment, an ownership rule) is worked out line by line as before.
4. An exact amount is summed in whole units of 1e-10, which 64 bits hold, where both products that doubles.py
   scales a double by round to the same unit; the few others apart, by their text as ever.
5. A sum of cases that are told by the group is made of the sums of its amounts. What is summed anyway is not
   summed again: amortized cost is unblended cost, but for the lines that have another formula, and no line
   evaluates a formula that it did not evaluate before.

What always holds: sums, counts, `max` and `bool_or` of parts make up those of the whole, exactly; memory is
that of groups, a few times those of the answer at most. A statement of any other shape is left alone: None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import cast

import sqlglot
from sqlglot import exp

from chargeback.engine.doubles import EXACT, LESS, MORE, is_exact_double
from chargeback.engine.shapes import (
    Columns,
    OtherShape,
    flattened,
    is_import,
    keys_of,
    need,
    outermost,
    put_in,
    select_of,
    source_of,
    steps_of,
)

#: A double x scaled to units of 1e-10, by slightly less and by slightly more: null where that is no bigint.
BELOW, ABOVE = (f"try_cast(x * {factor!r}e0 as bigint)" for factor in (LESS, MORE))

#: Whether a double that is a number is more than nothing as an exact amount: half a unit rounds up.
IS_SOMETHING = "abs(x) >= 5e-11"

#: A sum of units as the exact amount that it is.
FROM_UNITS = (
    "cast(cast(x as decimal(38, 0)) * cast('0.0000000001' as decimal(10, 10)) as decimal(38, 10))"
)

#: The steps that are put in front of those of the statement.
LINES, GROUPS = "lines_looked_at", "lines_grouped"

#: What a group's own value can be taken of, and put together from again.
TOGETHER = {exp.Max: exp.Max, exp.Min: exp.Min, exp.LogicalOr: exp.LogicalOr, exp.CountIf: exp.Sum}


def grouped_first(statement: exp.Expr, name: str, view: exp.Expr) -> exp.Expr | None:
    """A statement that groups the rows of a view, written so that it groups what the view reads.

    Args:
        name: of the view, which the statement imports in its first step and groups in its second.
        view: the statement that it is; neither of the two is changed.

    Returns:
        None where the two have another shape.
    """
    try:
        return written_anew(statement.copy(), name, view.copy())
    except OtherShape:
        return None


def written_anew(statement: exp.Expr, name: str, view: exp.Expr) -> exp.Expr:
    """As `grouped_first`, of copies."""
    steps = steps_of(statement)
    need(len(steps) > 1 and [one.alias for one in steps].count(name) == 1)
    imported, grouping = steps[0], select_of(steps[1].this, {"group"})
    need(imported.alias == name == source_of(grouping) and not grouping.args.get("joins"))
    need(source_of(select_of(imported.this)) == name)
    need([one.name for one in statement.find_all(exp.Table)].count(name) == 2)
    base, known = flattened(view)
    lines = {one.alias_or_name: put_in(one, known) for one in imported.this.expressions}
    grouped = Grouped(lines, keys_of(grouping))
    for aggregate in sorted(outermost(grouping), key=grouped.is_of_others):
        aggregate.replace(grouped.together(aggregate))
    looked_at = grouped.looked_at(base)
    imports = [one.copy() for one in steps_of(view) if is_import(one)]
    looked_at.set("with_", exp.With(expressions=imports))
    statement.args["with_"].set("expressions", [
        step(LINES, looked_at), step(GROUPS, grouped.sums()), step(name, grouped.answers()), *steps[1:],
    ])  # fmt: skip
    return statement


def step(name: str, select: exp.Expr) -> exp.CTE:
    """A select as a step."""
    return exp.CTE(this=select, alias=exp.TableAlias(this=exp.to_identifier(name)))


def is_zero(value: exp.Expr) -> bool:
    """Whether an expression is the number 0."""
    return isinstance(value, exp.Literal) and not value.is_string and value.this == "0"


def told_by_doubles(value: exp.Expr, summed: Collection[exp.Expr]) -> exp.Expr:
    """An expression of a line, where amounts that are summed anyway are told from nothing by their doubles."""
    whole = exp.Paren(this=value.copy())
    for one in list(whole.find_all(exp.NEQ)):
        if one.this.unnest() in summed and is_zero(one.expression):
            one.replace(written(IS_SOMETHING, one.this.unnest().this))
    return whole.this.unnest()


def written(text: str, value: exp.Expr) -> exp.Expr:
    """A text of DuckDB about x, with a value in the place of x."""
    whole = exp.Paren(this=sqlglot.parse_one(text, read="duckdb"))
    for column in list(whole.find_all(exp.Column)):
        column.replace(value.copy())
    return whole.this


def named(expressions: Iterable[tuple[exp.Expr, str]]) -> list[exp.Expr]:
    """Expressions under their names."""
    return [exp.alias_(one.copy(), name) for one, name in expressions]


def is_entry(expression: exp.Expr) -> bool:
    """Whether an expression is a column, or an entry of a map that is one."""
    if isinstance(expression, exp.Bracket):
        keys = expression.expressions
        return isinstance(expression.this, exp.Column) and all(
            isinstance(one, exp.Literal) for one in keys
        )
    return isinstance(expression, exp.Column)


def entry_of(key: exp.Expr) -> exp.Expr | None:
    """The column or entry that a key is, but for what stands for an empty one."""
    key = key.unnest()
    if isinstance(key, exp.Coalesce) and all(
        isinstance(one, exp.Literal) for one in key.expressions
    ):
        return entry_of(key.this)
    if isinstance(key, exp.Nullif) and isinstance(key.expression, exp.Literal):
        return entry_of(key.this)
    return key if is_entry(key) else None


@dataclass
class Grouped:
    """Lines that are grouped: by what, what is summed of them, and what is made of that.

    Args:
        lines: the columns that the statement imports, as expressions of what the view reads.
        keys: those that it groups by.
    """

    lines: Columns
    keys: list[str]
    #: What lines are grouped by: an expression -> its name.
    by: dict[exp.Expr, str] = field(default_factory=dict)
    #: What is looked at in a line besides, and what is taken of a group's, each expression with its name.
    looked: dict[exp.Expr, str] = field(default_factory=dict)
    taken: dict[exp.Expr, str] = field(default_factory=dict)
    #: What the statement reads of a group: its keys, and then parts of its aggregates.
    answered: dict[str, exp.Expr] = field(default_factory=dict)
    #: The exact amounts that are summed of all lines.
    summed: list[exp.Expr] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = {name: self.lines[name] for name in self.keys}
        for key in found.values():
            entry = entry_of(key)
            if entry is not None:
                self.by.setdefault(entry, f"by_{len(self.by) + 1}")
        for key in found.values():
            if self.of_group(key) is None:
                self.by.setdefault(key, f"by_{len(self.by) + 1}")
        self.answered = {name: self.told(key) for name, key in found.items()}

    def of_group(self, expression: exp.Expr) -> exp.Expr | None:
        """An expression of a line as one of its group; None where the group does not tell it."""
        whole = exp.Paren(this=expression.copy())
        waiting: list[exp.Expr] = [whole.this]
        while waiting:
            one = waiting.pop()
            if one in self.by:
                one.replace(exp.column(self.by[one]))
            elif isinstance(one, (exp.Column, exp.AggFunc, exp.Query)):
                return None
            else:
                waiting += one.iter_expressions()
        return whole.this

    def told(self, expression: exp.Expr) -> exp.Expr:
        """What a group tells; it must."""
        found = self.of_group(expression)
        need(found is not None)
        return cast(exp.Expr, found)

    def of_line(self, expression: exp.Expr) -> exp.Expr:
        """What is looked at in a line, as the groups read it."""
        name = self.by.get(expression) or self.looked.setdefault(
            expression, f"of_{len(self.looked) + 1}"
        )
        return exp.column(name)

    def take(self, aggregate: exp.Expr) -> exp.Expr:
        """An aggregate of a group's lines, as the answers read it."""
        return exp.column(self.taken.setdefault(aggregate, f"its_{len(self.taken) + 1}"))

    def answer(self, expression: exp.Expr) -> exp.Expr:
        """A part of an aggregate, as the statement reads it."""
        for name, one in self.answered.items():
            if one == expression and name not in self.keys:
                return exp.column(name)
        name = f"part_{len(self.answered) + 1}"
        self.answered[name] = expression
        return exp.column(name)

    def is_of_others(self, aggregate: exp.AggFunc) -> bool:
        """Whether an aggregate may be made of what others sum, which therefore go first."""
        is_sum = isinstance(aggregate, exp.Sum)
        return not is_sum or bool(put_in(aggregate.this, self.lines).find(exp.Case))

    def together(self, aggregate: exp.AggFunc) -> exp.Expr:
        """An aggregate of lines, as one of groups."""
        if isinstance(aggregate, exp.Count):
            need(isinstance(aggregate.this, exp.Star))
            return exp.cast(exp.Sum(this=self.answer(self.take(aggregate.copy()))), "bigint")
        if isinstance(aggregate, exp.Sum):
            return exp.Sum(this=self.answer(self.sum_of(put_in(aggregate.this, self.lines))))
        kind = type(aggregate)
        need(
            kind in TOGETHER
            and not isinstance(aggregate.this, exp.Distinct)
            and not aggregate.expressions
        )
        value = put_in(aggregate.this, self.lines)
        told = None if kind is exp.CountIf else self.of_group(value)
        part = told if told is not None else self.take(kind(this=self.of_line(value)))
        return TOGETHER[kind](this=self.answer(part))

    def sum_of(self, value: exp.Expr) -> exp.Expr:
        """The sum of a group's values, null where there is none, made of what is taken of the group."""
        value = value.unnest()
        if is_zero(value):
            return value.copy()
        if is_exact_double(value):
            return self.exact_sum(value)
        if (
            isinstance(value, exp.Coalesce)
            and [one for one in value.expressions if is_zero(one)] == value.expressions
        ):
            return exp.Coalesce(this=self.sum_of(value.this), expressions=value.expressions)
        if isinstance(value, exp.Case):
            return self.sum_of_cases(value)
        return self.take(exp.Sum(this=self.of_line(value)))

    def exact_sum(self, value: exp.Expr) -> exp.Expr:
        """The sum of doubles cast to exact amounts: in units, and of those that need it by their text."""
        self.summed.append(value)
        below, above = (self.of_line(written(one, value.this)) for one in (BELOW, ABOVE))
        double = self.of_line(value.this.this)
        is_sure = exp.EQ(this=below, expression=above)
        by_text = exp.Cast(this=exp.cast(double.copy(), "double"), to=EXACT.copy())
        is_there = exp.Not(this=exp.Is(this=double, expression=exp.null()))
        units = exp.Case().when(is_sure, below)
        rest = exp.Case().when(is_sure, exp.null()).when(is_there, by_text)
        in_units = written(FROM_UNITS, self.take(exp.Sum(this=units)))
        others = self.take(exp.Sum(this=rest))
        both = exp.Add(this=in_units.copy(), expression=others.copy())
        return exp.Coalesce(this=both, expressions=[in_units, others])

    def sum_of_cases(self, value: exp.Case) -> exp.Expr:
        """The sum of cases that the group tells: of each case what is summed anyway, or its own lines' sum."""
        conditions = [one.this for one in value.args["ifs"]]
        if value.this or any(self.of_group(one) is None for one in conditions):
            return self.take(exp.Sum(this=self.of_line(value)))
        default = value.args.get("default")
        values = [
            *(one.args["true"].unnest() for one in value.args["ifs"]),
            default.unnest() if default else exp.null(),
        ]
        own = [
            not (is_zero(one) or isinstance(one, exp.Null) or self.is_summed(one)) for one in values
        ]
        summed: exp.Expr = exp.null()
        if any(own):
            last = max(number for number, is_own in enumerate(own) if is_own) + 1
            lines = exp.Case()
            for condition, one, is_own in list(zip(conditions, values, own, strict=False))[:last]:
                lines = lines.when(
                    condition.copy(), one.copy() if is_own else exp.null(), copy=False
                )
            if last == len(values):
                lines.set("default", values[-1].copy())
            summed = self.take(exp.Sum(this=self.of_line(lines)))
        made = exp.Case()
        parts = [
            summed.copy()
            if is_own
            else self.sum_of(one)
            if not isinstance(one, exp.Null)
            else one.copy()
            for one, is_own in zip(values, own, strict=True)
        ]
        for condition, part in zip(conditions, parts, strict=False):
            made = made.when(self.told(condition), part, copy=False)
        made.set("default", parts[-1])
        return made

    def is_summed(self, value: exp.Expr) -> bool:
        """Whether a value is one that the statement sums for all lines."""
        return value in self.summed

    def looked_at(self, base: exp.Select) -> exp.Select:
        """The step that looks at lines, from what the view reads."""
        select = exp.Select()
        pairs = (*self.by.items(), *self.looked.items())
        select.set(
            "expressions", named((told_by_doubles(one, self.summed), name) for one, name in pairs)
        )
        select.set("from_", base.args["from_"].copy())
        select.set("joins", [one.copy() for one in base.args.get("joins") or []])
        return select

    def sums(self) -> exp.Select:
        """The step that groups them."""
        by = [exp.column(name) for name in self.by.values()]
        select = exp.Select()
        select.set("expressions", [*by, *named(self.taken.items())])
        return select.from_(LINES, copy=False).group_by(*by)

    def answers(self) -> exp.Select:
        """The step that the statement reads: keys and parts of aggregates, as they are of a group."""
        select = exp.Select()
        select.set("expressions", named((one, name) for name, one in self.answered.items()))
        return select.from_(GROUPS, copy=False)
