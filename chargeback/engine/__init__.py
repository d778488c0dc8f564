"""The one module that runs SQL.

Every file in `sql/` is Athena SQL, one statement, with named placeholders. DuckDB gets it translated by
sqlglot at run time, so there is no second copy; parameters are put into the parsed statement as literals,
never pasted into text. A query that reads `report`, the big table, must filter it on the billing period,
which is checked on the parsed statement before anything runs.

SQL can come from elsewhere. So a file may only select from the tables that an engine was given
(chargeback/engine/select_only.py), in a database that is closed to the rest of the machine
(chargeback/engine/databases.py).

What ran can be read: an engine remembers its statements, and `bound_sql` writes one as Athena SQL with the
parameters in their places, for the evidence of a close.

DECIMAL sums are exact and do not depend on threads or order. DuckDB is pinned (docs/decisions.md).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from chargeback.core.errors import Refusal, bad_params, unreachable
from chargeback.core.paths import sql_folder
from chargeback.core.private import temporary_folder
from chargeback.engine import kept_texts
from chargeback.engine.databases import small_tables, with_files
from chargeback.engine.doubles import write_out_doubles
from chargeback.engine.grouped_first import grouped_first
from chargeback.engine.select_only import Fault, fault_of

#: Text, nothing, or an expression that Python built: conditions that params state.
Parameter = str | exp.Expr | None

#: What parts the error that a query raises itself: of a cell that should be a map and is none.
_PART = "\x1f"
_NO_MAP = "not a map"

#: How much of such a cell is shown.
_SHOWN_CHARACTERS = 200

#: How many texts are kept parsed, and translated: more than there are files.
TEXTSKEPT = 256


def sql_files(folder: Path | None = None) -> list[Path]:
    """Every SQL file of the repository, or of another folder, sorted by its place."""
    return sorted((folder or sql_folder()).rglob("*.sql"))


def sql_digest(folder: Path | None = None) -> str:
    """One sha256 for all SQL: of the lines "<sha256>  <stage>/<file>" in order."""
    root = folder or sql_folder()
    lines = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}\n"
        for path in sql_files(root)
    )
    return hashlib.sha256(lines.encode()).hexdigest()


def read_sql(stage: str, name: str) -> str:
    """The text of sql/<stage>/<name>.sql."""
    return (sql_folder() / stage / f"{name}.sql").read_text(encoding="utf-8")


def has_sql(stage: str, name: str) -> bool:
    """Whether there is a file sql/<stage>/<name>.sql."""
    return (sql_folder() / stage / f"{name}.sql").is_file()


def check_period_filter(statement: exp.Expr) -> None:
    """Refuse a statement that reads the report without filtering on the billing period (exit 2)."""
    for select in statement.find_all(exp.Select):
        source = select.args.get("from_") or select.args.get("from")
        tables = [one.this for one in (source, *(select.args.get("joins") or [])) if one]
        if not any(isinstance(table, exp.Table) and table.name == "report" for table in tables):
            continue
        if select.parent_select is None and any(
            cte.alias == "report" for cte in statement.find_all(exp.CTE)
        ):
            continue  # reads the import CTE, which is checked itself
        cte = select.find_ancestor(exp.CTE)
        if (cte is None or cte.alias != "report") and any(
            other.alias == "report" for other in statement.find_all(exp.CTE)
        ):
            continue
        where = select.args.get("where")
        filters = where.this.flatten() if where and isinstance(where.this, exp.And) else (
            [where.this] if where else []
        )  # fmt: skip
        if not any(
            isinstance(one, exp.EQ) and isinstance(one.this, exp.Column)
            and one.this.name == "billing_period"
            for one in filters
        ):  # fmt: skip
            raise bad_params(
                "a query reads the report without filtering on the billing period",
                "where billing_period = :period", "no such filter",
                todo=["add the filter: without it the query would scan every month"],
            )  # fmt: skip


def parse_statement(sql: str) -> exp.Expr:
    """The one statement of a SQL file, parsed (exit 2 when it is none or several); the caller's to change."""
    return parsed(sql).copy()


