"""Small books to verify: closed and signed by the real close, with small statements in the place of real ones.

Rendering and notebooks take seconds, and verifying reads neither; everything else is what a close does.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from chargeback.books.history import Close, History, history_part, log_of
from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE, file_path
from chargeback.books.source_record import CUR_2, SourceFile, SourceRecord
from chargeback.books.work_folder import WorkFolder
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.core.books_folders import Books
from chargeback.signing.cms import sign_detached
from chargeback.signing.signing_key import KEY_VARIABLE, SigningKey, signing_key
from chargeback.statements import stage as statements_stage
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.render import Renderer
from tests.close.months import JUNE, MAY, Month, manifest, sha256, write_month
from tests.signing.pdfs import small_pdf
from tests.stage_runs import run_stage


def bare_manifest(
    period: str, derived: Mapping[str, str], of_run: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A manifest with every part that one must have, of a period that charges nothing.

    Args:
        derived, of_run: the files that it names, with their sha256.
    """
    delivery = SourceRecord(
        period,
        "none",
        "e-0",
        CUR_2,
        SourceFile("metadata/none.json", 2, "0" * 64, 0),
        (),
        (),
        (),
        0,
        "0",
    )
    return {
        "billing_period": period, "currency": "USD", "cost_basis": "amortized", "params": {},
        "sources": json.loads(delivery.to_json()),
        "controls": [], "invoices": {}, "postings": {"sha256": "0" * 64, "rows": 0, "charged": "0.00"},
        "previous": None, "signer": {"name": "CN=nobody", "development": True}, "derived": dict(derived),
        "unsigned_pdfs": {}, "run": {"files": dict(of_run or {})},
    }  # fmt: skip


def close_small(
    month: Month, *periods: str, key_file: Path | None = None, by: str = ""
) -> list[str]:
    """Close periods in this process; returns what was said."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "run_stage_notebook", run_stage)
        patch.setattr(statements_stage, "write_statements", write_small_statements)
        patch.setattr(statements_stage, "control", lambda work, inputs: [])
        if key_file:
            patch.setenv(KEY_VARIABLE, str(key_file))
        for period in periods:
            work = month.books.work(period)
            closing = WorkFolder(period, month.report, month.params, month.books, work, by=by)
            close.monthly_close(closing, said.append)
    return said


def write_small_statements(
    inputs: StatementInputs,
    folder: Path,
    evidence: Path,
    progress: Callable[[str], None],
    renderer: Renderer,
    most: int,
) -> None:
    """A statement of a few words per unit, in all three media, and a notebook with its data."""
    for unit_id in inputs.params.business_units:
        text = f"{unit_id} {inputs.billing_period} {inputs.digests['postings']} {inputs.signer}"
        (folder / unit_id).mkdir()
        (folder / unit_id / "statement.html").write_text(f"<p>{text}</p>\n")
        (folder / unit_id / "statement.csv").write_text(f"text\n{text}\n")
        (folder / unit_id / "statement.pdf").write_bytes(small_pdf(text))
        (evidence / f"statement-{unit_id}.ipynb").write_text(json.dumps({"cells": []}))
        (evidence / f"statement-{unit_id}.json").write_text("{}")


def two_periods(folder: Path, **files: str) -> Month:
    """May and June, closed with a development key."""
    month = write_month(folder, **files)
    close_small(month, MAY, JUNE)
    return month


def copy_books(month: Month, folder: Path) -> Books:
    """A copy of the books, to do with as a test likes."""
    shutil.copytree(month.books.root, folder / "books")
    return Books(folder / "books")


def sign_again(books: Books, period: str, key: SigningKey, change: Callable[[Any], object]) -> None:
    """Change a manifest and sign it so that its signature holds."""
    path = books.ledger(period) / MANIFEST
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    signature = sign_detached(path.read_bytes(), key)
    path.with_name(MANIFEST_SIGNATURE).write_bytes(signature)


def sign_files_again(books: Books, period: str) -> None:
    """Sign a manifest, with the books' own key, that has ledger and evidence as they are now."""

    def change(content: Any) -> None:
        for files in (content["derived"], content["run"]["files"]):
            for name in files:
                if not name.startswith("statements/"):
                    files[name] = sha256(file_path(books, period, name))
        params = books.evidence(period) / "params"
        content["params"] = {name: sha256(params / name) for name in content["params"]}

    sign_again(books, period, signing_key(books), change)


def copy_period(books: Books, period: str, copies: Sequence[str], key: SigningKey) -> None:
    """Put a closed period beside itself under other names, linked as closes link them."""
    before = period
    for copy in copies:
        for folder in (books.ledger, books.statements, books.evidence):
            shutil.copytree(folder(period), folder(copy))
        link_to(books, copy, before, key)
        before = copy


def link_to(books: Books, period: str, before: str, key: SigningKey) -> None:
    """Make a period the one that was closed right after another, and sign it again."""
    sha = sha256(books.ledger(before) / MANIFEST)
    log = log_of(manifest(books, before))
    assert log
    after = History(log.books_id, (*log.closes, Close(before, sha)))
    link = {"billing_period": before, "manifest_sha256": sha}
    sign_again(
        books, period, key,
        lambda one: one.update(billing_period=period, previous=link, **history_part(after)),
    )  # fmt: skip
