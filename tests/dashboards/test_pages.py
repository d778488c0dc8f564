"""Pages as they are rendered: the same of both renderers, with nothing in them that we did not put there."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.paths import REPORTS, ROOT
from chargeback.core.runner import stop
from chargeback.dashboards.editions import DATA
from chargeback.dashboards.pages import (
    render_dashboards,
    script_digest,
    script_digests,
    sealed,
)
from chargeback.dashboards.read_back import read_dashboard
from chargeback.dashboards.scope import ALL, UNIT, Scope
from chargeback.statements.exact_json import to_json
from tests.dashboards.made import MADE
from tests.dashboards.shown_page import PAGES, hostile, rendered, seen
from tests.quarto.on_path import quarto_on_path, renders

pytestmark = pytest.mark.slow
UNIT_SCOPE, HOSTILE = Scope(UNIT, "claims"), Scope(UNIT, "hostile")


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[Scope, Path]:
    return rendered(tmp_path_factory)


def test_a_rendered_page_says_what_its_sections_say_and_lies_beside_its_data(pages):
    for scope, path in pages.items():
        found, expected = read_dashboard(path.read_bytes()), seen(PAGES[scope])
        for name in ("rows", "labels", "figures", "tables", "remarks", "currency", "scope_id"):
            assert getattr(found, name) == getattr(expected, name), (scope, name)
        assert path.with_name(DATA).read_text(encoding="utf-8") == to_json(PAGES[scope])


def same_as_embedded(made: dict[Scope, Path], pages: dict[Scope, Path]) -> None:
    """Whether pages of Quarto say what the embedded renderer's say."""
    for scope, path in made.items():
        one, other = (read_dashboard(each[scope].read_bytes()) for each in (made, pages))
        for field in fields(one):
            if field.name != "texts":
                assert getattr(one, field.name) == getattr(other, field.name), (scope, field.name)
        # Quarto leaves an element of its own at the end, which nobody sees.
        added = [text for text in one.texts if text not in other.texts]
        assert all(re.fullmatch(r"[0-9a-f-]{36}", text) for text in added)
        assert [text for text in other.texts if text not in one.texts] == []
        assert len(path.read_bytes()) < 300_000, "Bootstrap is not in it"


def test_quartos_pages_say_the_same(pages, tmp_path, monkeypatch):
    """By the stand-in, in one render of the whole project."""
    log = quarto_on_path(tmp_path / "bin", monkeypatch)
    asked = {scope: PAGES[scope] for scope in (UNIT_SCOPE, Scope(ALL), HOSTILE)}
    try:
        made = render_dashboards(asked, tmp_path / "made", "quarto")
    finally:
        stop()
    assert renders(log) == [["render", ".", "--no-execute"]]
    same_as_embedded(made, pages)


def test_genuine_quartos_pages_say_the_same(pages, tmp_path):
    if not shutil.which("quarto"):
        pytest.skip("no Quarto on PATH; with one this test renders by it")
    try:
        made = render_dashboards({UNIT_SCOPE: MADE, HOSTILE: hostile()}, tmp_path, "quarto")
    finally:
        stop()
    same_as_embedded(made, pages)


def test_a_page_is_rendered_by_hand_from_its_data(pages, tmp_path, monkeypatch):
    """With Quarto's own scripts, which is for whoever looks at it; it says the same."""
    quarto_on_path(tmp_path / "bin", monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    reports = tmp_path / "reports"
    shutil.copytree(REPORTS, reports, ignore=shutil.ignore_patterns("_rendered", ".quarto"))
    data = pages[UNIT_SCOPE].with_name(DATA)
    command = ["quarto", "render", "dashboard.ipynb", "--execute", "-P", f"data_file={data}"]
    done = subprocess.run(command, cwd=reports, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    by_hand = read_dashboard((reports / "_rendered" / "dashboard.html").read_bytes())
    assert by_hand.figures == read_dashboard(pages[UNIT_SCOPE].read_bytes()).figures
    command[-1] = f"data_file={tmp_path / 'none.json'}"
    done = subprocess.run(command, cwd=reports, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert "there is no data of a dashboard there" in done.stderr


def test_the_same_data_gives_the_same_bytes(pages, tmp_path):
    try:
        made = render_dashboards({UNIT_SCOPE: MADE}, tmp_path, "embedded")
    finally:
        stop()
    assert made[UNIT_SCOPE].read_bytes() == pages[UNIT_SCOPE].read_bytes()


def test_a_page_runs_the_one_script_whose_digest_is_told(pages):
    for path in pages.values():
        html = path.read_text(encoding="utf-8")
        [script] = re.findall(r"<script>(.*?)</script>", html, re.S)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert (f"sha256-{digest}",) == script_digests()
        policy = html.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[
            0
        ]
        policy = policy.replace("&#39;", "'")
        assert f"script-src '{script_digest()}'" in policy and "default-src 'none'" in policy
        assert html.count("<style>") == 1 and " style=" not in html and "eval(" not in html


@pytest.mark.parametrize(
    "planted",
    [
        "<script>alert(1)</script>",
        '<script src="https://cdn.example.com/x.js"></script>',
        '<script type="application/json" id="rows" src="x"></script>',
        '<img src="https://example.com/pixel.gif">',
        '<link rel="stylesheet" href="data:text/css,a">',
        '<p onclick="x()">a</p>',
        '<p style="display: grid">a</p>',
        '<a href="javascript:x()">a</a>',
        '<iframe srcdoc="a"></iframe>',
        '<svg><a href="data:text/html,a">b</a></svg>',
        '<form action="https://example.com"></form>',
    ],
)
def test_what_a_renderer_adds_stops_the_page(pages, planted):
    html = pages[UNIT_SCOPE].read_text(encoding="utf-8")
    assert sealed(html, "page") == html, "a sealed page stays as it is"
    with pytest.raises(
        Refusal, match="a rendered dashboard holds what we did not put there"
    ) as refused:
        sealed(html.replace("</main>", f"{planted}</main>"), "page")
    assert refused.value.exit_code == UNREACHABLE


def test_a_page_without_our_script_is_stopped(pages):
    html = pages[UNIT_SCOPE].read_text(encoding="utf-8")
    with pytest.raises(Refusal, match="a rendered dashboard holds"):
        sealed(html.replace("BigInt", "Number"), "page")