@functools.lru_cache(maxsize=TEXTSKEPT)
def parsed(sql: str) -> exp.Expr:
    """The one statement of a text, parsed once; shared, so that nobody may change it."""
    try:
        statements = [one for one in sqlglot.parse(sql, read="athena") if one is not None]
    except sqlglot.errors.ParseError as error:
        said = error.errors[0] if error.errors else {}
        found = f"{said.get('description')} (line {said.get('line')}, column {said.get('col')})"
        raise bad_params("a SQL file is not valid Athena SQL", found=found) from None
    if len(statements) != 1:
        raise bad_params("a SQL file must hold one statement", "1", str(len(statements)))
    return statements[0]


@functools.lru_cache(maxsize=TEXTSKEPT)
def fault_in(sql: str, readable: frozenset[str]) -> Fault | None:
    """What a text's one statement must not do, looked at once; None for a select from these tables."""
    key = ("no fault", sql, tuple(sorted(readable)))
    if kept_texts.find(key) is not None:
        return None
    fault = fault_of(parsed(sql), readable)
    if fault is None:
        kept_texts.keep(key, "")
    return fault


def check_select(sql: str, readable: Collection[str], where: Sequence[str]) -> None:
    """Refuse a text that does more than select from declared tables (exit 2)."""
    fault = fault_in(sql, frozenset(readable))
    if fault:
        raise bad_params(
            f"a SQL file {fault.what}", fault.expected, fault.found, list(where),
            ["a file of sql/ is one select from the tables that it is given, without files, settings or "
             "functions of the engine: correct it"],
        )  # fmt: skip


def put_parameters(
    statement: exp.Expr, parameters: Mapping[str, Parameter], bound: Sequence[str] = ()
) -> None:
    """Put parameters into a parsed statement, texts as literals; those that an engine binds stay.

    Raises:
        Refusal: (exit 2) a parameter is not given.
    """
    for placeholder in list(statement.find_all(exp.Placeholder)):
        name = str(placeholder.this)
        if name not in parameters:
            raise bad_params(
                f"a SQL file names the parameter :{name}, which is not given",
                ", ".join(sorted(parameters)) or "no parameters",
            )
        if name in bound:
            continue
        value = parameters[name]
        if isinstance(value, exp.Expr):
            placeholder.replace(value.copy())
        else:
            placeholder.replace(
                exp.cast(exp.null(), "varchar") if value is None else exp.Literal.string(value)
            )


def carry(statement: exp.Expr, columns: Sequence[str]) -> None:
    """Let a chain of selects, each from the one before, answer columns of the first table besides.

    Further tables that the chain reads are left as they are.
    """
    with_ = statement.args.get("with_")
    further = [one.alias for one in with_.expressions[1:]] if with_ else []
    for select in statement.find_all(exp.Select):
        if select.is_star:  # of the step before, which answers them already
            continue
        source, inside = select.args.get("from_"), select.find_ancestor(exp.CTE)
        if source and inside and inside.alias == source.this.name and inside.alias in further:
            continue  # imports another table
        there = {one.alias_or_name for one in select.expressions}
        for name in columns:
            if name not in there:
                select.append("expressions", exp.column(name))


def bind(sql: str, parameters: Mapping[str, Parameter], carried: Sequence[str] = ()) -> exp.Expr:
    """The one statement of a text with its parameters in their places, checked.

    Args:
        carried: columns that are answered besides, of a statement that is a chain of selects.

    Raises:
        Refusal: (exit 2) it is not one statement, names a parameter that is not given, or reads the report
            without a billing period.
    """
    statement = parse_statement(sql)
    check_period_filter(statement)
    put_parameters(statement, parameters)
    carry(statement, carried)
    return statement


