"""Pages of dashboards: each made by the notebook from its own data alone, then rendered, all in one project.

In: the data of each scope. Out: one HTML file a scope, complete in itself. Each notebook is executed by
papermill in a folder that holds its dashboard.json and nothing else. Quarto renders `format: dashboard` where
there is one, else the embedded renderer does, from the same executed notebooks and the same template.

What always holds: a page has one script of ours, whose digest is known (`script_digests`), and data that no
browser runs. Quarto's dashboards come with Bootstrap, eight scripts and three more as `data:` addresses, two
and a half megabytes that cannot be left out (without a theme its Sass fails); `sealed` takes away what stands
before our template, so that a strict content policy holds and both renderers' pages are alike.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from chargeback.core.errors import UNREACHABLE, unreachable
from chargeback.core.paths import REPORTS
from chargeback.core.runner import NotebookFailed, most_at_once, run_notebook, stop, warm
from chargeback.dashboards.editions import DATA, PAGE, file_of
from chargeback.dashboards.model import Dashboard
from chargeback.dashboards.on_pages import MARKDOWN, OF_PAGES, ROWS_ID
from chargeback.dashboards.scope import Scope
from chargeback.pages.plain_markup import PlainParser
from chargeback.statements.exact_json import to_json
from chargeback.statements.project import RENDERED, add_page, begin_project
from chargeback.statements.render import Page, find_renderer

NOTEBOOK, SCRIPT = REPORTS / "dashboard.ipynb", REPORTS / "dashboard.js"
TEMPLATE = "dashboard-page.html"
#: A name in the project -> the file of reports/ that it is a copy of.
LOOK = {
    "_quarto.yml": "dashboard.yml", TEMPLATE: TEMPLATE, "statement.css": "statement.css",
    "dashboard.css": "dashboard.css", "dashboard.js": "dashboard.js",
}  # fmt: skip
CELL_SECONDS = 300

_BEFORE_OURS = re.compile(r"(<head>).*?(<meta charset=\"utf-8\">)", re.S)
_CARD_SCRIPT = re.compile(r"<script data-bslib-card-init[^>]*>[^<]*</script>")
#: How Quarto lays out what it puts around cells, which reports/dashboard.css does, and a strict policy refuses.
_STYLED = re.compile(r'(<div class="[^"]*\bbslib-grid\b[^"]*"[^>]*?) style="[^"]*"')
_LAST_SCRIPT = re.compile(r"</main>\s*<script>(.*?)</script>\s*</body>\s*</html>\s*\Z", re.S)


def render_dashboards(
    dashboards: Mapping[Scope, Dashboard], folder: Path, renderer: str = ""
) -> dict[Scope, Path]:
    """Make the page of each scope in a folder, as `editions.file_of` names it, beside its data.

    Args:
        renderer: "quarto", "embedded", or blank for Quarto where there is one.

    Raises:
        Refusal: (exit 6) a page could not be made; says which and why.
    """
    found = find_renderer(renderer)
    with tempfile.TemporaryDirectory(prefix="dashboards-") as temporary:
        # Quarto leaves out what lies in a hidden folder, and a link to one.
        making = Path(temporary).resolve() / "making"
        project = making / "project"
        begin_project(project, LOOK)
        names = {scope: f"page-{number}" for number, scope in enumerate(dashboards)}
        execute_all(dashboards, names, making)
        pages = [Page(name, has_pdf=False, template=TEMPLATE) for name in names.values()]
        if pages:
            found.render(project, pages, most_at_once())
        made = {}
        for scope, name in names.items():
            page, data = folder / file_of(scope, PAGE), folder / file_of(scope, DATA)
            page.parent.mkdir(parents=True, exist_ok=True)
            html = (project / RENDERED / f"{name}.html").read_text(encoding="utf-8")
            page.write_text(sealed(html, str(page)), encoding="utf-8")
            shutil.copyfile(making / name / DATA, data)
            made[scope] = page
        return made


def execute_all(
    dashboards: Mapping[Scope, Dashboard], names: Mapping[Scope, str], making: Path
) -> None:
    """Execute the notebook of every scope, several at a time; the first failure is the answer."""
    at_once = most_at_once()
    warm(0, ["chargeback.dashboards.ahead:rehearse"])
    with ThreadPoolExecutor(at_once) as pool:
        work = [
            pool.submit(execute, scope, dashboard, making / names[scope], making / "project")
            for scope, dashboard in dashboards.items()
        ]
        try:
            for one in work:
                one.result()
        except Exception:
            pool.shutdown(cancel_futures=True)
            raise
        except BaseException:
            stop()  # whoever interrupts does not wait for what is running either
            pool.shutdown(cancel_futures=True)
            raise


def execute(scope: Scope, dashboard: Dashboard, own: Path, project: Path) -> None:
    """Execute the notebook in a folder with the data of one scope, and put what it shows into the project."""
    own.mkdir(parents=True)
    (own / DATA).write_text(to_json(dashboard), encoding="utf-8")
    executed = own / "executed.ipynb"
    try:
        run_notebook(
            NOTEBOOK,
            executed,
            {"data_file": DATA},
            own,
            cell_seconds=CELL_SECONDS,
            plain=True,
            kinds=OF_PAGES,
        )
    except NotebookFailed as failed:
        raise NotebookFailed(
            UNREACHABLE, f"the dashboard of {scope.id or scope.kind} could not be made", failed.expected,
            failed.found, "", failed.where[:1],
            ["nothing was published; correct the cause and run the same command again"],
        ) from None  # fmt: skip
    keep_markdown(executed)
    title = f"{dashboard.name}: AWS cost"
    add_page(project, own.name, executed, title, {"script-sha256": script_digest()})


def keep_markdown(executed: Path) -> None:
    """Keep of what cells show the Markdown, which both renderers show alike."""
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        shown = []
        for output in cell.get("outputs", ()):
            markdown = output.get("data", {}).get(MARKDOWN)
            if markdown:
                shown.append({**output, "data": {MARKDOWN: markdown}})
        if "outputs" in cell:
            cell["outputs"] = shown
    executed.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")


@cache
def script() -> str:
    """The page's script, as it stands in the element."""
    return "\n" + SCRIPT.read_text(encoding="utf-8").strip() + "\n"


