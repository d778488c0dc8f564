"""The rooms: everybody gets what is theirs, and nobody learns whether there is anything else."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any
from urllib.parse import urljoin

import pyarrow.parquet as pq
import pytest

from chargeback.books.delivery_room import delivery_room
from chargeback.core.errors import unreachable
from chargeback.dashboards.editions import dashboards_room
from chargeback.portal.access_log import AccessLog
from tests.close.months import MAY
from tests.portal.place import SCOPES, Portal, page_of, publish_pages

#: Addresses of shop's, which is to exist, that other people must not be able to tell from any that does not.
SHOPS = [
    "/units/shop",
    "/units/shop?period=2026-05",
    "/units/shop/dashboard",
    "/cost-centers/CC-1/dashboard",
    "/statements/2026-05/shop/html",
    "/statements/2026-05/shop/pdf",
    "/statements/2026-05/shop/csv",
    "/statements/2026-05/shop/statement.html",
]
ALL = [
    "/all/dashboard",
    "/statements/2026-05/index.html",
    "/packs/2026-05/index.html",
    "/packs/2026-05/2026-05%20summary.pdf",
    "/packs/2026-05/shop/2026-05%20Shop%20statement.pdf",
    "/packs/2026-05/summary.json",
    "/packs/2026-05/mail/2026-05%20Shop.eml",
    "/access",
]
NOTHING = [
    "/units/none",
    "/units/SHOP",
    "/units/shop%20",
    "/units/shop%00",
    "/units/%2e%2e",
    "/units/core%2F..%2Fshop",
    "/units/core/..%2fshop/dashboard",
    "/units/shop/",
    "/units//shop",
    "/units/shop/dashboard/",
    "/units/shop/dashboard.html",
    "/units/shop/dashboard.json",
    "/units/none/dashboard",
    "/cost-centers/CC-404/dashboard",
    "/cost-centers/cc-9/dashboard",
    "/business-unit/shop/dashboard.html",
    "/dashboards/000001/business-unit/shop/dashboard.html",
    "/statements/2026-05/none/html",
    "/statements/2026-05/shop/exe",
    "/statements/2026-05/shop/HTML",
    "/statements/2026-05/shop/statement.statement.html",
    "/statements/2026-05/shop/html%00",
    "/statements/2026-05/shop/",
    "/statements/2026-05/shop",
    "/statements/2026-5/shop/html",
    "/statements/2025-01/shop/html",
    "/statements/2026-07/shop/html",
    "/statements/0000-00/shop/html",
    "/statements/2026-05/..%2f..%2fledger/html",
    "/statements/billing_period=2026-05/shop/statement.html",
    "/packs/2026-05/none.pdf",
    "/packs/2026-05/",
    "/packs/2026-05/%2e%2e/%2e%2e/ledger/billing_period=2026-05/postings.parquet",
    "/packs/2026-05/%2e%2e/%2e%2e/log/000001.json",
    "/packs/2026-05//etc/passwd",
    "/packs/2026-07/index.html",
    "/rows.csv?period=2026-07",
    "/rows.csv?period=..",
    "/rows.json",
    "/ledger/billing_period=2026-05/postings.parquet",
    "/static/portal.css",
    "/keys",
    "/portal/log/000001.jsonl",
    "/robots.txt",
    "/.git/config",
    "/access/",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
]


def test_home_names_what_somebody_sees_and_nothing_else(portal: Portal):
    shop = portal.looker("shop-people")
    page = shop.get("/")
    assert page.status_code == 200
    assert "/units/shop" in page.text and "core" not in page.text.lower() and "CC-" not in page.text
    assert "/access" not in page.text and "/packs/" not in page.text and "/all/" not in page.text
    assert "Waiting for your answer" in page.text and "June 2026, Shop" in page.text
    assert "30.00" in page.text and "20.00" not in page.text  # what June charges shop and core
    assert shop.log.said == [("opened", "home")]
    assert shop.log.entries[0][0] == "id-Dana (Dana)"


def test_home_of_a_cost_center_has_its_page_and_rows_alone(portal: Portal):
    page = portal.looker("web-lead").get("/").text
    assert "/cost-centers/CC-1/dashboard" in page and "/rows.csv" in page
    assert "/units/" not in page and "/statements/" not in page and "CC-9" not in page


def test_home_of_those_who_see_all_has_months_and_for_auditors_the_access_log(portal: Portal):
    pages = {
        one: portal.looker(one).get("/").text for one in ("finance", "finops", "audit", "board")
    }
    for one in ("finance", "finops", "audit"):
        assert (
            "/packs/2026-06/index.html" in pages[one]
            and "/statements/2026-05/index.html" in pages[one]
        )
    assert "/packs/" not in pages["board"] and "/all/dashboard" in pages["board"]
    assert [one for one, page in pages.items() if "/access" in page] == ["audit"]
    assert "Waiting for your answer" in pages["finance"] and "Waiting" not in pages["audit"]


def test_statements_are_those_of_the_books_byte_for_byte(portal: Portal):
    shop = portal.looker("shop-people")
    for ending in ("html", "pdf", "csv"):
        answer = shop.get(f"/statements/2026-05/shop/{ending}")
        assert answer.status_code == 200
        path = portal.books.statements(MAY) / "shop" / f"statement.{ending}"
        assert answer.content == path.read_bytes()
        if ending != "html":
            assert (
                f'filename="2026-05 Shop statement.{ending}"'
                in answer.headers["content-disposition"]
            )
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        else:
            assert "content-disposition" not in answer.headers
            assert "script-src" not in answer.headers["content-security-policy"]
    assert shop.log.said == [
        ("opened", "statement/2026-05/shop/html"), ("downloaded", "statement/2026-05/shop/pdf"),
        ("downloaded", "statement/2026-05/shop/csv"),
    ]  # fmt: skip


def test_dashboards_are_those_of_the_edition(portal: Portal):
    for group, address, scope in (
        ("shop-people", "/units/shop/dashboard", SCOPES[1]),
        ("web-lead", "/cost-centers/CC-1/dashboard", SCOPES[3]),
        ("board", "/all/dashboard", SCOPES[0]),
        ("finance", "/cost-centers/CC-9/dashboard", SCOPES[4]),
    ):
        answer = portal.looker(group).get(address)
        assert (answer.status_code, answer.content) == (200, page_of(scope))
        assert "script-src 'sha256-" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_new_edition_is_served_when_it_is_there(portal: Portal):
    shop = portal.looker("shop-people")
    assert shop.get("/cost-centers/CC-2/dashboard").status_code == 404
    assert shop.get("/units/shop/dashboard").status_code == 200
    publish_pages(dashboards_room(portal.books), SCOPES[:1])
    assert shop.get("/units/shop/dashboard").status_code == 404


def test_packs_are_what_was_handed_out(portal: Portal):
    for group in ("finance", "finops", "audit"):
        someone = portal.looker(group)
        room = delivery_room(portal.books)
        for name in (
            "index.html",
            "summary.json",
            "2026-05 summary.pdf",
            "shop/2026-05 Shop statement.csv",
        ):
            answer = someone.get(f"/packs/2026-05/{name}")
            assert answer.status_code == 200, name
            assert answer.content == room.read(f"billing_period=2026-05/pack/{name}")
        answer = someone.get("/statements/2026-05/index.html")
        assert answer.content == (portal.books.statements(MAY) / "index.html").read_bytes()
        assert someone.get("/statements/2026-05/core/statement.html").status_code == 200


def test_rows_are_those_that_somebody_sees(portal: Portal):
    def rows(group: str, query: str = "") -> list[dict[str, str]]:
        answer = portal.looker(group).get(f"/rows.csv{query}")
        assert answer.status_code == 200
        return list(csv.DictReader(io.StringIO(answer.text)))

    shop, core, web = (rows(one) for one in ("shop-people", "core-people", "web-lead"))
    assert {one["business_unit_id"] for one in shop} == {"shop"}
    assert {one["business_unit_id"] for one in core} == {"core"}
    assert {one["cost_center_id"] for one in web} == {"CC-1"}
    assert len(rows("board")) == len(shop) + len(core)
    may = rows("shop-people", f"?period={MAY}")
    assert {one["billing_period"] for one in may} == {MAY}
    assert sum(float(one["amount"]) for one in may) == pytest.approx(80.0)
    table = pq.read_table(io.BytesIO(portal.looker("web-lead").get("/rows.parquet").content))
    assert table.num_rows == len(web)


def answer_of(portal: Portal, group: str, path: str) -> tuple[int, bytes, dict[str, str]]:
    """What somebody gets, their own form's token and sign-in aside."""
    looker = portal.looker(group)
    token = looker.token()
    answer = looker.get(path)
    return (
        answer.status_code,
        answer.content.replace(token.encode(), b"token"),
        dict(answer.headers),
    )


