"""hledger and beancount read the generic file as an ERP would, and agree that each document balances."""

from __future__ import annotations

import csv
import io
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Transaction

from chargeback.delivery.erp.flat import ALL
from tests.erp.made import account, made
from tests.erp.parsers import generic
from tests.erp.test_layouts import CHARGES, MAPPING, journal
from tests.programs import program


def converted(content: bytes) -> tuple[str, str]:
    """The documents of a generic file as a journal of hledger and one of beancount, written by its columns."""
    documents: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(content.decode())):
        documents.setdefault(row["document"], []).append(row)
    hledger, beancount, accounts = [], [], set()
    for reference, rows in documents.items():
        hledger.append(f"{rows[0]['posting_date']} {reference}")
        beancount.append(f'{rows[0]["posting_date"]} * "{reference}"')
        for row in rows:
            amount = row["debit"] or f"-{row['credit']}"
            center = row["cost_center"] or "none"
            account_name = (
                f"Assets:C{row['company_code']}:A{row['gl_account']}:C{center.replace('_', '-')}"
            )
            accounts.add(account_name)
            hledger.append(f"    {account_name}  {amount} {row['currency']}")
            beancount.append(f"  {account_name}  {amount} {row['currency']}")
    opened = [f"2026-01-01 open {one}" for one in sorted(accounts)]
    return "\n".join(hledger) + "\n", "\n".join([*opened, *beancount]) + "\n"


@pytest.fixture
def content() -> bytes:
    """A generic file with two companies and a correction."""
    return ALL["generic"].content(
        journal("generic", made(CHARGES, [*MAPPING, account("rounding")]))
    )


def hledger_check(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What hledger says of a journal."""
    path = folder / "erp.journal"
    path.write_text(text)
    return subprocess.run(
        [program("hledger"), "-f", str(path), "balance", "--flat", "-N", "-O", "csv"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_hledger_agrees(content, tmp_path):
    done = hledger_check(converted(content)[0], tmp_path)
    assert done.returncode == 0, done.stderr
    found = {
        row["account"]: Decimal(row["balance"].removesuffix(" USD"))
        for row in csv.DictReader(io.StringIO(done.stdout), fieldnames=["account", "balance"])
        if row["account"] != "account"
    }
    # CC-1 1,234.56 and a correction of 0.01; CC-2 −0.05; CC-9 0.70 in the other company.
    assert found["Assets:C1000:A630000:CCC-1"] == Decimal("1234.57")
    assert found["Assets:C1000:A630000:CCC-2"] == Decimal("-0.05")
    assert found["Assets:C2000:A630000:CCC-9"] == Decimal("0.70")
    assert found["Assets:C1000:A199000:C9000"] == Decimal("-1235.22")
    assert (
        found["Assets:C1000:A151000:Cnone"]
        == -found["Assets:C2000:A251000:Cnone"]
        == Decimal("0.70")
    )
    assert sum(found.values()) == 0


def test_beancount_agrees(content):
    entries, errors, _ = loader.load_string(converted(content)[1])
    assert errors == []
    found = [one for one in entries if isinstance(one, Transaction)]
    assert sorted(one.narration for one in found) == sorted(generic(content))


def test_a_cent_that_is_missing_is_found_by_both(content, tmp_path):
    hledger, beancount = (
        text.replace(" 1234.56 USD", " 1234.55 USD") for text in converted(content)
    )
    done = hledger_check(hledger, tmp_path)
    assert done.returncode and "could not balance" in done.stderr
    _, errors, _ = loader.load_string(beancount)
    assert [type(one).__name__ for one in errors] == ["ValidationError"]
