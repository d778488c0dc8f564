"""What is sent to Athena: one period, one delivery's files, named columns; values as values."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.params.ownership import OwnershipRule
from chargeback.sources.athena.catalog import ATHENA
from chargeback.sources.lake import statement as statements
from chargeback.sources.lake.statement import require_guarded, scan_statement
from chargeback.sources.lake.table import ReportTable, require_catalog_columns
from chargeback.sources.ownership_ranks import ownership_parameters
from chargeback.sources.report import COLUMNS, tag_value

ALL = {
    name: {"varchar": "string", "map(varchar, varchar)": "map<string,string>"}.get(kind, kind)
    for name, kind in COLUMNS.items()
}
FILES = ["s3://b/e/data/BILLING_PERIOD=2026-05/a.parquet", "s3://b/e/data/it's.parquet"]
HOSTILE = "x' or '1' = '1"
PARAMETERS = {
    "period": "2026-05", "tag_value_1": tag_value(HOSTILE), "tag_value_2": exp.null(),
    "tag_value_3": exp.null(),
    **ownership_parameters(()), "mandatory_tags": exp.Literal.string(""),
    "is_ahead": exp.false(),
}  # fmt: skip


def table(**changes: str | None) -> ReportTable:
    """A table with the columns of a delivery, some with another type or left out."""
    columns = {name: kind for name, kind in {**ALL, **changes}.items() if kind}
    return ReportTable(ATHENA, "billing.cur2", "s3://b/e/", columns)


def sent(stage: str, name: str, **changes: str | None) -> exp.Expr:
    """A statement as it is sent, parsed again."""
    return sqlglot.parse_one(
        scan_statement(stage, name, table(**changes), FILES, PARAMETERS).sql, read="athena"
    )


@pytest.mark.parametrize(
    ("stage", "name"), [("sources", "control_totals"), ("rollup", "rollup_costs")]
)
def test_it_reads_one_delivery_of_one_period(stage, name):
    made = scan_statement(stage, name, table(), FILES, PARAMETERS)
    assert made.parameters == ("'2026-05'",)
    [mark] = sqlglot.parse_one(made.sql, read="athena").find_all(exp.Placeholder)
    assert mark.parent.sql(dialect="athena") == "billing_period = ?"
    [scan] = [one for one in sent(stage, name).find_all(exp.Table) if one.db]
    where = scan.find_ancestor(exp.Select).args["where"]
    [pin] = [one for one in where.find_all(exp.In) if one.this.name == "$path"]
    assert [one.this for one in pin.expressions] == FILES


def test_values_stay_values():
    literals = {one.this for one in sent("rollup", "rollup_costs").find_all(exp.Literal)}
    assert HOSTILE in literals
    made = scan_statement(
        "rollup", "rollup_costs", table(), FILES, {**PARAMETERS, "period": HOSTILE}
    )
    assert made.parameters == ("'x'' or ''1'' = ''1'",)


def test_columns_are_read_as_they_are_cast_or_null():
    changes = {"bill_billing_entity": None, "line_item_usage_account_id": "bigint"}
    text = sent("rollup", "rollup_costs", **changes).sql(dialect="athena")
    assert "CAST(NULL AS VARCHAR) AS bill_billing_entity" in text
    assert "CAST(line_item_usage_account_id AS VARCHAR) AS line_item_usage_account_id" in text
    assert "CAST(line_item_unblended_cost" not in text.partition('FROM "billing"')[0]


@pytest.mark.parametrize(
    ("column", "kind"),
    [("resource_tags", "string"), ("line_item_unblended_cost", "timestamp"),
     ("line_item_usage_start_date", "string"), ("bill_invoice_id", "map<string,string>")],
)  # fmt: skip
def test_a_type_that_cannot_be_read_is_refused(column, kind):
    with pytest.raises(Refusal) as raised:
        sent("rollup", "rollup_costs", **{column: kind})
    assert raised.value.exit_code == UNREACHABLE
    assert column in raised.value.what and raised.value.found == kind


PINNED = "billing_period = ? and \"$path\" in ('s3://b/f')"
UNGUARDED = {
    "no filter": 'select a from "billing"."cur2"',
    "no files": 'select a from "billing"."cur2" where billing_period = ?',
    "no period": 'select a from "billing"."cur2" where "$path" in (\'s3://b/f\')',
    "or": f'select a from "billing"."cur2" where {PINNED} or a = 1',
    "a range": 'select a from "billing"."cur2" where billing_period > ? and "$path" in (\'f\')',
    "every column": f'select * from "billing"."cur2" where {PINNED}',
    "columns of a table": f'select t.* from "billing"."cur2" t where {PINNED}',
    "another table": f'select a from "billing"."other" where {PINNED}',
    "twice": " union all ".join([f'select a from "billing"."cur2" where {PINNED}'] * 2),
    "no scan": "select 1",
    "filtered outside": f'select a from (select a from "billing"."cur2") where {PINNED}',
    "filtered in another CTE": (
        f'with x as (select a from "billing"."cur2") select a from x where {PINNED}'
    ),
}


@pytest.mark.parametrize("name", UNGUARDED)
def test_nothing_unguarded_is_sent(name):
    with pytest.raises(Refusal) as raised:
        require_guarded(UNGUARDED[name], table())
    assert raised.value.exit_code == BAD_USAGE


def test_a_report_is_read_as_often_as_is_said():
    twice = " union all ".join([f'select a from "billing"."cur2" where {PINNED}'] * 2)
    require_guarded(twice, table(), scans=2)
    with pytest.raises(Refusal, match="scan the report once"):
        require_guarded(f'select a from "billing"."cur2" where {PINNED}', table(), scans=2)


def test_what_is_guarded_passes():
    require_guarded(f'select a from "billing"."cur2" where {PINNED}', table())
    require_guarded(
        f'with x as (select a from "billing"."cur2" where {PINNED}) select a from x', table()
    )


@pytest.mark.parametrize("sql", ["select 1", "select *", "select a + 1 as a", "select unknown"])
def test_a_file_that_reads_other_than_named_columns_is_refused(sql, monkeypatch):
    text = f"with report as ({sql} from report where billing_period = :period) select 1 from report"
    monkeypatch.setattr(statements, "read_sql", lambda stage, name: text)
    with pytest.raises(Refusal, match="does not name"):
        scan_statement("rollup", "any", table(), FILES, PARAMETERS)


def test_more_files_than_a_statement_can_name():
    many = [f"s3://b/e/data/BILLING_PERIOD=2026-05/{number:0100d}" for number in range(2_500)]
    with pytest.raises(Refusal, match="too many files") as raised:
        scan_statement("sources", "control_totals", table(), many, PARAMETERS)
    assert raised.value.exit_code == UNREACHABLE
    assert f"{2_500 * len(many[0]):,} of the names of files" in raised.value.found


def test_a_text_is_as_long_as_its_bytes():
    """2,000 names of 100 signs are taken, and not where the signs are of two bytes."""
    for letter, taken in (("e", True), ("é", False)):
        many = [f"s3://b/{letter * 90}{number:04d}" for number in range(2_000)]
        if taken:
            scan_statement("sources", "control_totals", table(), many, PARAMETERS)
            continue
        with pytest.raises(Refusal, match="too many files") as raised:
            scan_statement("sources", "control_totals", table(), many, PARAMETERS)
        assert raised.value.expected == "at most 261,144 bytes"


def rules(count: int) -> list[OwnershipRule]:
    """Rules of an account and a resource, as there could be many."""
    return [
        OwnershipRule(
            f"rule-{number}", "CC-1", {
                "account_id": (f"{137_482_950_000 + number % 40}",),
                "resource_like": (f"arn:aws:s3:::team-{number}-logs%",),
            }, {}, "2026-01", "", "council", "theirs",
        )
        for number in range(count)
    ]  # fmt: skip


def test_five_thousand_rules_are_one_statement():
    """Joined, and with the report read twice, by the same period and files."""
    made = scan_statement(
        "rollup",
        "rollup_costs",
        table(),
        FILES,
        {**PARAMETERS, **ownership_parameters(rules(5_000))},
    )
    statement = sqlglot.parse_one(made.sql, read="athena")
    assert len(made.sql.encode()) < 200_000 and made.parameters == ("'2026-05'",) * 2
    assert sum(1 for _ in statement.find_all(exp.Like)) < 20
    wheres = {
        one.find_ancestor(exp.Select).args["where"]
        for one in statement.find_all(exp.Table)
        if one.db
    }
    [where] = wheres
    [pin] = [one for one in where.find_all(exp.In) if one.this.name == "$path"]
    assert [one.this for one in pin.expressions] == FILES


def test_rules_longer_than_a_statement_are_refused_by_name():
    many = {**PARAMETERS, **ownership_parameters(rules(20_000))}
    with pytest.raises(Refusal, match="ownership rules or tags are too long") as raised:
        scan_statement("rollup", "rollup_costs", table(), FILES, many)
    assert raised.value.exit_code == BAD_USAGE
    length = len(many["ownership_rules"].encode()) + len("''")
    assert f"{length:,} of ownership rules" in raised.value.found
    assert f"{2 * sum(len(one) for one in FILES)} of the names of files" in raised.value.found


@pytest.mark.parametrize("kind", [None, "string", "struct<product_name:string>"])
def test_a_table_that_cannot_name_products_is_read_without_names(kind):
    """Tables that were made before names were read have no such column; nothing is charged by it."""
    text = sent("rollup", "rollup_costs", product=kind).sql(dialect="athena")
    assert "CAST(NULL AS MAP(VARCHAR, VARCHAR)) AS product" in text
    without = {name: one for name, one in ALL.items() if name != "product"}
    require_catalog_columns(ReportTable(ATHENA, "billing.cur2", "s3://b/e/", without), ())
    named = sent("rollup", "rollup_costs").sql(dialect="athena")
    assert "ELEMENT_AT(product, 'product_name')" in named
