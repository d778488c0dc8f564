"""Statement: a SQL file of the repository as the one statement that Athena or Trino runs.

The text stays that of the file. These things are put into the parsed statement: the table for `report`; the
files of one delivery, as a condition on the hidden "$path" column; nulls for columns that the table lacks, and
casts for those it has in another type; sql/sources/line_items.sql for `line_items`, and in it, where ownership
rules are joined, sql/sources/ownership_ranks.sql, which reads the same files once more; and the parameters.
:period is sent as a parameter of the query. Athena takes those in a where clause only, so tag keys and
ownership rules, which stand in the select list, are put into the parsed statement as literals. Nothing is
pasted into text.

Before anything is sent, `require_guarded` reads the finished text again and looks at nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from chargeback.core.errors import bad_params, unreachable
from chargeback.engine import (
    Parameter,
    check_period_filter,
    parse_statement,
    put_parameters,
    read_sql,
)
from chargeback.sources.lake.table import PARTITION, LakeEngine, ReportTable, column_reading
from chargeback.sources.ownership_ranks import RANKS
from chargeback.sources.report import COLUMNS

PATH = "$path"

#: Bytes of a statement that are left for what an engine puts around it.
AROUND = 1_000

#: A table without rows, as it stands for the ranks of rules that are not joined.
NO_RANKS = "select cast(null as varchar) as ownership_key, cast(null as bigint) as ownership_rank where false"


@dataclass(frozen=True)
class Statement:
    """What is sent: the text, and the values of its question marks in order."""

    sql: str
    parameters: tuple[str, ...]
    engine: LakeEngine

    def told(self) -> str:
        """The text for a reader, with the values of its question marks above it."""
        values = ", ".join(self.parameters) or "none"
        dialect = self.engine.dialect
        text = sqlglot.parse_one(self.sql, read=dialect).sql(
            dialect=dialect, pretty=True, pad=4, indent=4
        )
        return f"{self.engine.ran}; the values of its question marks: {values}\n\n{text}\n"


def ran_by(text: str) -> str:
    """The engine that ran a statement of the evidence where the report lies; blank for what DuckDB ran.

    >>> ran_by("-- As Trino ran it; the values of its question marks: '2026-05'"), ran_by("-- Answers: x")
    ('Trino', '')
    """
    found = re.match(r"-- As ([A-Z][a-z]+) ran it", text)
    return found[1] if found else ""


def scan_statement(
    stage: str,
    name: str,
    table: ReportTable,
    files: Sequence[str],
    parameters: Mapping[str, Parameter],
) -> Statement:
    """sql/<stage>/<name>.sql, scanning exactly these files of the report's table.

    Args:
        files: the addresses of the delivery's data files.

    Raises:
        Refusal: (exit 2) the file does not filter on the period or reads columns that are not named; (exit 6)
            the delivery has too many files for one statement; (exit 2) params are too long for one.
    """
    statement = parse_statement(read_sql(stage, name))
    check_period_filter(statement)
    for select in imports(statement, "line_items"):
        lines = parse_statement(read_sql("sources", "line_items"))
        check_period_filter(lines)
        select.args["from_"].this.replace(
            exp.Subquery(this=lines, alias=exp.to_identifier("line_items"))
        )
    is_joined = "ownership_rules" in parameters
    for select in imports(statement, RANKS):
        ranks = parse_statement(read_sql("sources", RANKS) if is_joined else NO_RANKS)
        select.args["from_"].this.replace(exp.Subquery(this=ranks, alias=exp.to_identifier(RANKS)))
    reading = imports(statement, "report")
    for select in reading:
        pin(select, table, files)
    put_parameters(statement, parameters, bound=["period"])
    marks = list(statement.find_all(exp.Placeholder))
    for mark in marks:
        mark.replace(exp.Placeholder())
    for node in statement.walk():
        node.comments = None
    values = tuple(quoted(str(parameters["period"])) for _ in marks)
    engine = table.engine
    sql = str(statement.sql(dialect=engine.dialect))
    require_short(sql, {
        FILES: len(reading) * sum(byte_count(one) for one in files),
        RULES: parameter_bytes(parameters, "ownership_rules" if is_joined else "ownership_rank"),
        TAGS: parameter_bytes(parameters, "mandatory_tags"),
    }, len(files), table)  # fmt: skip
    require_guarded(sql, table, scans=len(reading))
    return Statement(sql, values, engine)


#: What of a statement can be long.
FILES, RULES, TAGS = "the names of files", "ownership rules", "mandatory tags"


def byte_count(text: str) -> int:
    """How long a text is as engines count, in bytes of UTF-8."""
    return len(text.encode())


def parameter_bytes(parameters: Mapping[str, Parameter], name: str) -> int:
    """How many bytes a parameter is in a statement."""
    value = parameters.get(name) or ""
    written = value if isinstance(value, exp.Expr) else exp.Literal.string(value)
    return byte_count(written.sql(dialect="athena"))


def require_short(sql: str, parts: Mapping[str, int], files: int, table: ReportTable) -> None:
    """Refuse a text that is longer than the engine takes, by the part of it that is longest.

    Raises:
        Refusal: (exit 6) that is the names of files; (exit 2) it is what params say.
    """
    length, most = byte_count(sql), table.engine.longest - AROUND
    if length <= most:
        return
    found = f"{length:,} bytes: " + ", ".join(f"{size:,} of {name}" for name, size in parts.items())
    expected, folder = (
        f"at most {most:,} bytes",
        "close from a copy in a folder: aws s3 sync, then CUR=<folder>",
    )
    if max(parts, key=lambda name: parts[name]) == FILES:
        raise unreachable(
            f"the delivery has too many files for one query of {table.engine.name}", expected,
            f"{found}; {files:,} files", [table.name], [folder],
        )  # fmt: skip
    raise bad_params(
        f"ownership rules or tags are too long for one query of {table.engine.name}", expected, found,
        ["ownership.toml, policy.toml", table.name],
        ["let one rule name several values or patterns, or tag what the rules describe", folder],
    )  # fmt: skip


def quoted(value: str) -> str:
    """A text as an execution parameter, which Athena reads as an expression."""
    return "'" + value.replace("'", "''") + "'"


def source_of(select: exp.Select) -> exp.Expr | None:
    """What a select reads first."""
    found = select.args.get("from_")
    return found.this if found else None


def imports(statement: exp.Expr, name: str) -> list[exp.Select]:
    """The selects that read a table itself: those in an import CTE of its name, not those after it."""
    found = []
    for select in statement.find_all(exp.Select):
        source, inside = source_of(select), select.find_ancestor(exp.CTE)
        if (
            isinstance(source, exp.Table)
            and source.name == name
            and inside
            and inside.alias == name
        ):
            found.append(select)
    return found


def pin(select: exp.Select, table: ReportTable, files: Sequence[str]) -> None:
    """Make a select read these files of the table, with the columns as the close knows them."""
    names = dict(zip(("this", "db", "catalog"), reversed(table.name.split(".")), strict=False))
    select.args["from_"].this.replace(
        exp.Table(**{part: exp.to_identifier(one, quoted=True) for part, one in names.items()})
    )
    select.set("expressions", [read_column(one, table) for one in select.expressions])
    condition = exp.In(
        this=exp.column(exp.to_identifier(PATH, quoted=True)),
        expressions=[exp.Literal.string(one) for one in files],
    )
    select.where(condition, append=True, copy=False)


def read_column(column: exp.Expr, table: ReportTable) -> exp.Expr:
    """A column of the report as it is, cast, or as null.

    Raises:
        Refusal: (exit 2) it is not a named column that the close knows.
    """
    name = column.name if isinstance(column, exp.Column) else ""
    if name == PATH:
        return column
    if name not in COLUMNS:
        raise unnamed(column.sql(dialect=table.engine.dialect))
    how = column_reading(table.engine, name, table.columns.get(name))
    if how == "is":
        return column
    value = exp.null() if how == "null" else column
    return exp.alias_(exp.cast(value, COLUMNS[name], dialect=table.engine.dialect), name)


def unnamed(found: str) -> Exception:
    """A scan of columns that are not named (exit 2)."""
    return bad_params(
        "a query reads columns of the report that it does not name", "columns of chargeback/sources/report.py",
        found[:80], ["its import CTE"], ["name each column: others would be scanned and paid for"],
    )  # fmt: skip


def require_guarded(sql: str, table: ReportTable, scans: int = 1) -> None:
    """Refuse a finished text that scans more than one period or unnamed columns (exit 2).

    Args:
        scans: how often it may read the report: once, and once more where ownership rules are joined.
    """
    dialect = table.engine.dialect
    statement = sqlglot.parse_one(sql, read=dialect)
    names = {cte.alias for cte in statement.find_all(exp.CTE)}
    found = 0
    for source in statement.find_all(exp.Table):
        if not source.db and source.name in names:
            continue
        select = source.find_ancestor(exp.Select)
        where = select.args.get("where") if select else None
        named = [one for one in (source.catalog, source.db, source.name) if one]
        if named != table.name.split(".") or select is None:
            raise unnamed(source.sql(dialect=dialect))
        if any(one.is_star or isinstance(one, exp.Star) for one in select.expressions):
            raise unnamed("*")
        filters = list(where.this.flatten()) if where and isinstance(where.this, exp.And) else []
        if not any(
            isinstance(one, exp.EQ) and one.this.name == PARTITION for one in filters
        ) or not any(isinstance(one, exp.In) and one.this.name == PATH for one in filters):
            raise bad_params(
                "a query reads the report without filtering on the billing period",
                f"where {PARTITION} = ? and the files of one delivery", "no such filter",
                todo=["add the filter: without it the query would scan every month"],
            )  # fmt: skip
        found += 1
    if not found or found != scans:
        raise bad_params(
            "a query must scan the report once", f"{scans}", f"{found}",
            todo=["read it in one import CTE, and from that CTE afterwards"],
        )  # fmt: skip
