"""Terms are explained where they stand, in the words of the glossary, the same in every medium."""

from __future__ import annotations

import re

import pytest

from chargeback.core.paths import ROOT
from chargeback.pages.terms import KEY, POOL, TERMS, Term, Terms
from chargeback.pages.vocabulary import vocabulary

GLOSSARY = dict(
    re.findall(
        r"^\*\*(.+?)\*\* (.+?)$", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.MULTILINE
    )
)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.word)
def test_an_entry_of_the_glossary_begins_with_what_a_page_says(term: Term):
    entry = GLOSSARY[term.entry]
    assert entry.startswith(term.says), (term.word, entry)
    after = entry.removeprefix(term.says)
    assert after[:1] in set(".;:, "), "whole words of it"


def test_each_term_is_one_sentence_and_is_there_once():
    assert len({one.word for one in TERMS}) == len(TERMS) > 10
    for one in TERMS:
        assert not one.says.endswith(".") and ". " not in one.says


def test_a_page_may_show_all_of_them():
    """Else a unit that is called like a word of an explanation would stop a close."""
    known = set(vocabulary())
    assert all({one.word, one.says} <= known for one in TERMS)


def test_html_and_typst_say_the_same():
    terms = Terms([POOL, KEY])
    assert terms.text == (
        "Pool: shared or unowned cost that is split. Key: the rule that splits a pool."
    )
    assert " ".join(re.sub(r"<.+?>", "", terms.html()).split()) == terms.text
    said = re.findall(r'"([^"]*)"', terms.typst())
    assert "".join(said).replace(".Key", ". Key") == terms.text


def test_what_could_be_markup_is_text():
    terms = Terms([Term("<b>", "x", 'a "quoted" & <i>')])
    assert "&lt;b&gt;" in terms.html() and "<i>" not in terms.html()
    assert '\\"quoted\\"' in terms.typst()