@pytest.mark.slow
def test_what_is_foreign_and_what_does_not_exist_are_one_answer(portal: Portal):
    expected = answer_of(portal, "core-people", "/no-such-page")
    assert expected[0] == 404
    for path in [*SHOPS, *ALL, *NOTHING]:
        assert answer_of(portal, "core-people", path) == expected, path
    for path in SHOPS:  # they are there
        who = "finance" if path.startswith("/cost") else "shop-people"
        assert portal.looker(who).get(path).status_code == 200, path
    for path in ALL:
        assert portal.looker("audit").get(path).status_code == 200, path
    for path in NOTHING:  # and these are for nobody
        assert portal.looker("audit").get(path).status_code == 404, path


@pytest.mark.slow
def test_who_sees_a_cost_center_alone_opens_no_page_of_its_unit(portal: Portal):
    expected = answer_of(portal, "web-lead", "/no-such-page")
    for path in [one for one in (*SHOPS, *ALL) if "CC-1" not in one]:
        assert answer_of(portal, "web-lead", path) == expected, path


def test_what_is_refused_is_written_down(portal: Portal):
    core = portal.looker("core-people")
    core.get("/statements/2026-05/shop/pdf")
    core.post("/units/shop/acknowledge", core.token(), period=MAY)
    assert [one for one in core.log.said if one[0] == "refused"] == [
        ("refused", "statement/2026-05/shop/pdf"), ("refused", "answer/2026-05/shop"),
    ]  # fmt: skip


