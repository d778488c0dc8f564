"""The quantities of unit costs: beside the ledger, immutable, once more for Athena, and verified."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot

from chargeback.aws.bucket import s3_place
from chargeback.books.ledger_table import LEDGER, METRICS, metrics_table, unit_costs_view
from chargeback.books.metrics_table import METRICS_SCHEMA
from chargeback.books.schema import POSTINGS
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.engine import Engine
from tests.close.months import MAY, digests, write_month
from tests.ledger.test_unit_costs import ledger
from tests.made_once import made_once
from tests.s3_books.conftest import Place
from tests.verify.books import close_small

HEAD = "billing_period,metric,business_unit_id,cost_center_id,quantity,source,as_of,final\n"
NAME = f"metrics/billing_period={MAY}/metrics.parquet"


@pytest.fixture(scope="session")
def counted_books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """May, closed with a quantity and a later count of it; not to be changed."""

    def close(folder):
        rows = f"{MAY},orders,shop,,900,shop,2026-06-01,no\n{MAY},orders,shop,,1000,shop,2026-06-03,yes\n"
        close_small(write_month(folder, metrics_csv=HEAD + rows), MAY)

    return Books(made_once(tmp_path_factory, "counted-books", close) / "books")


@pytest.fixture
def copied(counted_books: Books, place: Place) -> Callable[[], Books]:
    """Puts the closed May into a writer's copy; returns the books."""

    def copy() -> Books:
        books = place.open()
        for room in ("ledger", "statements", "evidence"):
            shutil.copytree(counted_books.root / room, books.root / room, dirs_exist_ok=True)
        return books

    return copy


def test_the_ledger_has_the_counts_that_held(counted_books):
    [row] = pq.read_table(counted_books.ledger(MAY) / "metrics.parquet").to_pylist()
    assert (row["quantity"], row["as_of"], row["is_final"]) == (1000, "2026-06-03", "yes")


def test_athena_gets_them_in_a_folder_of_their_own_and_all_is_verified(copied, place):
    books = copied()
    books.shelf.put_period(books, MAY, lambda _: None)
    assert place.objects()[NAME] == (books.ledger(MAY) / "metrics.parquet").read_bytes()
    place.verify()
    other = place.open("two")
    assert digests(other.ledger(MAY)) == digests(books.ledger(MAY))
    place.remove(NAME)
    with pytest.raises(Refusal) as raised:
        place.verify()
    assert raised.value.exit_code == CONTROL_FAILED and NAME in raised.value.block()
    other.shelf.complete(other)
    place.verify()


def test_what_somebody_else_put_there_stops_a_commit_and_verify(copied, place):
    books = copied()
    place.put(NAME, b"other quantities")
    with pytest.raises(Refusal) as raised:
        books.shelf.put_period(books, MAY, lambda _: None)
    assert raised.value.exit_code == CONTROL_FAILED and NAME in raised.value.where[0]
    assert not any(name.endswith("manifest.json") for name in place.objects())


def counts(*rows: tuple[str, str, str, str, str, str]) -> pa.Table:
    """Rows of the table: partition, month, unit, cost center, quantity, as of."""
    names = (
        "billing_period",
        "counted_period",
        "business_unit_id",
        "cost_center_id",
        "quantity",
        "as_of",
    )
    schema = METRICS_SCHEMA.append(pa.field("billing_period", pa.string()))
    usual = {"metric": "orders", "per": 1000, "source": "shop", "is_final": "yes"}
    lines = [dict(zip(names, one, strict=True)) | usual for one in rows]
    for one in lines:
        one["quantity"] = (
            pa.scalar(one["quantity"]).cast(METRICS_SCHEMA.field("quantity").type).as_py()
        )
    return pa.Table.from_pylist(lines, schema=schema)


def seen(metrics: pa.Table, postings: pa.Table) -> list[dict[str, object]]:
    """What the view answers, asked of the engine of the close in Athena's words."""
    engine = Engine(threads=1)
    engine.register(METRICS, metrics)
    engine.register(LEDGER, postings)
    select = unit_costs_view().partition(" as\n")[2]
    rows = engine.run(
        sqlglot.transpile(select, read="athena", write="duckdb")[0], "a test"
    ).to_pylist()
    engine.close()
    return sorted(rows, key=lambda one: (one["billing_period"], one["business_unit_id"]))


def test_the_view_takes_each_quantity_once_and_divides_sums():
    """May of a: 15.00 direct and 17.00 in all for 340 orders, counted as 300 before; of all 23.00 for 1,000."""
    may = ledger(
        ("a", "A1", "direct", "10.00"), ("a", "A1", "allocated", "2.00"), ("a", "A2", "direct", "5.00"),
        ("b", "B1", "direct", "7.00"), ("b", "B1", "adjustment", "-1.00"), ("", "", "direct", "-23.00"),
    )  # fmt: skip
    may = may.set_column(
        POSTINGS.names.index("billing_period"), "billing_period", pa.array([MAY] * 6)
    )
    metrics = counts(
        (MAY, MAY, "a", "", "300", "2026-06-01"), ("2026-06", MAY, "a", "", "340", "2026-06-20"),
        (MAY, MAY, "*", "", "1000", "2026-06-01"), (MAY, MAY, "b", "B1", "0", "2026-06-01"),
        ("2026-06", MAY, "b", "B1", "9", "2026-06-01"),
    )  # fmt: skip
    company, a, b = seen(metrics, may)
    assert (company["loaded_cost"], company["loaded_of_one"]) == (23, 23.0)
    assert (a["quantity"], a["direct_cost"], a["loaded_cost"]) == (340, 15, 17)
    assert a["loaded_of_one"] == pytest.approx(50.0) and a["as_of"] == "2026-06-20"
    assert (b["quantity"], b["loaded_cost"], b["loaded_of_one"]) == (0, 6, None), (
        "what was closed first"
    )


def test_the_table_has_the_columns_of_the_file():
    ddl = metrics_table(s3_place("s3://books/insurer", "BOOKS"))
    for field in METRICS_SCHEMA:
        assert f"`{field.name}`" in ddl
    assert "s3://books/insurer/metrics/billing_period=${billing_period}/" in ddl
