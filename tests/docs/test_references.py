"""What code, SQL and pages refer to is in this repository: pages, anchors, facts, decisions."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargeback.core.paths import ROOT

FACTS = ROOT / "docs" / "cur-facts.md"

#: "CUR fact 2.8", "CUR facts 1.2 and 1.3", "CUR facts 1.10, 1.11": perhaps wrapped within a comment.
CITED = re.compile(r"CUR facts?((?:(?:[\s#:*/-]+|, ?|and)+\d+\.\d+)+)")
NUMBER = re.compile(r"\d+\.\d+")

READ = (".py", ".sql", ".md", ".ipynb", ".toml", ".csv", ".html", ".css", ".typ", ".yml", ".yaml")


def texts() -> Iterator[tuple[str, str]]:
    """Every tracked text of the repository by its place; all files where git is not there."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines() or [
        path.relative_to(ROOT).as_posix()
        for room in ("chargeback", "sql", "tests", "docs", "notebooks", "reports", "params")
        for path in (ROOT / room).rglob("*")
    ]
    for name in [*tracked, "Makefile"]:
        path = ROOT / name
        if path.is_file() and (path.suffix in READ or path.name == "Makefile"):
            yield name, path.read_text(encoding="utf-8")


TEXTS = dict(texts())
PAGES = {name: text for name, text in TEXTS.items() if name.endswith(".md")}


def anchors(page: str) -> list[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(
        r"^#+ +(.+?) *$", re.sub(r"^```.*?^```", "", page, flags=re.M | re.S), re.M
    )
    plain = [re.sub(r"[^\w\s-]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", one)) for one in headings]
    return [one.lower().strip().replace(" ", "-") for one in plain]


def numbers_cited(text: str) -> set[str]:
    """The facts that a text cites."""
    return {number for one in CITED.finditer(text) for number in NUMBER.findall(one[1])}


def test_every_fact_that_is_cited_is_on_the_page():
    known = set(re.findall(r"^### CUR fact (\d+\.\d+)$", FACTS.read_text("utf-8"), re.MULTILINE))
    cited = {
        name: numbers_cited(text) for name, text in TEXTS.items() if name != "docs/cur-facts.md"
    }
    assert len(set().union(*cited.values())) > 20
    assert {name: sorted(some - known) for name, some in cited.items() if some - known} == {}


def test_a_citation_is_read_however_it_is_wrapped():
    assert numbers_cited("(CUR fact\n#: 1.11)") == {"1.11"}
    assert numbers_cited("CUR facts 1.10, 1.11, 6.9 and 6.10), 7.1") == {
        "1.10",
        "1.11",
        "6.9",
        "6.10",
    }


def test_no_citation_is_missed():
    for name, text in TEXTS.items():
        if name not in ("docs/cur-facts.md", "tests/docs/test_references.py"):
            mentions = len(re.findall(r"CUR facts?[\s#:*/-]+\d", text))
            assert mentions == len(CITED.findall(text)), name


def test_facts_stand_in_their_order():
    numbers = re.findall(r"^### CUR fact (\d+)\.(\d+)$", FACTS.read_text("utf-8"), re.MULTILINE)
    order = [(int(group), int(number)) for group, number in numbers]
    assert order == sorted(set(order))


def links() -> list[tuple[str, str, str]]:
    """Every link within the repository, of every page: page, target, anchor."""
    return sorted(
        {
            (name, target, anchor)
            for name, text in PAGES.items()
            for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text)
            if "://" not in target
        }
    )


@pytest.mark.parametrize(("page", "target", "anchor"), links())
def test_links_lead_somewhere(page, target, anchor):
    path = (ROOT / page).parent / target if target else ROOT / page
    assert path.exists()
    if anchor:
        assert anchor in anchors(path.read_text(encoding="utf-8"))


def named_pages() -> list[tuple[str, str]]:
    """Every page of docs/ that code, SQL or a notebook names."""
    return sorted(
        {
            (name, page)
            for name, text in TEXTS.items()
            if not name.endswith(".md")
            for page in re.findall(r"docs/[\w/-]+\.md", text)
        }
    )


@pytest.mark.parametrize(("name", "page"), named_pages())
def test_pages_that_are_named_exist(name, page):
    assert (ROOT / page).is_file()


def test_every_page_is_found_from_the_index():
    folder = ROOT / "docs"
    linked = {
        ((ROOT / page).parent / target).resolve()
        for page, target, _ in links()
        if page in ("docs/README.md", "docs/method/README.md")
    }
    pages = {path for path in folder.rglob("*.md") if path.name != "README.md"}
    assert sorted(str(one.relative_to(folder)) for one in pages - linked) == []


def test_nothing_refers_to_notes_that_are_not_here():
    for name, text in TEXTS.items():
        if name != "tests/docs/test_references.py":
            for word in ("DESIGN", "CUR_FACTS", "PLATFORM_FACTS", "STYLE.md"):
                assert not re.search(rf"\b{re.escape(word)}\b", text), (name, word)


def test_decisions_that_are_named_exist():
    page = (ROOT / "docs" / "decisions.md").read_text("utf-8")
    known = set(re.findall(r"^(\d+)\. ", page, re.MULTILINE))
    named = {one for text in TEXTS.values() for one in re.findall(r"\bdecisions? (\d+)\b", text)}
    assert named and named <= known


def test_the_links_of_the_pages_are_found():
    assert len(links()) > 60
    assert {Path(page).name for page, _, _ in links()} >= {"README.md", "CONTRIBUTING.md"}


#: A file of the repository by its place; what a reader is to choose has … or <…> in it.
PLACE = re.compile(
    r"(?<![\w/.…-])((?:chargeback|tests|sql|reports|notebooks|params|docs)/[\w./-]*\w"
    r"\.(?:py|sql|ipynb|toml|csv|css|html|typ|md))\b"
)

#: Optional in a params folder, and not in the sample's.
OPTIONAL = {"params/sources.toml"}


def test_files_that_are_named_exist():
    """Tests may name files that are not there on purpose."""
    missing = [
        (name, place)
        for name, text in TEXTS.items()
        if not name.startswith("tests/") and name != "CHANGELOG.md"
        for place in PLACE.findall(text)
        if place not in OPTIONAL and not (ROOT / place).exists()
    ]
    assert missing == []
