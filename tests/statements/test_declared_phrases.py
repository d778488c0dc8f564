"""What the leak scan excuses as the statement's own words is declared, and is all that a page says.

Nothing depends on which module says something, or on how its file is called.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import chargeback
from chargeback.core.period import period_title
from chargeback.pages.vocabulary import service_name, short_period
from chargeback.statements import (
    index_wording,
    outlook_wording,
    sections,
    unit_cost_wording,
    wording,
)
from chargeback.statements.execute import NOTEBOOK, REPORTS
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.foreign import fixed_phrases
from chargeback.statements.leaks import find_leaks
from chargeback.statements.tagged_pdf import PICTURE, read_pdf, texts_of_pdf
from tests.statements.estate import BusinessUnit, business, estate
from tests.statements.rendered import Rendered
from tests.statements.test_only_their_own_unit import hand_made

WORD = re.compile(r"[^\W\d_]{3,}")
CONSTANTS = {
    name: value
    for name, value in (vars(wording) | vars(outlook_wording) | vars(unit_cost_wording)).items()
    if name.isupper()
}


class Shown(HTMLParser):
    """The texts and attribute values of an HTML file."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for _, value in attrs if value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_decl(self, decl: str) -> None:
        self.texts.append(decl)


def leaves(value: Any) -> Iterator[str]:
    """All texts of what JSON has."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif isinstance(value, str):
        yield value


def of_the_unit(rendered: Rendered, unit_id: str) -> set[str]:
    """The texts that a unit's pages may have from its data, in the words that names give them."""
    inputs = rendered.inputs
    statement = extract_units(inputs, read_charges(inputs))[unit_id]
    found = set(leaves(json.loads(statement.to_json())))
    codes = {row["product_code"] or "" for row in inputs.postings.to_pylist()}
    codes |= set(inputs.owned_costs["product_code"].to_pylist())
    found |= {service_name(code) for code in codes}
    for one in (*statement.trend, *(statement.budget.months if statement.budget else ())):
        found |= {period_title(one.billing_period), short_period(one.billing_period)}
    found |= set(inputs.params.policy.cost_center_tags)
    found |= {one.rule_id for one in inputs.params.ownership}
    return {" ".join(text.split()) for text in found if text.strip()}


def said_otherwise(text: str, known: set[str]) -> list[str]:
    """The words of a text that are in none of the known phrases, which the scan finds like this."""
    text = " ".join(text.split())
    places = [
        found.span()
        for phrase in known
        if phrase in text
        for found in re.finditer(re.escape(phrase), text)
    ]
    return [
        word.group(0)
        for word in WORD.finditer(text)
        if not any(start <= word.start() and word.end() <= end for start, end in places)
    ]


def texts_of(rendered: Rendered, unit_id: str, medium: str) -> list[str]:
    """What a finished file says. The words in charts are read in HTML, for the PDF has no spaces in them."""
    path = rendered.file(unit_id, medium)
    if medium == "pdf":
        elements = [one for page in read_pdf(path).pages for one in page.elements]
        drawn = {one.content.text for one in elements if one.role == PICTURE}
        texts = [text for text in texts_of_pdf(path) if text not in drawn]
        # A heading that is repeated on the next page has spaces where a long name may break.
        for account in rendered.inputs.params.accounts.values():
            letters = " ?".join(map(re.escape, account.name.replace(" ", "")))
            texts = [
                re.sub(rf"\b{letters} ?, continued", f"{account.name}, continued", text)
                for text in texts
            ]
        return texts
    html = path.read_text(encoding="utf-8")
    return Shown(re.sub(r"<svg.*?>|</svg>", "", re.sub(r"<(rect|text) [^>]*>", " ", html))).texts


@pytest.mark.parametrize("medium", ["html", "pdf"])
@pytest.mark.parametrize("unit_id", ["claims", "corporate", "innovation"])
def test_all_that_a_page_says_is_declared_or_of_the_unit(rendered, unit_id, medium):
    """Else a name that is among the words of an undeclared sentence would stop a close."""
    known = fixed_phrases() | of_the_unit(rendered, unit_id)
    left = {
        word for text in texts_of(rendered, unit_id, medium) for word in said_otherwise(text, known)
    }
    assert left == set()


def test_the_headings_of_the_notebook_are_those_that_are_declared():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert sources == [f"## {heading}" for heading in wording.HEADINGS]


def modules_that_say() -> list[ast.Module]:
    """The sections, and what names the file."""
    package = Path(wording.__file__).parent
    files = [*Path(sections.__file__).parent.glob("*.py"), *package.glob("*.py")]
    return [
        ast.parse(file.read_text(encoding="utf-8"))
        for file in files
        if file != Path(wording.__file__)
    ]


