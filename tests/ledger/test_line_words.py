"""The words that name a line, as a page has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from chargeback.books.schema import POSTINGS
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.ledger.line_words import LineNames, plain_words
from chargeback.ledger.references import References
from chargeback.ledger.statement_lines import by_unit, charges, postings_of_line

PERIOD = "2026-05"
NAMES = LineNames(
    units={"claims": "Claims Operations", "it": "IT/Platform"},
    centers={"CC-1": "Claims Intake", "CC-2": "Appeals", "CC-9": "Platform"},
    accounts={"012345670123": "claims-prod", "000000000002": "shared lab"},
    pools={"aws-support": "AWS Support", "untagged": "Untagged"},
    products={"1abc": "Observability, Inc."},
)


def posting(
    number: int, unit: str | None, center: str | None, amount: str, **values: Any
) -> dict[str, Any]:
    row = dict.fromkeys(POSTINGS.names)
    row |= {
        "entry_id": f"{PERIOD}/direct/1/{center}", "line": number, "billing_period": PERIOD, "kind": "direct",
        "ledger_account": f"cost-center:{center}", "business_unit_id": unit, "cost_center_id": center,
        "invoice_id": "1", "rule": "tag:t", "currency": "USD", "amount": Decimal(amount),
        "exact_amount": Decimal(amount),
    }  # fmt: skip
    return row | values


def cost(number, unit, center, amount, account="012345670123", code="AmazonS3"):
    return posting(number, unit, center, amount, account_id=account, product_code=code)


def support(number, unit, center, amount, account=None):
    return posting(
        number, unit, center, amount, kind="allocated", pool_id="aws-support", allocation_key="even",
        entry_id=f"{PERIOD}/allocated/1/aws-support", rule="pool:aws-support",
        ledger_account=account or f"cost-center:{center}", weight=None if account else Decimal(1),
    )  # fmt: skip


ROWS = [
    cost(1, "claims", "CC-1", "10.00"),
    cost(2, "claims", "CC-2", "5.00"),
    cost(3, "claims", "CC-2", "1.00", account="000000000002"),
    cost(4, "claims", "CC-2", "0.50", code="1abc"),
    cost(5, "it", "CC-9", "7.00"),
    support(1, None, None, "-6.00", "pool:aws-support"),
    support(2, "claims", "CC-1", "2.00"),
    support(3, "claims", "CC-2", "2.00"),
    support(4, "it", "CC-9", "2.00"),
    posting(1, "it", "CC-9", "3.00", kind="commitment", entry_id=f"{PERIOD}/commitment/1/CC-9",
            product_code="AmazonEC2", line_item_type="RIFee", rule="commitment"),
    posting(1, "it", "CC-9", "0.01", kind="rounding", entry_id=f"{PERIOD}/rounding/1", rule="rounding"),
    posting(1, "claims", "CC-1", "-4.00", kind="adjustment", entry_id=f"{PERIOD}/adjustment/1",
            rule="adjustment:CHG7", invoice_id=None),
    posting(2, "it", "CC-9", "4.00", kind="adjustment", entry_id=f"{PERIOD}/adjustment/1",
            rule="adjustment:CHG7", invoice_id=None),
    posting(1, "claims", "CC-1", "-9.00", entry_id=f"{PERIOD}/adjustment/2026-04/direct/1/CC-1",
            kind="adjustment", original_period="2026-04", product_code="AmazonS3"),
    posting(2, "claims", "CC-1", "8.00", entry_id=f"{PERIOD}/adjustment/2026-04/direct/1/CC-1",
            kind="adjustment", original_period="2026-04", product_code="AmazonS3"),
]  # fmt: skip
LEDGER = pa.Table.from_pylist(ROWS, schema=POSTINGS)


def amount_of(line: str) -> Decimal:
    rows = postings_of_line(LEDGER, PERIOD, line, NAMES).rows
    return sum((row["amount"] for row in rows), Decimal(0))


def refused(line: str) -> Refusal:
    with pytest.raises(Refusal) as raised:
        postings_of_line(LEDGER, PERIOD, line, NAMES)
    assert raised.value.exit_code == BAD_USAGE
    return raised.value


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ("claims/012345670123/AmazonS3", "15.00"),
        ("CLAIMS OPERATIONS/claims-prod/amazon s3", "15.00"),
        ("Claims Operations / 012345670123 / Amazon  S3", "15.00"),
        ("claims/AmazonS3", "16.00"),  # over all accounts
        ("claims/amazon s3", "16.00"),
        ("claims/claims-prod", "15.50"),  # all services of an account
        ("Shared Lab", "1.00"),  # one unit alone has it
        ("claims/observability, inc.", "0.50"),
        ("IT/Platform/Amazon S3", "7.00"),  # a name with a slash
        ("Appeals/AmazonS3", "6.00"),
        ("cc-1/aws support", "2.00"),
        ("claims/AWS Support", "4.00"),
        ("it/commitments", "3.00"),
        ("commitments/Amazon EC2/Fee of reservations", "3.00"),
        ("Rounding", "0.01"),
        ("claims/adjustments", "-4.00"),
        ("claims/chg7", "-4.00"),
        ("claims/adjustment/CHG7", "-4.00"),
        ("claims/corrections", "-1.00"),
        ("claims/corrections/april 2026", "-1.00"),
        ("2026-05/DIRECT/1/cc-1:1", "10.00"),
        ("direct/1/CC-2", "6.50"),
    ],
)
def test_a_line_is_named_by_the_pages_words(line, amount):
    assert amount_of(line) == Decimal(amount)


def test_every_line_of_every_unit_is_found_by_its_reference():
    for unit, rows in by_unit(filter(charges, ROWS)).items():
        lines = References.of(PERIOD, unit, rows)
        for key, text in lines.texts.items():
            expected = sum(row["amount"] for row in lines.rows[key])
            assert amount_of(f"{unit}/{text.lower()}") == expected, key
            assert amount_of(text) == expected, key


@pytest.mark.parametrize("line", ["aws-support", "AmazonS3", "adjustments", "chg7"])
def test_words_of_several_units_are_refused_with_their_lines_and_no_amount(line):
    stop = refused(line)
    assert stop.what == "this names more than one line of the period"
    text = "\n".join(stop.where)
    assert "claims" in text and "it" in text and "USD" not in text
    for hint in stop.where:
        reference, unit = hint.split()[:2]
        assert amount_of(f"{unit}/{reference}")


@pytest.mark.parametrize("line", ["claims", "Claims Operations", "CC-2", "Appeals"])
def test_an_owner_alone_is_refused_with_the_lines_that_are_its_own(line):
    stop = refused(line)
    assert stop.what == "this names more than one line of the period"
    for hint in stop.where:
        reference, unit = hint.split()[:2]
        if reference == "and":  # and so many more
            continue
        assert unit == "claims" and f"{amount_of(reference):,.2f}".lstrip("-") in hint


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("claims/012345670123/AmazonS4", "claims/012345670123/AmazonS3"),
        ("claims/aws-suport", "claims/aws-support"),
        ("Claims Operations/amazon s33", "claims/AmazonS3"),
        ("it/comitments", "it/commitments"),
    ],
)
def test_what_comes_near_exists_and_is_the_units_own(line, near):
    stop = refused(line)
    assert stop.what == "there is no such line in this period" and near in stop.where
    unit = near.partition("/")[0]
    for hint in stop.where:
        rows = postings_of_line(LEDGER, PERIOD, hint.split("  ")[0], NAMES).rows
        assert {row["business_unit_id"] for row in rows} == {unit}, hint


@pytest.mark.parametrize("line", ["K7M2QX", "claims/K7M2QX", "\x1b[2J", "/", "", "2026-05/"])
def test_what_nothing_is_called_is_refused(line):
    assert refused(line).what == "there is no such line in this period"


def test_the_posting_that_empties_a_pool_is_no_line():
    assert refused("allocated/1/aws-support:1").what == "there is no such line in this period"


def test_words_are_compared_without_case_and_spaces():
    assert plain_words(" Straße  1 / B ") == plain_words("STRASSE 1/b")
