"""Shapes: a statement that is a chain of named selects, looked into; any other is left alone.

In: a parsed statement. Out: its steps, what the first of them reads, and its columns as expressions of that.
What is not of this shape raises OtherShape, so that whoever asks takes the statement as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from sqlglot import exp

Columns = Mapping[str, exp.Expr]

#: What a select may say besides, of a statement that is looked into.
PLAIN = {"expressions", "from_", "with_", "joins", "kind", "hint"}


class OtherShape(Exception):
    """The statement is not one that this knows."""


def need(is_so: bool) -> None:
    """Leave a statement alone that is not as it has to be."""
    if not is_so:
        raise OtherShape


def steps_of(statement: exp.Expr) -> list[exp.CTE]:
    """The steps of a statement, in order."""
    with_ = statement.args.get("with_")
    need(not (with_ and with_.args.get("recursive")))
    return list(with_.expressions) if with_ else []


def select_of(statement: exp.Expr, besides: frozenset[str] | set[str] = frozenset()) -> exp.Select:
    """A statement that is a select and says nothing but what it reads, and these parts."""
    need(isinstance(statement, exp.Select))
    said = {name for name, value in statement.args.items() if value}
    need(said <= PLAIN | besides and not statement.args.get("hint"))
    return cast(exp.Select, statement)


def source_of(select: exp.Select) -> str:
    """The table that a select reads first."""
    source = select.args.get("from_")
    need(bool(source) and isinstance(source.this, exp.Table) and not source.this.alias)  # type: ignore[union-attr]
    return str(source.this.name)  # type: ignore[union-attr]


def is_import(one: exp.CTE) -> bool:
    """Whether a step reads a table of its own name, from outside."""
    return [table.name for table in one.this.find_all(exp.Table)] == [one.alias]


def flattened(view: exp.Expr) -> tuple[exp.Select, dict[str, exp.Expr]]:
    """What a chain of selects reads, and its columns as expressions of that.

    Returns:
        the first step after the imports, which may join; the columns of the last, by name.
    """
    steps = {one.alias: one for one in steps_of(view)}
    last = select_of(view)
    need(last.is_star and len(last.expressions) == 1 and not last.args.get("joins"))
    chain = [source_of(last)]
    while True:
        need(chain[-1] in steps and not is_import(steps[chain[-1]]))
        select = select_of(steps[chain[-1]].this)
        before = source_of(select)
        need(before in steps)
        if is_import(steps[before]):
            break
        need(not select.args.get("joins"))
        chain.append(before)
    base = select
    known = {one.alias_or_name: bare(one) for one in base.expressions}
    for name in reversed(chain[:-1]):
        selected = steps[name].this.expressions
        known = {one.alias_or_name: put_in(one, known) for one in selected}
    need("" not in known and "*" not in known)
    return base, known


def bare(expression: exp.Expr) -> exp.Expr:
    """An expression without its alias and without parentheses around it."""
    return expression.unalias().unnest()


def put_in(expression: exp.Expr, known: Columns) -> exp.Expr:
    """An expression of a step's columns as one of what those columns are."""
    whole = exp.Paren(this=bare(expression).copy())
    for column in list(whole.find_all(exp.Column)):
        need(not column.table and column.name in known)
        value = known[column.name].copy()
        is_one = isinstance(
            value, (exp.Column, exp.Literal, exp.Cast, exp.Case, exp.Func, exp.Bracket)
        )
        column.replace(value if is_one else exp.Paren(this=value))
    return bare(whole)


def keys_of(grouping: exp.Select) -> list[str]:
    """The columns that a select groups by, which it names."""
    group = grouping.args.get("group")
    need(
        group is not None
        and all(not value for name, value in group.args.items() if name != "expressions")
    )
    columns = list(group.expressions)  # type: ignore[union-attr]
    need(all(isinstance(one, exp.Column) and not one.table for one in columns))
    return [one.name for one in columns]


def outermost(grouping: exp.Select) -> Iterator[exp.AggFunc]:
    """The aggregates of a select, none of which stands in another or is of a window or a filter."""
    for one in grouping.find_all(exp.AggFunc):
        need(one.find_ancestor(exp.AggFunc, exp.Window, exp.Filter, exp.Subquery) is None)
        yield one
