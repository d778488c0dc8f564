"""What executed notebooks show loads nothing from a network, whoever renders them.

Quarto writes two scripts of a network into a page as soon as one output is of the type text/html or
application/javascript, a plain table too, and more for a widget (its src/core/jupyter/widgets.ts). What it does
with the other types was looked up there too: of a figure it takes the drawing and passes plotly's type over.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from selenium import webdriver

from chargeback.core.paths import NOTEBOOKS
from chargeback.core.runner import run_notebook
from tests.chromium import running
from tests.notebooks.workplace import code_cells, environment_in, name_of, notebook_paths

pytestmark = pytest.mark.slow

#: The types that are shown without a script of somebody else's; JupyterLab alone reads plotly's, with its own.
OFFLINE = {"text/plain", "text/markdown", "image/svg+xml", "application/vnd.plotly.v1+json"}

#: What makes a browser, or a renderer that embeds what a page needs, ask for something.
ASKS = re.compile(
    r"<(?:script|link|iframe|object|embed|base|audio|video|source)\b"
    r"|\b(?:src|href|xlink:href|srcset|data|poster|action)\s*=\s*[\"']?\s*(?:[a-z]+:)?//"
    r"|@import|url\(\s*[\"']?\s*(?:[a-z]+:)?//|\bimport\s*\(?[\"']|\]\((?:[a-z]+:)?//",
    re.IGNORECASE,
)

each = pytest.mark.parametrize("name", [name_of(path) for path in notebook_paths()])


@pytest.fixture(scope="module")
def executed(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of all notebooks, executed on the sample: those of the close first, in their order."""
    folder = tmp_path_factory.mktemp("executed")
    shutil.copytree(sample / "cur", folder / "cur", copy_function=os.link)
    shutil.copytree(sample / "books", folder / "books")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_in(folder).items():
            patch.setenv(name, value)
        for path in notebook_paths():
            target = folder / "notebooks" / name_of(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            run_notebook(path, target, {}, target.parent)
    return folder / "notebooks"


def outputs_of(path: Path) -> Iterator[tuple[str, str, str]]:
    """Each thing that an executed notebook shows: the cell, the type and the text."""
    for cell in code_cells(path):
        for output in cell["outputs"]:
            shown: dict[str, Any] = output.get("data", {"text/plain": output.get("text", "")})
            for kind, content in shown.items():
                text = content if isinstance(content, str) else json.dumps(content)
                yield cell["id"], kind, "".join(content) if isinstance(content, list) else text


@each
def test_no_output_needs_a_network(executed, name):
    found = list(outputs_of(executed / name))
    assert len(found) > 3, "it was executed"
    assert [(cell, kind) for cell, kind, _ in found if kind not in OFFLINE] == []
    asking = [(cell, ASKS.findall(text)) for cell, kind, text in found if kind != "text/plain"]
    assert [one for one in asking if one[1]] == []


@each
def test_every_figure_is_a_drawing_too(executed, name):
    for cell in code_cells(executed / name):
        for output in cell["outputs"]:
            kinds = set(output.get("data", {}))
            assert ("application/vnd.plotly.v1+json" in kinds) == ("image/svg+xml" in kinds), cell[
                "id"
            ]


def test_the_texts_of_notebooks_ask_for_nothing():
    for path in NOTEBOOKS.rglob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] != "code":
                assert not ASKS.search("".join(cell["source"])), (path, cell["id"])


@pytest.mark.parametrize(
    "text",
    ["<script>", '<img src="https://x.y/a.png">', "<a href='//x.y/'>", "@import 'a.css'", "url(http://x)",
     'import "https://cdn.plot.ly/plotly.js"', "![a](http://x.y/a.png)", "<link rel=stylesheet>"],
)  # fmt: skip
def test_what_asks_is_known(text):
    assert ASKS.search(text)


@pytest.mark.parametrize("name", ["05-ledger.ipynb", "explore/two-dimensions.ipynb"])
def test_the_page_that_quarto_makes_needs_no_network(executed, tmp_path, name):
    """By the Quarto on PATH; where there is none, what it does is only known from its source."""
    quarto = shutil.which("quarto")
    if not quarto:
        pytest.skip("quarto is not installed")
    notebook = Path(shutil.copy(executed / name, tmp_path))
    command = [quarto, "render", notebook.name, "--to", "html", "--no-execute"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    page = notebook.with_suffix(".html").read_text(encoding="utf-8")
    assert "<table" in page
    assert re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', page) == []


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A browser that reaches files and no network."""
    with running() as driver:
        driver.execute_cdp_cmd("Network.enable", {})
        driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["http://*", "https://*"]})
        yield driver


@pytest.mark.parametrize("name", ["04-allocation.ipynb", "05-ledger.ipynb", "explore/trend.ipynb"])
def test_tables_figures_and_sql_are_seen_without_a_network(executed, browser, tmp_path, name):
    page, _ = HTMLExporter().from_notebook_node(nbformat.read(executed / name, as_version=4))
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    browser.get((tmp_path / "page.html").as_uri())
    seen = browser.execute_script(
        "return [...document.querySelectorAll('.jp-OutputArea-output svg, .jp-OutputArea-output img, "
        ".jp-OutputArea-output table, .jp-OutputArea-output pre span')]"
        ".map(one => [one.tagName.toLowerCase(), one.getBoundingClientRect().width])"
    )
    wide = {tag for tag, width in seen if width > (300 if tag in ("svg", "img") else 0)}
    assert wide & {"svg", "img"}, "the figure"
    assert "table" in wide
    assert "span" in wide or name.startswith("explore")
