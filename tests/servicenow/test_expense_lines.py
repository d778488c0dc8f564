"""Expense lines of a period: what they are, and that they sum to what the ledger charges."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from chargeback.books.schema import POSTINGS
from chargeback.books.tables import statement_total
from chargeback.delivery.expense_lines import SOURCE_ID, ExpenseLine, expense_lines
from chargeback.delivery.servicenow import import_set

BOOKS, MAY = "9f0c2b7d11aa43e5", "2026-05"
OF_MAY = f"chargeback:{BOOKS}:{MAY}"

Posted = tuple[str | None, str, str | None, str]


def postings(*rows: Posted) -> pa.Table:
    """Postings of cost center, kind, original period and amount; what else they have says nothing here."""
    cells = [
        {**dict.fromkeys(POSTINGS.names), "cost_center_id": center, "kind": kind,
         "original_period": original, "amount": Decimal(amount)}
        for center, kind, original, amount in rows
    ]  # fmt: skip
    return pa.Table.from_pylist(cells, schema=POSTINGS)


def lines(*rows: Posted) -> list[ExpenseLine]:
    """The lines of postings."""
    return expense_lines(postings(*rows), BOOKS, MAY, {"CC-1": "Claims"})


def test_one_line_for_each_cost_center_and_kind_and_corrected_period():
    found = lines(
        ("CC-1", "direct", None, "10.01"), ("CC-1", "direct", None, "0.02"),
        ("CC-1", "allocated", None, "-3.00"), ("CC-2", "direct", None, "7.00"),
        ("CC-1", "direct", "2026-03", "-1.25"), (None, "pooled", None, "-99.00"),
        ("CC-2", "rounding", None, "0.01"), ("CC-2", "rounding", None, "-0.01"),
    )  # fmt: skip
    assert [(one.entry.removeprefix(f"{OF_MAY}:"), str(one.amount)) for one in found] == [
        ("CC-1:allocated", "-3.00"),
        ("CC-1:direct", "10.03"),
        ("CC-1:direct:2026-03", "-1.25"),
        ("CC-2:direct", "7.00"),
    ]
    assert {one.posted_on for one in found} == {"2026-05-31"}
    assert found[2].description == "AWS 2026-05, correction of 2026-03, direct: CC-1 Claims"
    assert found[3].description == "AWS 2026-05, direct: CC-2"


def test_the_record_of_a_line():
    [line] = lines(("CC-1", "direct", None, "-1234.50"))
    fields = line.fields("u_chargeback_entry", "a sys_id")
    source_id = fields.pop(SOURCE_ID)
    assert fields == {
        "u_chargeback_entry": f"{OF_MAY}:CC-1:direct", "date": "2026-05-31",
        "short_description": "AWS 2026-05, direct: CC-1 Claims", "summary_type": "run_business",
        "type": "one-time", "state": "processed", "amount": "-1234.50", "cost_center": "a sys_id",
    }  # fmt: skip
    assert len(source_id) == 32 and int(source_id, 16)


def test_source_ids_of_a_period_begin_alike_and_end_apart():
    rows: list[Posted] = [
        (f"CC-{number}", kind, None, "1.00")
        for number in range(50)
        for kind in ("direct", "direct:")
    ]
    rows += [("direct", "direct", None, "1.00"), ("direct", "direct", "2026-03", "1.00")]
    ids = [one.source_id for one in lines(*rows)]
    assert len(set(ids)) == len(rows) == 102
    assert {one[:16] for one in ids} == {ids[0][:16]}


AMOUNT = st.integers(-(10**9), 10**9).map(lambda cents: str(Decimal(cents).scaleb(-2)))
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "A", "B", "C"]), st.sampled_from(["direct", "allocated", "rounding"]),
        st.sampled_from([None, "2026-03", "2026-04"]), AMOUNT,
    ),
    max_size=30,
)  # fmt: skip


@settings(deadline=None)
@given(ROWS)
def test_lines_sum_to_what_the_ledger_charges(rows):
    found = lines(*rows)
    assert sum((one.amount for one in found), Decimal(0)) == statement_total(postings(*rows))
    for center in "ABC":
        own = sum((Decimal(row[3]) for row in rows if row[0] == center), Decimal(0))
        assert sum(one.amount for one in found if one.cost_center_id == center) == own
    assert all(one.amount for one in found)
    assert len({one.entry for one in found}) == len(found)
    assert lines(*reversed(rows)) == found


def test_an_import_set_has_a_column_for_each_field_and_no_formulas():
    found = expense_lines(
        postings(("CC-1", "direct", None, "-10.50")), BOOKS, MAY, {"CC-1": "a;=cmd()"}
    )
    header, row = import_set(found, "u_chargeback_entry").decode().splitlines()
    assert header == (
        "u_chargeback_entry,date,short_description,summary_type,type,state,amount,cost_center,source_id"
    )
    assert row == (
        f'{OF_MAY}:CC-1:direct,2026-05-31,"AWS 2026-05, direct: CC-1 a;\'=cmd()",run_business,one-time,'
        f"processed,-10.50,CC-1,{found[0].source_id}"
    )