class Unwritable:
    """A log that cannot be written from some entry on."""

    def __init__(self, left: int) -> None:
        self.left = left

    def record(self, *_: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise unreachable("the access log cannot be written")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/units/shop",
        "/units/shop/dashboard",
        "/statements/2026-05/shop/pdf",
        "/rows.csv",
        "/x",
    ],
)
def test_nothing_is_served_that_cannot_be_written_down(portal: Portal, path):
    shop = portal.looker("shop-people", log=Unwritable(1))
    answer = shop.get(path)
    assert answer.status_code == 503
    assert b"Shop" not in answer.content and b"amount" not in answer.content


def test_a_statement_that_was_changed_is_not_served(portal: Portal):
    path = portal.books.statements(MAY) / "shop" / "statement.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    shop = portal.looker("shop-people")
    answer = shop.get("/statements/2026-05/shop/csv")
    assert answer.status_code == 503 and "not as it was closed" in answer.text
    assert str(portal.books.root) not in answer.text
    assert shop.log.said[-1] == ("failed", "statement/2026-05/shop/csv")
    assert shop.get("/statements/2026-05/shop/pdf").status_code == 200
    core = portal.looker("core-people")
    assert core.get("/statements/2026-05/shop/csv").status_code == 404


def test_a_month_whose_manifest_was_changed_is_not_served_and_others_are(portal: Portal):
    path = portal.books.ledger(MAY) / "manifest.json"
    path.write_text(path.read_text().replace('"currency": "USD"', '"currency": "EUR"'))
    shop = portal.looker("shop-people")
    assert "May 2026 is not shown" in shop.get("/").text
    assert shop.get("/statements/2026-05/shop/csv").status_code == 503
    assert shop.get("/statements/2026-06/shop/csv").status_code == 200
    assert shop.get("/rows.csv?period=2026-05").status_code == 503