def script_digest() -> str:
    """Of the script, as a content policy names it: sha256-…"""
    return "sha256-" + base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()


def script_digests() -> tuple[str, ...]:
    """The digests of all scripts that a page of ours runs, for the content policy of whoever serves it."""
    return (script_digest(),)


def sealed(html: str, where: str) -> str:
    """A rendered page with nothing in it that we did not put there.

    Raises:
        Refusal: (exit 6) something else is in it that a browser would run or fetch.
    """
    html = _CARD_SCRIPT.sub("", _BEFORE_OURS.sub(r"\1\n\2", html, count=1))
    html = _STYLED.sub(r"\1", html)
    last = _LAST_SCRIPT.search(html)
    if last is None or last[1].strip() != script().strip():
        raise unsealed("no script of ours at its end", where)
    html = html[: last.start(1)] + script() + html[last.end(1) :]
    reader = Seen()
    reader.read(html)
    if reader.strange:
        raise unsealed(reader.strange[0], where)
    return html


def unsealed(found: str, where: str) -> Exception:
    """That a renderer put something into a page."""
    return unreachable(
        "a rendered dashboard holds what we did not put there",
        "one script, whose digest is known, and nothing that is fetched", found, [where],
        ["use the renderer that it was tested with, or the embedded one: RENDERER=embedded"],
    )  # fmt: skip


class Seen(PlainParser):
    """What of a page a browser would run or fetch and we did not put there."""

    reads_text = False

    ELEMENTS = frozenset(
        ("link", "iframe", "object", "embed", "img", "audio", "video", "source", "base", "frame")
    )
    ADDRESSES = frozenset(
        ("src", "srcset", "href", "action", "formaction", "data", "poster", "background", "ping")
    )

    def __init__(self) -> None:
        super().__init__()
        self.strange: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in self.ELEMENTS:
            self.strange.append(f"<{tag}>")
        if tag == "script":
            is_data = named == {"type": "application/json", "id": ROWS_ID}
            self.scripts += not is_data
            if self.scripts > 1 or not (is_data or not named):
                self.strange.append("another <script>")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.strange.append(f"the attribute {name}")
            if name in self.ADDRESSES and not self.is_ours(tag, value or ""):
                self.strange.append(f"the address {(value or '')[:60]}")

    @staticmethod
    def is_ours(tag: str, address: str) -> bool:
        """Whether an address is a place on the page, or a link that somebody follows on purpose."""
        return tag == "a" and address.startswith(("#", "https://", "http://"))
