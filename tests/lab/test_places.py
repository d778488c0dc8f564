"""Where notebooks find things: what they name, else what the lab says, else the built-in sample."""

from __future__ import annotations

import pytest

from chargeback.books.work_folder import open_work
from chargeback.core.books_folders import Books, named_books
from chargeback.core.errors import Refusal
from chargeback.core.paths import (
    BOOKS,
    BOOKS_VARIABLE,
    CUR_VARIABLE,
    PARAMS,
    PARAMS_VARIABLE,
    ROOT,
    SAMPLE_CUR,
    named_params,
    named_report,
)
from chargeback.statements import stage as statements


def test_without_a_lab_it_is_the_sample(monkeypatch):
    for name in (CUR_VARIABLE, PARAMS_VARIABLE, BOOKS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    assert (named_report(), named_params(), named_books()) == (
        str(SAMPLE_CUR),
        PARAMS,
        Books(BOOKS),
    )


def test_the_lab_s_places_hold_for_what_is_blank(monkeypatch):
    monkeypatch.setenv(CUR_VARIABLE, "/data/cur")
    monkeypatch.setenv(PARAMS_VARIABLE, "/data/params")
    monkeypatch.setenv(BOOKS_VARIABLE, "/data/books")
    assert named_report("") == "/data/cur"
    assert str(named_params("")) == "/data/params"
    assert str(named_books("").root) == "/data/books"


def test_what_a_notebook_names_goes_first_from_the_repository_on(monkeypatch):
    monkeypatch.setenv(CUR_VARIABLE, "/data/cur")
    monkeypatch.setenv(BOOKS_VARIABLE, "/data/books")
    assert named_report("proposed/cur") == str(ROOT / "proposed" / "cur")
    assert named_books("other").root == ROOT / "other"
    assert named_report("athena") == "athena"
    monkeypatch.setenv(CUR_VARIABLE, "athena")
    assert named_report() == "athena"


def test_a_stage_without_the_one_before_it_says_so_plainly(monkeypatch, tmp_path):
    monkeypatch.setenv(BOOKS_VARIABLE, str(tmp_path / "books"))
    monkeypatch.setenv(CUR_VARIABLE, str(tmp_path / "cur"))
    month = open_work("2026-05", "", str(PARAMS))
    assert month.folder == tmp_path / "books" / "lab" / "work" / "billing_period=2026-05"
    for read, notebook in (
        (month.source_record, "01-sources"),
        (lambda: month.table("rollup"), "02-rollup"),
        (lambda: month.table("owned_costs"), "03-attribution"),
        (lambda: month.table("charges"), "04-allocation"),
        (lambda: statements.gather(month), "05-ledger"),
    ):
        with pytest.raises(Refusal) as refused:
            read()
        shown = refused.value._render_traceback_()
        assert shown[0] == "STOPPED  an earlier stage has not run in this work folder"
        assert any(f"run {notebook}.ipynb first" in line for line in shown)
