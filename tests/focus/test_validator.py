"""FOCUS's own validator reads the files: nothing fails but the rules that are known to be wrong."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chargeback.cli import main
from chargeback.core.paths import PARAMS
from tests.focus.install import is_installed, place
from tests.programs import missing
from tests.restatement.months import APRIL, MAY, Estate
from tests.restatement.several_providers import close_april, of
from tests.sources.other_providers import azure_row

pytestmark = pytest.mark.slow

#: What these books have of what FOCUS asks of some providers only.
SUPPORTED = (
    "ACCOUNT_NAMING_SUPPORTED", "SUB_ACCOUNT_SUPPORTED", "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
)  # fmt: skip

#: Rules that the validator applies otherwise than the specification says them, and why.
KNOWN_FALSE = {
    # "MUST be null when the charge is not associated with an invoice": it fails every invoice id there is.
    "InvoiceId-C-004-C",
    # "MUST be 0 when the purchase is intended to cover future eligible charges": it asks that of subscriptions
    # too, which cover the month itself.
    "EffectiveCost-C-005-C",
}


#: The same where an invoice's issuer is written otherwise than its provider: "MUST be 0 for charges where
#: payments are received by a third party", which it takes Observa Inc. for beside Observa.
KNOWN_FALSE_OF_ISSUERS = {"BilledCost-C-005-C", "BilledCost-C-000-M"}


def failures(path: Path) -> set[str]:
    """The rules that fail; the validator ends with 0 whatever it finds, so that its words are read."""
    command = [
        str(place() / "bin" / "focus-validator"), "--data-file", str(path), "--validate-version", "1.2",
        "--block-download", "--applicability-criteria", ",".join(SUPPORTED),
    ]  # fmt: skip
    [packages] = place().glob("lib/python3.12/site-packages")
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    said = re.search(r"Total: ([0-9]+) \| Pass: ([0-9]+) \| Fail: ([0-9]+)", done.stdout)
    assert said and int(said[2]) > 100, done.stdout[-2000:] + done.stderr[-2000:]
    found = re.findall(r"^❌ (\S+): FAIL", done.stdout, re.MULTILINE)
    assert len(found) == int(said[3])
    return set(found)


@pytest.fixture(autouse=True)
def validator() -> None:
    if not is_installed():
        missing("FOCUS's validator is not installed: python3 -m tests.focus.install")


def test_a_month_of_the_sample(estate: Path, tmp_path: Path) -> None:
    verb = ["focus", MAY, "--books", str(estate / "books"), "--params", str(PARAMS)]
    assert main([*verb, "--to", str(tmp_path / "f")]) == 0
    path = tmp_path / "f" / "1.2" / "cost_and_usage.parquet"
    assert failures(path) == KNOWN_FALSE
    rows = pq.read_table(path).to_pylist()
    paid = [one for one in rows if one["ChargeCategory"] == "Purchase" and one["EffectiveCost"]]
    assert {one["x_LineItemType"] for one in paid} == {"Fee"}


def test_a_month_with_corrections(corrected: Estate, tmp_path: Path) -> None:
    verb = ["focus", MAY, "--books", str(corrected.books.root), "--params", str(corrected.params)]
    assert main([*verb, "--to", str(tmp_path / "f")]) == 0
    assert failures(tmp_path / "f" / "1.2" / "cost_and_usage.parquet") == {"InvoiceId-C-004-C"}


@pytest.mark.parametrize("issuer", ["Observa", "Observa Inc."])
def test_a_month_of_several_providers_with_a_correction(
    issuer: str, tmp_path: Path, monkeypatch
) -> None:
    """Azure delivered April again; what is said of an issuer depends on how its name is written."""
    monkeypatch.setattr("chargeback.sources.provider_folders.BUILD", tmp_path / "build")
    estate = close_april(tmp_path)
    estate.azure(APRIL, [azure_row(45.0, of("CC-1")), azure_row(28.0)], run=1)
    estate.invoiced(APRIL, azure="73.00")
    invoices = estate.params / "invoices.csv"
    estate.write(invoices_csv=invoices.read_text().replace("Observa Inc.", issuer))
    estate.close(MAY)
    verb = ["focus", MAY, "--books", str(estate.books.root), "--params", str(estate.params)]
    assert main([*verb, "--to", str(tmp_path / "f")]) == 0
    path = tmp_path / "f" / "1.2" / "cost_and_usage.parquet"
    rows = pq.read_table(path).to_pylist()
    assert {one["ProviderName"] for one in rows} == {"AWS", "Microsoft", "Observa"}
    assert {one["ChargeClass"] for one in rows if one["ProviderName"] == "Microsoft"} == {
        None, "Correction",
    }  # fmt: skip
    others = KNOWN_FALSE_OF_ISSUERS if issuer == "Observa Inc." else set()
    assert failures(path) == {"InvoiceId-C-004-C"} | others


def test_a_file_that_is_wrong_is_found(corrected: Estate, tmp_path: Path) -> None:
    """A category that FOCUS does not know fails, so that what passes says something."""
    verb = ["focus", MAY, "--books", str(corrected.books.root), "--params", str(corrected.params)]
    assert main([*verb, "--to", str(tmp_path / "f")]) == 0
    path = tmp_path / "f" / "1.2" / "cost_and_usage.parquet"
    table = pq.read_table(path)
    at = table.column_names.index("ChargeCategory")
    wrong = table.set_column(at, "ChargeCategory", [["Cloud"] * table.num_rows])
    pq.write_table(wrong, path)
    assert any(one.startswith("ChargeCategory-") for one in failures(path))
