"""Audits of whole closes: statements rendered again, and the real month."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from chargeback.books.checked import checked_manifest
from chargeback.books.work_folder import WorkFolder
from chargeback.cli import main
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.core.books_folders import Books
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


def test_the_real_month_passes(workshop, tmp_path):
    month = Month(workshop.report, workshop.params, Books(tmp_path / "books"))
    close_small(month, workshop.period)
    audit = audit_period(workshop.period, month.books, month.report, render=False)
    assert lines(audit) == []
    assert audit.passed
    [counted] = [one for one in audit.checks if one.name == "recount by a second path"]
    assert "119,307 rows of 4,064.4831315379 unblended" in counted.compared
    assert counted.compared.endswith("charged on invoices: 156090591 4,064.48")
