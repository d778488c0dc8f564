"""Audits of whole closes: statements rendered again, and the real month."""

from __future__ import annotations

import hashlib
import shutil
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from chargeback.books.checked import checked_manifest
from chargeback.books.verify import verify_period
from chargeback.books.work_folder import WorkFolder
from chargeback.cli import main
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.core.books_folders import Books
from chargeback.core.paths import sql_folder, sql_from
from chargeback.review.audit.gate import read_trust
from chargeback.review.audit.run import audit_period
from chargeback.signing.signing_key import signing_key
from tests.audit.test_audit import lines
from tests.close.months import MAY, Month, write_month
from tests.stage_runs import run_stage
from tests.verify.books import close_small, sign_again

pytestmark = pytest.mark.slow


def test_statements_are_rendered_again_byte_for_byte(tmp_path, monkeypatch, capsys):
    month = write_month(tmp_path)
    monkeypatch.setattr(stages, "run_stage_notebook", run_stage)
    closing = WorkFolder(MAY, month.report, month.params, month.books, month.books.work(MAY))
    close.monthly_close(closing, lambda _: None)
    assert main(["audit", MAY, *month.options]) == 0
    said = capsys.readouterr().out
    assert "Passed: no difference in any check" in said
    assert "7 files as HTML, CSV and PDF before it was signed, byte for byte" in said
    assert len(list(month.books.audits.iterdir())) == 2
    manifest = checked_manifest(month.books, MAY)
    rendered = manifest["unsigned_pdfs"]["statements/shop/statement.pdf"]["sha256"]
    shop = month.books.statements(MAY) / "shop"
    html = (shop / "statement.html").read_text().replace("80.00", "81.00")
    (shop / "statement.html").write_text(html)
    [line] = lines(audit_period(MAY, month.books, month.report))
    assert line.startswith("statements/shop/statement.html: ")

    def change(manifest: dict[str, Any]) -> None:
        manifest["derived"]["statements/shop/statement.html"] = hashlib.sha256(
            html.encode()
        ).hexdigest()
        manifest["unsigned_pdfs"]["statements/shop/statement.pdf"]["sha256"] = "0" * 64

    sign_again(month.books, MAY, signing_key(month.books), change)
    said_again = lines(audit_period(MAY, month.books, month.report))
    assert any("rendered bytes" in one for one in said_again)  # of the PDF: it goes no further
    sign_again(month.books, MAY, signing_key(month.books), lambda manifest: manifest[
        "unsigned_pdfs"]["statements/shop/statement.pdf"].update(sha256=rendered))  # fmt: skip
    said_again = lines(audit_period(MAY, month.books, month.report))
    assert any(one.startswith("statements/shop/statement.html: sha256 ") for one in said_again)
    assert any("control statements_tie_to_ledger: holds instead of" in one for one in said_again)


def test_an_index_that_was_altered_is_named_by_verify_and_by_the_audit(tmp_path, monkeypatch):
    """Also where somebody with the key signs it again: then by the controls, and by rendering it again."""
    month = write_month(tmp_path)
    monkeypatch.setattr(stages, "run_stage_notebook", run_stage)
    closing = WorkFolder(MAY, month.report, month.params, month.books, month.books.work(MAY))
    close.monthly_close(closing, lambda _: None)
    path = month.books.statements(MAY) / "index.html"
    path.write_text(path.read_text().replace("80.00", "81.00"))
    [finding] = verify_period(month.books, MAY)
    assert finding.path == f"statements/billing_period={MAY}/index.html"
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    sign_again(month.books, MAY, signing_key(month.books), lambda manifest: manifest[
        "derived"].update({"statements/index.html": sha256}))  # fmt: skip
    said = lines(audit_period(MAY, month.books, month.report))
    assert any(one.startswith("statements/index.html: sha256 ") for one in said)
    assert any("control statements_tie_to_their_index: holds instead of" in one for one in said)
    assert not [one for one in said if "shop" in one and "statements/" in one]


def test_a_period_of_a_version_without_an_index_verifies_and_passes_and_gets_none(
    tmp_path, monkeypatch
):
    month = write_month(tmp_path)
    monkeypatch.setattr(stages, "run_stage_notebook", run_stage)
    shutil.copytree(sql_folder(), tmp_path / "sql")
    (tmp_path / "sql" / "controls" / "statements_tie_to_their_index.sql").unlink()
    closing = WorkFolder(MAY, month.report, month.params, month.books, month.books.work(MAY))
    with sql_from(tmp_path / "sql"):
        close.monthly_close(closing, lambda _: None)
    statements = month.books.statements(MAY)
    files = {path: path.read_bytes() for path in statements.rglob("*") if path.is_file()}
    assert len(files) == 6 and not (statements / "index.html").exists()
    assert verify_period(month.books, MAY) == []
    own = signing_key(month.books).certificate.fingerprint(SHA256()).hex()
    audit = audit_period(MAY, month.books, month.report, trust=read_trust(None, own))
    assert (lines(audit), audit.passed) == ([], True)
    (statements / "shop" / "statement.csv").unlink()
    said: list[str] = []
    close.monthly_close(closing, said.append)  # by the SQL of now, which has the control
    assert "statements missing or altered: statements/shop/statement.csv" in "\n".join(said)
    assert {path for path in statements.rglob("*") if path.is_file()} == set(files)
    assert (statements / "shop" / "statement.csv").read_bytes() == files[
        statements / "shop" / "statement.csv"
    ]


def test_the_real_month_passes(workshop, tmp_path):
    month = Month(workshop.report, workshop.params, Books(tmp_path / "books"))
    close_small(month, workshop.period)
    audit = audit_period(workshop.period, month.books, month.report, render=False)
    assert lines(audit) == []
    assert audit.passed
    [counted] = [one for one in audit.checks if one.name == "recount by a second path"]
    assert "119,307 rows of 4,064.4831315379 unblended" in counted.compared
    assert counted.compared.endswith("charged on invoices: 156090591 4,064.48")
