"""What SQL files may do: one SELECT over the tables that they are given. Looked at on the parsed statement.

SQL may come from somebody else: a company's own allocation key, or the evidence of a closed period in an audit.
The databases that it runs in are locked (chargeback/engine/databases.py), but have a report's files where a
report is read. So a statement is refused before it runs that

    is no select, or holds anything that writes, sets, loads or calls
    reads what is no declared table: a file's name, another schema, a function that answers a table
    uses a function that is not listed here; those that tell about the machine, the session or the time are not

DuckDB gets the statement written anew from what was parsed and looked at, so nothing can hide in the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlglot import exp

#: What changes something, or is passed on without being understood.
FORBIDDEN = (
    exp.Command, exp.DDL, exp.DML, exp.Describe, exp.Into, exp.Lock, exp.MatchRecognize, exp.Parameter,
    exp.Pragma, exp.SessionParameter, exp.Set,
)  # fmt: skip

#: Functions that depend on their arguments alone, the same every time.
FUNCTIONS = (
    exp.Abs, exp.And, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.Array, exp.ArrayAgg, exp.ArrayConcat,
    exp.ArrayContains, exp.ArrayDistinct, exp.ArrayIntersect, exp.ArrayMax, exp.ArrayMin, exp.ArraySize,
    exp.ArraySort, exp.ArrayToString, exp.Avg, exp.Case, exp.Cast, exp.Ceil, exp.Coalesce, exp.Concat,
    exp.ConcatWs, exp.Contains, exp.Count, exp.CountIf, exp.CumeDist, exp.Date, exp.DateAdd, exp.DateDiff,
    exp.DateSub, exp.DateTrunc, exp.Day, exp.DayOfMonth, exp.DayOfWeek, exp.DayOfWeekIso, exp.DayOfYear,
    exp.DenseRank, exp.EndsWith, exp.Exists, exp.Exp, exp.Extract, exp.First, exp.FirstValue, exp.Floor,
    exp.Greatest, exp.Hour, exp.If, exp.Lag, exp.Last, exp.LastDay, exp.LastValue, exp.Lead, exp.Least,
    exp.Left, exp.Length, exp.Ln, exp.Log, exp.LogicalAnd, exp.LogicalOr, exp.Lower, exp.Map,
    exp.MapFromEntries, exp.MapKeys, exp.Max, exp.Median, exp.Min, exp.Minute, exp.Month, exp.NthValue,
    exp.Ntile, exp.Nullif, exp.Or, exp.Pad, exp.PercentRank, exp.Pow, exp.Quarter, exp.Rank,
    exp.RegexpExtract, exp.RegexpILike, exp.RegexpLike, exp.RegexpReplace, exp.Repeat, exp.Replace,
    exp.Reverse, exp.Right, exp.Round, exp.RowNumber, exp.Second, exp.Sign, exp.Split, exp.SplitPart,
    exp.Sqrt, exp.StartsWith, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.StrPosition, exp.Substring,
    exp.Sum, exp.TimestampTrunc, exp.Trim, exp.Trunc, exp.Try, exp.TryCast, exp.Unnest, exp.Upper,
    exp.Variance, exp.VariancePop, exp.Week, exp.WeekOfYear, exp.Xor, exp.Year,
)  # fmt: skip

#: What DuckDB takes for a function where no column is called so, in quotes too: session, machine and time.
FUNCTIONS_BY_NAME = frozenset({
    "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user", "user",
})  # fmt: skip

#: Names of tables: plain words. What has a point or a slash could be a file.
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


NO_TABLE = "reads what is no table of its own"


@dataclass(frozen=True)
class Fault:
    """What a statement must not do, for a refusal: in words, what is allowed, and what it says."""

    what: str
    expected: str
    found: str


def fault_of(statement: exp.Expr, readable: Collection[str]) -> Fault | None:
    """The first thing that a statement must not do; None for a select from declared tables."""
    if not isinstance(statement, (exp.Select, exp.SetOperation)):
        return Fault("does more than select", "one select", shortened(statement))
    for node in statement.walk():
        if isinstance(node, FORBIDDEN):
            return Fault("does more than select", "one select", shortened(node))
        if is_other_function(node):
            expected = "a function of its arguments alone, as docs/method/allocation.md lists them"
            return Fault("uses a function that SQL files do not have", expected, shortened(node))
    tables = ", ".join(sorted(readable)) or "no tables"
    for table in statement.find_all(exp.Table):
        if not is_readable(table, readable):
            return Fault(NO_TABLE, tables, shortened(table))
    return None


def is_other_function(node: exp.Expr) -> bool:
    """Whether a part is a function that is not listed, or a name that DuckDB could take for one."""
    if isinstance(node, exp.Column):
        return not node.table and node.name.lower() in FUNCTIONS_BY_NAME
    return isinstance(node, exp.Func) and not isinstance(node, FUNCTIONS)


def is_readable(table: exp.Table, readable: Collection[str]) -> bool:
    """Whether a table is a declared one, by its plain name, or a common table expression in sight."""
    if not isinstance(table.this, exp.Identifier) or table.db or table.catalog:
        return False
    name = str(table.name)
    return bool(WORD.fullmatch(name)) and (name in readable or name in in_sight(table))


def in_sight(table: exp.Expr) -> Iterator[str]:
    """The names of the common table expressions that a table can be: those before it, and around it.

    Its own, too, from the recursive side of a union. DuckDB takes any other name for a table of its own, of
    which it has some that tell its settings.
    """
    inside: exp.Expr = table
    above = table.parent
    while above is not None:
        if isinstance(above, exp.With):
            yield from (one.alias for one in above.expressions[: above.expressions.index(inside)])
        elif isinstance(inside, exp.With):
            pass  # the query that has it: what is before was told by the With itself
        elif isinstance(with_ := above.args.get("with_"), exp.With):
            yield from (one.alias for one in with_.expressions)
        own = above.parent
        if isinstance(own, exp.CTE) and is_recursive_side(inside, above, own):
            yield own.alias
        inside, above = above, above.parent


def is_recursive_side(inside: exp.Expr, body: exp.Expr, own: exp.CTE) -> bool:
    """Whether a part of a common table expression's body is the one that reads what was found before."""
    around = own.parent
    is_recursive = isinstance(around, exp.With) and bool(around.recursive)
    return is_recursive and isinstance(body, exp.Union) and inside is body.expression


def shortened(node: exp.Expr) -> str:
    """A part of a statement for a reader, on one line."""
    text = " ".join(node.sql(dialect="athena").split())
    return text if len(text) <= 80 else f"{text[:77]}..."