def test_every_declared_text_is_said():
    """What is said nowhere would excuse a leak for nothing. The PDF's template says some by itself."""
    said = {
        node.attr
        for tree in modules_that_say()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    template = (REPORTS / "typst-template.typ").read_text(encoding="utf-8")
    headings = {id(heading) for heading in wording.HEADINGS}
    for name, value in CONSTANTS.items():
        if isinstance(value, str) and name not in said and id(value) not in headings:
            assert all(piece.strip() in template for piece in wording.pieces(value)), name


def test_every_template_gets_the_values_that_it_names():
    """A misspelt value would be an error only where the sentence is needed."""
    calls = [
        (node.func.value.attr, {word.arg for word in node.keywords})
        for tree in modules_that_say()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and isinstance(node.func.value, ast.Attribute)
    ]
    templates = {
        name: {field for _, field, _, _ in Formatter().parse(value) if field}
        for name, value in (vars(index_wording) | CONSTANTS).items()
        if isinstance(value, str)
    }
    given = {name for name, _ in calls}
    assert given > {"RATIFIED", "NOT_INVOICED", "FILE_TITLE"}
    for name, values in calls:
        assert values == templates[name], name


@pytest.mark.parametrize("word", ["cells", "markdown", "typst", "render"])
def test_a_word_of_the_program_is_no_word_of_the_statement(tmp_path, word):
    """A unit may be called like a key or a comment of some module: its name is a leak elsewhere."""
    params = business({"one": ("First", ["Left"]), "two": ("Second", ["Right"])})
    units = params.business_units | {"one": BusinessUnit("one", word)}
    inputs = estate(replace(params, business_units=units), periods=())
    folder = hand_made(tmp_path, {"one": word, "two": f"Right and {word}"})
    assert {row["leaked_text"] for row in find_leaks(folder, inputs).to_pylist()} == {word}


# What a unit called AWS is looked for in: a declared sentence, and the name alone.
MOVED = """
import json, sys
from pathlib import Path

import chargeback
from chargeback.statements.foreign_elsewhere import fixed_phrases
from chargeback.statements.leaks_elsewhere import find_leaks
from tests.statements.test_declared_phrases import called_aws

found = find_leaks(Path(sys.argv[1]), called_aws()).to_pylist()
print(json.dumps([chargeback.__file__, sorted(fixed_phrases()), found]))
"""


def called_aws() -> Any:
    """Three units; a cost center of the first one is called AWS."""
    return estate(
        business({"one": ("First", ["AWS"]), "two": ("Second", ["B"]), "three": ("Third", ["C"])}),
        periods=(),
    )


def moved_copy(folder: Path) -> None:
    """The package with all modules that have to do with statements called otherwise."""
    root = Path(chargeback.__file__).parents[1]
    for name in ("chargeback", "reports", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / name, folder / name, ignore=ignored)
    packages = [one for one in ("statements", "pages") if (folder / "chargeback" / one).is_dir()]
    modules = {
        path.stem
        for package in packages
        for path in (folder / "chargeback" / package).iterdir()
        if path.stem != "__init__"
    }
    for package in packages:
        for path in sorted((folder / "chargeback" / package).iterdir()):
            if path.stem in modules:
                path.rename(path.with_name(f"{path.stem}_elsewhere{path.suffix}"))
    place = rf"chargeback\.(?:{'|'.join(packages)})"
    module = rf"(?:{'|'.join(sorted(modules))})"
    dotted = re.compile(rf"({place}\.{module})\b")
    imports = re.compile(rf"from {place} import (?:\([^)]*\)|[^\n]*)")
    name = re.compile(rf"\b({module})( as \w+)?(?=\s*[,)\n]|$)")

    def from_package(line: re.Match[str]) -> str:
        head, word, names = line.group(0).partition(" import ")
        renamed = name.sub(lambda one: f"{one[1]}_elsewhere{one[2] or f' as {one[1]}'}", names)
        return head + word + renamed

    for path in (*(folder / "chargeback").rglob("*.py"), *(folder / "tests").rglob("*.py")):
        text = imports.sub(from_package, path.read_text(encoding="utf-8"))
        path.write_text(dotted.sub(r"\1_elsewhere", text), encoding="utf-8")


@pytest.mark.slow
def test_renamed_modules_change_nothing_of_the_control(tmp_path):
    """Every module of statements under another name: the same words are known, the same leaks found."""
    folder = hand_made(
        tmp_path / "statements",
        {
            "one": "AWS",
            "two": "Statement of AWS charges. From the pool. Second",
            "three": "Statement of AWS charges. AWS and Second",
        },
    )
    here = find_leaks(folder, called_aws()).to_pylist()
    assert {(row["business_unit_id"], row["leaked_text"]) for row in here} == {
        ("three", "AWS"), ("three", "Second"),
    }  # fmt: skip
    copy = tmp_path / "copy"
    moved_copy(copy)
    ended = subprocess.run(
        [sys.executable, "-c", MOVED, str(folder)],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    file, phrases, elsewhere = json.loads(ended.stdout)
    assert Path(file).is_relative_to(copy)
    assert phrases == sorted(fixed_phrases())
    assert elsewhere == here