def translate(sql: str, parameters: Mapping[str, Parameter], carried: Sequence[str] = ()) -> str:
    """Athena SQL with named placeholders as DuckDB SQL with literals; as `bind`."""
    key = ("duckdb", sql, as_key(parameters), tuple(carried))
    return kept(key, lambda: in_duckdb(bind(sql, parameters, carried)))


#: Texts by what they were made from.
KEPT: dict[tuple[object, ...], str] = {}


def kept(key: tuple[object, ...], make: Callable[[], str]) -> str:
    """A text that is made once from what its key says, on this machine where it can be kept there.

    Of many texts in this process the first made are forgotten.
    """
    text = KEPT.get(key)
    if text is None:
        text = kept_texts.find(key)
        if text is None:
            text = make()
            kept_texts.keep(key, text)
        while len(KEPT) >= TEXTSKEPT:
            KEPT.pop(next(iter(KEPT)), None)
        KEPT[key] = text
    return text


def as_key(parameters: Mapping[str, Parameter]) -> tuple[tuple[str, object], ...]:
    """Parameters as part of a key: of an expression the whole tree, for whoever made it can change it."""
    return tuple(
        (name, (repr(value),) if isinstance(value, exp.Expr) else value)
        for name, value in parameters.items()
    )


def in_duckdb(statement: exp.Expr) -> str:
    """A bound statement in DuckDB's SQL, on one line; the statement is written out for it, and changed."""
    write_out_doubles(statement)
    return str(statement.sql(dialect="duckdb", comments=False, copy=False))


@dataclass(frozen=True)
class Ran:
    """A statement that an engine ran: the file's text as it was read, and what was put into it."""

    stage: str
    name: str
    sql: str
    parameters: Mapping[str, Parameter]
    carried: tuple[str, ...] = ()

    def bound(self) -> str:
        """The statement as readable Athena SQL: the file's header, where it comes from, the bound statement.

        Comments inside of the statement stay where sqlglot keeps them. A text that line breaks for reading
        would change (one that holds sqlglot's own mark for them) is written on one line instead.
        """
        key = ("bound", self.stage, self.name, self.sql, as_key(self.parameters), self.carried)
        return kept(key, self.written)

    def written(self) -> str:
        """`bound`, written anew."""
        header = header_of(self.sql)
        statement = bind(self.sql, self.parameters, self.carried)
        said = {line.removeprefix("--").strip() for line in header}
        for node in statement.walk():
            node.comments = [one for one in node.comments or [] if one.strip() not in said]
        text = statement.sql(dialect="athena", pretty=True, pad=4, indent=4)
        if not is_same(text, statement):
            text = statement.sql(dialect="athena")
        names = sorted({str(one.this) for one in parsed(self.sql).find_all(exp.Placeholder)})
        put_in = ", ".join(f":{one}" for one in names) or "none"
        note = [
            f"-- Bound from: sql/{self.stage}/{self.name}.sql; parameters put in: {put_in}",
            f"-- Template's sha256: {hashlib.sha256(self.sql.encode()).hexdigest()}",
        ]
        if self.carried:
            note.append("-- Answers besides: " + ", ".join(self.carried))
        return "\n".join([*header, *note, "", text, ""])


def is_same(text: str, statement: exp.Expr) -> bool:
    """Whether a text is read back as the statement that it was written from."""
    try:
        return bool(sqlglot.parse_one(text, read="athena") == statement)
    except sqlglot.errors.ParseError:
        return False


def header_of(sql: str) -> list[str]:
    """The lines of comment that a SQL file begins with, stripped at their ends."""
    lines = [line.rstrip() for line in sql.splitlines()]
    return list(itertools.takewhile(lambda line: line.startswith("--"), lines))


