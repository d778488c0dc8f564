"""Where notebooks find things: what they name, else what the lab says, else the built-in sample."""

from __future__ import annotations

from chargeback.core.books_folders import Books, named_books
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
