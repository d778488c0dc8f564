"""The rules that every file of sql/ keeps: each a function from a file's text to what in it breaks the rule.

A text is read as Athena's SQL, and nothing here knows which file it is. What a file may do all the same is
named in test_sql_files.py, with the reason.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from chargeback.core.errors import Refusal
from chargeback.engine import check_period_filter, header_of
from chargeback.engine.doubles import EXACT, is_exact_double
from chargeback.sources.report import COLUMNS

HEADER = ("Answers", "One row per", "Reads", "Money", "Ties to")
MOST_LINES = 120
WIDEST = 120

#: What is money says so in its name; a weight is money or a measure, and as exact.
MONEY = re.compile(r"(^|_)(cost|amount|total|weight|charged|difference|rest|change|fee)(_|$)")
DOUBLE = exp.DataType.Type.DOUBLE

#: What passes a double on as it is.
PASSES_ON = (exp.Alias, exp.Case, exp.Coalesce, exp.Column, exp.If, exp.Neg, exp.Nullif, exp.Paren)

#: The digits of a second that Athena's timestamps have.
FINEST_DIGITS = 3

#: Columns whose values are a company's own: they stand in its params and reports, never in SQL.
OWN = re.compile(
    r"^((line_item_usage_)?account_id|cost_center_id|business_unit_id|pool_id|invoice_id|tag_key"
    r"|tag_value|cost_center_tag_\d|unusable_tag_value|resource_id|default_cost_center_id)$"
)
DIVISIONS = (exp.Div, exp.IntDiv, exp.Mod, exp.Avg)
ROUNDINGS = (exp.Round, exp.Floor, exp.Ceil, exp.Trunc)
CLOCKS = (
    exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime,
    exp.Localtimestamp,
)  # fmt: skip

#: Functions that are the same in both engines and every time; another one is added here after it was tried.
FUNCTIONS = (
    exp.Abs, exp.And, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.ArrayIntersect, exp.ArraySize,
    exp.ArrayToString, exp.Case,
    exp.Cast, exp.Coalesce, exp.Concat, exp.Count, exp.CountIf, exp.DenseRank, exp.Exists, exp.If,
    exp.LogicalAnd, exp.LogicalOr, exp.Max, exp.Min, exp.MapKeys, exp.Nullif, exp.Or, exp.RegexpLike,
    exp.RowNumber, exp.Split, exp.SplitPart, exp.Substring, exp.Sum, exp.Unnest,
    *DIVISIONS, *ROUNDINGS, *CLOCKS,  # which have rules of their own
)  # fmt: skip


def statements(text: str) -> list[exp.Expr]:
    """The statements of a text."""
    return [one for one in sqlglot.parse(text, read="athena") if one is not None]


def query(text: str) -> exp.Expr:
    """The first statement of a text."""
    return statements(text)[0]


def shown(node: exp.Expr) -> str:
    """A part of a statement, as a message names it."""
    return node.sql(dialect="athena", comments=False)[:80]


def steps(statement: exp.Expr) -> list[exp.CTE]:
    """The common table expressions of a statement, in order."""
    found = statement.args.get("with_")
    return list(found.expressions) if found else []


def tables_read(statement: exp.Expr) -> list[tuple[str, str]]:
    """What is read from outside, as (step, table); the last select is the step ''."""
    found = []
    names: set[str] = set()
    for step in steps(statement):
        found += [
            (step.alias, one.name) for one in step.find_all(exp.Table) if one.name not in names
        ]
        names.add(step.alias)
    for one in statement.find_all(exp.Table):
        if one.find_ancestor(exp.CTE) is None and one.name not in names:
            found.append(("", one.name))
    return found


def header_parts(text: str) -> list[tuple[str, str]]:
    """Labels of the header with their words, a line without a label going on with the last."""
    parts: list[tuple[str, str]] = []
    for line in header_of(text):
        words = line.removeprefix("--").strip()
        label, colon, rest = words.partition(":")
        if colon and label in HEADER:
            parts.append((label, rest.strip()))
        elif parts:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]} {words}")
        else:
            parts.append(("", words))
    return parts


def is_one_query(text: str) -> Iterator[str]:
    """A file holds one statement, which is a query."""
    found = statements(text)
    if len(found) != 1:
        yield f"{len(found)} statements"
    yield from (f"not a query: {shown(one)}" for one in found if not isinstance(one, exp.Query))


def has_its_header(text: str) -> Iterator[str]:
    """It begins with a comment of the five labels, in order and with words, and a blank line."""
    parts = header_parts(text)
    if [label for label, _ in parts] != list(HEADER):
        yield f"labels {[label for label, _ in parts]}"
    yield from (f"no words after {label}:" for label, words in parts if not words)
    rest = text.splitlines()[len(header_of(text)) :]
    if not rest or rest[0].strip():
        yield "no blank line after the header"


def names_what_it_reads(text: str) -> Iterator[str]:
    """Reads: in the header names the tables that are read, all of them and no others."""
    said = re.sub(r"\([^()]*\)", "", dict(header_parts(text)).get("Reads", ""))
    names = {one.strip() for one in said.split(",")}
    read = {table for _, table in tables_read(query(text))}
    if names != read:
        yield f"named and not read {sorted(names - read)}, read and not named {sorted(read - names)}"


def imports_first(text: str) -> Iterator[str]:
    """Where there are steps, tables from outside are read in the first of them, each alone in one."""
    statement = query(text)
    if not steps(statement):
        return
    outside = tables_read(statement)
    yield from (f"the last select reads {table}" for step, table in outside if not step)
    later = ""
    for step in steps(statement):
        read = [one.name for one in step.find_all(exp.Table)]
        from_outside = [table for name, table in outside if name == step.alias]
        if from_outside and (len(read) > 1 or later):
            yield f"{step.alias} reads {', '.join(read)}" + (f" after {later}" if later else "")
        later = later or ("" if from_outside or not read else step.alias)


def names_its_columns(text: str) -> Iterator[str]:
    """No star; only the last line may select all of the last step, which names its columns."""
    statement = query(text)
    names = [step.alias for step in steps(statement)]
    for star in statement.find_all(exp.Star):
        holder = star.parent
        if isinstance(holder, exp.Count):
            continue
        source = holder.args.get("from_") if holder is statement else None
        if not (
            source and names and source.this.name == names[-1] and not holder.args.get("joins")
        ):
            yield shown(holder) if holder else "*"


def divides_nothing(text: str) -> Iterator[str]:
    """No division and no average: DuckDB turns DECIMAL divided by an integer into DOUBLE."""
    yield from (shown(one) for one in query(text).find_all(*DIVISIONS))


def rounds_nothing(text: str) -> Iterator[str]:
    """No rounding, and no cast of money to anything but ten decimals, of anything to a double."""
    statement = query(text)
    yield from (shown(one) for one in statement.find_all(*ROUNDINGS))
    for one in statement.find_all(exp.Cast, exp.TryCast):
        if is_exact_double(one.parent):
            continue
        if one.to.this in (DOUBLE, exp.DataType.Type.FLOAT) or (
            one.to != EXACT and is_money(one.this)
        ):
            yield shown(one)


def is_money(value: exp.Expr) -> bool:
    """Whether an expression is made of money, rather than asks something about it."""
    if isinstance(value, (exp.Predicate, exp.Count, exp.CountIf)):
        return False
    if isinstance(value, exp.Column):
        return bool(MONEY.search(value.name))
    return any(is_money(one) for one in value.iter_expressions())


def casts_doubles_by_their_text(text: str) -> Iterator[str]:
    """A double of the report becomes an exact amount before anything is done with it, and says what it is."""
    if not any(table == "report" for _, table in tables_read(query(text))):
        return
    doubles = [one for one in typed(text).walk() if one.type and one.type.this == DOUBLE]
    for one in doubles:
        holder = one.parent
        if is_exact_double(holder) or isinstance(one, (exp.DataType, exp.Literal)):
            continue
        is_cast = isinstance(holder, (exp.Cast, exp.TryCast)) and holder.this is one
        if is_cast and not is_exact_double(holder.parent):
            yield f"{shown(holder)}: write cast(cast(… as double) as decimal(38, 10))"
        elif not isinstance(one, PASSES_ON):
            yield f"{shown(one)}: cast it first, cast(cast(… as double) as decimal(38, 10))"


def typed(text: str) -> exp.Expr:
    """The query of a text with the types of its parts, as far as the columns of the report decide them."""
    schema = {"report": {**COLUMNS, "$path": "varchar", "billing_period": "varchar"}}
    qualified = qualify(
        query(text), schema=schema, dialect="athena", validate_qualify_columns=False,
        expand_stars=False, identify=False, quote_identifiers=False,
    )  # fmt: skip
    return annotate_types(qualified, schema=schema, dialect="athena")


def counts_nothing_as_zero(text: str) -> Iterator[str]:
    """count_if is 0 in Trino where all it counts is null, and null in DuckDB, whose counts are no bigint."""
    for one in query(text).find_all(exp.CountIf):
        cast = one.parent
        if not (
            isinstance(cast, exp.Cast)
            and cast.to.is_type("bigint")
            and isinstance(cast.parent, exp.Coalesce)
        ):
            yield f"{shown(one)}: write coalesce(cast(count_if(…) as bigint), 0)"


def splits_with_a_guard(text: str) -> Iterator[str]:
    """A part past the end is null in Trino and '' in DuckDB."""
    for one in query(text).find_all(exp.SplitPart):
        rest = one.parent.expressions if isinstance(one.parent, exp.Coalesce) else []
        if isinstance(one.parent, exp.Nullif):
            rest = [one.parent.expression]
        if not any(isinstance(value, exp.Literal) and value.this == "" for value in rest):
            yield f"{shown(one)}: write coalesce(split_part(…), '') or nullif(split_part(…), '')"


def picks_what_is_there(text: str) -> Iterator[str]:
    """min_by and max_by may answer a null in Trino; DuckDB looks at rows with a value only."""
    for one in query(text).find_all(exp.ArgMin, exp.ArgMax):
        where = one.parent.expression if isinstance(one.parent, exp.Filter) else None
        if where is None or not any(
            isinstance(test, exp.Not)
            and isinstance(test.this, exp.Is)
            and test.this.this == one.this
            and isinstance(test.this.expression, exp.Null)
            for test in where.find_all(exp.Not)
        ):
            value = shown(one.this)
            yield f"{shown(one)}: write … filter (where {value} is not null)"


def ends_texts_at_their_end(text: str) -> Iterator[str]:
    r"""In Trino a $ matches before a last line break too; \z is the end of the text in both engines."""
    for one in query(text).find_all(exp.RegexpLike):
        pattern = one.expression
        if not isinstance(pattern, exp.Literal):
            yield f"{shown(one)}: write the pattern as a literal, which can be looked at"
        elif "$" in re.sub(r"\\.|\[[^]]*\]", "", pattern.this):
            yield f"{shown(one)}: write \\z for the end of the text"


def joins_what_is_there(text: str) -> Iterator[str]:
    """Trino may lose rows that join by `is not distinct from` where both sides are null."""
    for join in query(text).find_all(exp.Join):
        on = join.args.get("on")
        for one in on.find_all(exp.NullSafeEQ) if on else ():
            yield f"{shown(one)}: make a null a value before, and join by ="


def has_milliseconds_at_most(text: str) -> Iterator[str]:
    """Athena's timestamps end at milliseconds, DuckDB's go on to microseconds."""
    for one in query(text).find_all(exp.Cast, exp.TryCast):
        if not one.to.is_type("timestamp", "timestamptz", "time"):
            continue
        digits = [int(size.name) for size in one.to.expressions]
        if isinstance(one.this, exp.Literal):
            digits.append(len(one.this.this.partition(".")[2].rstrip("Z")))
        if any(size > FINEST_DIGITS for size in digits):
            yield f"{shown(one)}: write at most three digits of a second"


def hides_no_fan_out(text: str) -> Iterator[str]:
    """No distinct, and no union that drops rows."""
    statement = query(text)
    yield from (shown(one.parent or one) for one in statement.find_all(exp.Distinct))
    yield from (
        "a union, intersect or except without all"
        for one in statement.find_all(exp.SetOperation)
        if one.args.get("distinct")
    )


def has_no_clock(text: str) -> Iterator[str]:
    """No current date or time: a period done again is the same."""
    yield from (shown(one) for one in query(text).find_all(*CLOCKS))


def calls_known_functions(text: str) -> Iterator[str]:
    """Only functions that are known to be the same in both engines, and every time."""
    for one in query(text).find_all(exp.Func):
        if not isinstance(one, FUNCTIONS):
            yield shown(one)


def holds_no_own_values(text: str) -> Iterator[str]:
    """No account, tag, cost center, pool or invoice of anybody: those are params.

    The keys of `product` are AWS's own (CUR fact 1.3).
    """
    statement = query(text)
    for one in statement.find_all(exp.Literal):
        if re.search(r"(?<!\d)\d{12}(?!\d)", one.this):
            yield f"a literal account: {one.this}"
    for one in statement.find_all(exp.EQ, exp.NEQ, exp.In, exp.Like, exp.NullSafeEQ, exp.Between):
        named = any(OWN.match(column.name) for column in one.find_all(exp.Column))
        if named and any(literal.this for literal in one.find_all(exp.Literal)):
            yield shown(one)
    for one in statement.find_all(exp.Bracket):
        is_of_aws = isinstance(one.this, exp.Column) and one.this.name == "product"
        if not is_of_aws and any(isinstance(key, exp.Literal) for key in one.expressions):
            yield f"a literal tag key: {shown(one)}"


def groups_by_names(text: str) -> Iterator[str]:
    """What is grouped or ordered by is written out: no numbers of columns, no all."""
    statement = query(text)
    for group in statement.find_all(exp.Group):
        if group.args.get("all") or any(one.is_number for one in group.expressions):
            yield shown(group)
    for ordered in statement.find_all(exp.Ordered):
        if ordered.this.is_number or ordered.this.name.lower() == "all":
            yield shown(ordered)


def is_ordered(text: str) -> Iterator[str]:
    """The last select says the order of its rows."""
    if not query(text).args.get("order"):
        yield "no order by"


def filters_the_period(text: str) -> Iterator[str]:
    """What reads the report reads one billing period."""
    try:
        check_period_filter(query(text))
    except Refusal as refusal:
        yield refusal.what


def is_short(text: str) -> Iterator[str]:
    """A file is at most MOST_LINES long."""
    if (lines := len(text.splitlines())) > MOST_LINES:
        yield f"{lines} lines"


def is_written_as_the_others(text: str) -> Iterator[str]:
    """Lower case, spaces, no line too wide, no comma before from, one line break at the end."""
    yield from (f"wide: {line}" for line in text.splitlines() if len(line) > WIDEST)
    if re.search(r",\s*\n\s*from\b", text):
        yield "a comma before from"
    if "\t" in text or not text.endswith("\n") or text.endswith("\n\n"):
        yield "a tab, or not one line break at the end"
    code = re.sub(r"--[^\n]*|'(?:[^']|'')*'", "", text)
    yield from (f"upper case: {one}" for one in re.findall(r"\b\w*[A-Z]\w*\b", code))


RULES: tuple[Callable[[str], Iterator[str]], ...] = (
    is_one_query, has_its_header, names_what_it_reads, imports_first, names_its_columns,
    divides_nothing, rounds_nothing, casts_doubles_by_their_text, counts_nothing_as_zero,
    splits_with_a_guard, picks_what_is_there, ends_texts_at_their_end, joins_what_is_there,
    has_milliseconds_at_most,
    hides_no_fan_out, has_no_clock, calls_known_functions,
    holds_no_own_values, groups_by_names, is_ordered, filters_the_period, is_short,
    is_written_as_the_others,
)  # fmt: skip


def broken(text: str) -> list[str]:
    """The rules that a text breaks, by name; what is not one query is looked at no further."""
    if list(is_one_query(text)):
        return [is_one_query.__name__]
    return list(
        itertools.chain.from_iterable([rule.__name__] for rule in RULES if list(rule(text)))
    )