def bound_sql(
    stage: str,
    name: str,
    parameters: Mapping[str, Parameter] | None = None,
    carried: Sequence[str] = (),
) -> str:
    """sql/<stage>/<name>.sql with its parameters in their places, as readable Athena SQL.

    The same file and parameters give the same text. It is one statement again, and answers the same rows.

    Raises:
        Refusal: (exit 2) as `translate`.
    """
    return Ran(stage, name, read_sql(stage, name), parameters or {}, tuple(carried)).bound()


def thread_count() -> int:
    """How many threads work: CHARGEBACK_THREADS, else one per core; results do not depend on it.

    Raises:
        Refusal: (exit 2) the variable is no number of threads.
    """
    text = os.environ.get("CHARGEBACK_THREADS") or str(os.cpu_count() or 1)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise bad_params(
            "CHARGEBACK_THREADS is no number of threads", "a whole number from 1 on", repr(text),
            ["the environment variable CHARGEBACK_THREADS"],
            ["unset it: then each core has a thread"],
        )  # fmt: skip
    return int(text)


class Engine:
    """DuckDB in this process: small tables in, Arrow tables out.

    SQL files read what was registered or created here by name, and nothing else.

    Args:
        threads: worker threads; by default one per core. Results do not depend on it.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or thread_count()
        self.connection = small_tables(self.threads).cursor()
        self.folders = contextlib.ExitStack()
        self.registered: dict[str, pa.Table] = {}
        self.created: set[str] = set()
        self.statements: list[Ran] = []
        self.views: dict[str, tuple[str, Mapping[str, Parameter], tuple[str, ...]]] = {}

    @property
    def readable(self) -> frozenset[str]:
        """The tables that a SQL file may read."""
        return frozenset(self.registered.keys() | self.created)

    @property
    def ran(self) -> dict[str, str]:
        """What ran, by "<stage>/<name>", in the order of its first run, as `bound_sql` writes it.

        A file that ran with different parameters stands there for each of them: "<name>", "<name>-2" and so on.
        Nothing is written before it is asked for.
        """
        texts: dict[str, str] = {}
        for one in self.statements:
            text = one.bound()
            numbered = (f"{one.stage}/{one.name}-{number}" for number in itertools.count(2))
            for key in itertools.chain([f"{one.stage}/{one.name}"], numbered):
                if texts.setdefault(key, text) == text:
                    break
        return texts

    def translate(
        self,
        stage: str,
        name: str,
        parameters: Mapping[str, Parameter],
        carried: Sequence[str] = (),
    ) -> str:
        """sql/<stage>/<name>.sql as DuckDB runs it, checked and remembered as run."""
        sql = read_sql(stage, name)
        check_select(sql, self.readable, [f"sql/{stage}/{name}.sql"])
        text = translate(sql, parameters, carried)
        statement = Ran(stage, name, sql, dict(parameters), tuple(carried))
        if statement not in self.statements:
            self.statements.append(statement)
        return text

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name."""
        self.connection.register(name, table)
        self.registered[name] = table

    def create_own_view(self, name: str, duckdb_sql: str, files: Sequence[Path] = ()) -> None:
        """Make a statement that this package wrote readable under a name; it alone names files.

        Where it reads files, the engine moves to a database in which exactly those can be read. Registered
        tables move with it; what was created before is gone.
        """
        if files:
            self.close()
            spill = self.folders.enter_context(temporary_folder("spill"))
            self.connection = with_files(self.threads, files, spill)
            self.created.clear()
            for registered, table in self.registered.items():
                self.connection.register(registered, table)
        self.connection.execute(f"create or replace temp view {name} as {duckdb_sql}")
        self.created.add(name)

    def create_view(
        self,
        name: str,
        stage: str,
        parameters: Mapping[str, Parameter],
        carried: Sequence[str] = (),
    ) -> None:
        """Make the answer of sql/<stage>/<name>.sql readable under its name, computed when read."""
        sql = self.translate(stage, name, parameters, carried)
        self.connection.execute(f"create or replace temp view {name} as {sql}")
        self.created.add(name)
        self.views[name] = (read_sql(stage, name), dict(parameters), tuple(carried))

    def create_table(self, name: str, stage: str, parameters: Mapping[str, Parameter]) -> None:
        """Make the answer of sql/<stage>/<name>.sql readable under its name, computed once.

        Raises:
            Refusal: (exit 6) the engine could not answer, with the engine's own words.
        """
        sql = self.translate(stage, name, parameters)
        self.run(f"create or replace temp table {name} as {sql}", f"sql/{stage}/{name}.sql")
        self.created.add(name)

    def query(
        self, stage: str, name: str, parameters: Mapping[str, Parameter] | None = None
    ) -> pa.Table:
        """The answer of sql/<stage>/<name>.sql.

        Raises:
            Refusal: (exit 6) the engine could not answer, with the engine's own words.
        """
        return self.run(self.translate(stage, name, parameters or {}), f"sql/{stage}/{name}.sql")

    def sum_up(self, stage: str, name: str, view: str) -> pa.Table:
        """The answer of sql/<stage>/<name>.sql, which groups a view, by the road that is shorter for DuckDB.

        The same rows as `query` answers, in less time where chargeback/engine/grouped_first.py knows how.

        Raises:
            Refusal: as `query`.
        """
        text = self.translate(stage, name, {})
        sql, parameters, carried = self.views[view]
        key = ("grouped first", read_sql(stage, name), view, sql, as_key(parameters), carried)

        def shorter() -> str:
            lines = bind(sql, parameters, carried)
            statement = grouped_first(bind(read_sql(stage, name), {}), view, lines)
            return in_duckdb(statement) if statement else text

        return self.run(kept(key, shorter), f"sql/{stage}/{name}.sql")

    def read(self, stage: str, name: str, at_once: int) -> pa.RecordBatchReader:
        """The answer of sql/<stage>/<name>.sql, some rows at once."""
        return self.connection.execute(self.translate(stage, name, {})).to_arrow_reader(at_once)

    def run(self, duckdb_sql: str, where: str) -> pa.Table:
        """The answer of a translated statement; `where` names it in a refusal."""
        try:
            return self.connection.execute(duckdb_sql).to_arrow_table()
        except duckdb.Error as error:
            raise engine_refusal(error, where) from None

    def close(self) -> None:
        """Give memory and disk back."""
        self.connection.close()
        self.folders.close()