def test_a_month_that_is_changed_while_it_is_served_is_noticed(portal: Portal):
    shop = portal.looker("shop-people")
    assert shop.get("/statements/2026-05/shop/csv").status_code == 200
    path = portal.books.ledger(MAY) / "manifest.json"
    path.write_text(path.read_text().replace('"currency": "USD"', '"currency": "EUR"'))
    assert shop.get("/statements/2026-05/shop/csv").status_code == 503


def test_a_pack_or_page_that_was_changed_is_not_served(portal: Portal):
    finance = portal.looker("finance")
    pack = portal.books.root / "delivery/billing_period=2026-05/pack/summary.json"
    pack.write_bytes(pack.read_bytes() + b" ")
    assert finance.get("/packs/2026-05/summary.json").status_code == 503
    page = portal.books.root / "dashboards/000001/all/dashboard.html"
    page.write_bytes(b"another")
    answer = finance.get("/all/dashboard")
    assert answer.status_code == 503 and b"another" not in answer.content


def test_a_delivery_log_that_was_changed_stops_everything(portal: Portal):
    path = portal.books.root / "delivery/log/000001.json"
    path.write_text(path.read_text().replace('"closed"', '"opened"'))
    assert portal.looker("shop-people").get("/").status_code == 503


def test_auditors_read_who_opened_what(portal: Portal):
    log = AccessLog(portal.books, "")
    for one in ("shop-people", "core-people"):
        portal.looker(one, log=log).get("/units/shop/dashboard")
    audit = portal.looker("audit", log=log)
    page = audit.get("/access").text
    assert "opened" in page and "refused" in page and "dashboard/business-unit/shop" in page
    assert page.index("refused") < page.index("signed in", page.index("refused"))
    for one in ("finance", "finops", "board", "shop-people"):
        assert portal.looker(one, log=log).get("/access").status_code == 404
    for _ in range(210):
        audit.get("/none")
    page = audit.get("/access").text
    assert "Earlier" in page
    earlier = page.split('href="/access?before=')[1].split('"')[0]
    assert "dashboard/business-unit/shop" in audit.get(f"/access?before={earlier}").text
    log.close()


def test_a_page_has_no_script_and_no_address_of_others(portal: Portal):
    audit = portal.looker("finance")
    for path in ("/", "/units/shop"):
        text = audit.get(path).text
        assert "<script" not in text and "http" not in text and " on" not in text.split("<body>")[0]


def test_names_of_people_are_texts(portal: Portal):
    looker = portal.looker("shop-people", name="<b>Eve</b>")
    assert "<b>Eve" not in looker.get("/").text and "&lt;b&gt;Eve" in looker.get("/").text


@pytest.mark.slow
@pytest.mark.parametrize(
    "group", ["shop-people", "web-lead", "board", "finance", "finops", "audit"]
)
def test_every_link_of_the_portals_pages_leads_somewhere(portal: Portal, group: str):
    log = AccessLog(portal.books, "")
    someone = portal.looker(group, log=log)
    todo, seen = ["/"], set()
    while todo:
        path = todo.pop()
        seen.add(path)
        answer = someone.get(path)
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            found = [html.unescape(one) for one in re.findall(r'href="([^"#]+)"', answer.text)]
            # The icon of the pages is no file: without it a browser asks for one.
            there = {urljoin(path, one) for one in found if not one.startswith("data:")}
            todo += there - seen - set(todo)
    assert len(seen) > (3 if group == "web-lead" else 8)
    log.close()