def json_map(cell: str, file: str, column: str) -> str:
    """A cell of a report that has a map as JSON, null where it is blank, in DuckDB's SQL.

    A cell that is anything else ends the query, and the refusal names where it stands.

    Args:
        cell, file: expressions: its text, and the name of its file.
        column: its header, as a literal.
    """
    shown = f"left({cell}, {_SHOWN_CHARACTERS})"
    ends = f"error(concat_ws('{_PART}', '{_NO_MAP}', {file}, {column}, {shown}))"
    return (
        f"cast(case when nullif({cell}, '') is null then null when not json_valid({cell}) then {ends} "
        f"when json_type({cell}) not in ('OBJECT', 'NULL') then {ends} else {cell} end as json)"
    )


def engine_refusal(error: Exception, where: str) -> Refusal:
    """What DuckDB said, as a refusal (exit 6)."""
    _, own, parts = str(error).partition(_NO_MAP + _PART)
    if own:
        file, column, cell = parts.split(_PART, 2)
        return unreachable(
            "a cell of the report that should be a map is no JSON object",
            'an object such as {"cost_center": "CC-1001"}, or nothing', " ".join(cell.split()),
            [f"{file}, column {column}"],
            ["the file is not what was delivered, or was written anew: fetch the period again as a whole"],
        )  # fmt: skip
    said = str(error).splitlines()
    return unreachable(
        "DuckDB could not answer a query", found=said[0] if said else type(error).__name__,
        where=[where, *said[1:4]],
        todo=["check that the report's files are whole, and compare the column types with AWS's"],
    )  # fmt: skip
