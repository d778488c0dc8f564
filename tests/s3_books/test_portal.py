"""The portal on books in S3: what it serves, and an access log of several machines that is one chain."""

from __future__ import annotations

import shutil

import pytest

from chargeback.books.access_log import access_room, read_access_log
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.dashboards.editions import dashboards_room
from chargeback.portal.access_log import AccessLog
from tests.close.months import MAY
from tests.portal.place import SCOPES as PAGES
from tests.portal.place import Portal, page_of, publish_pages
from tests.s3_books.conftest import Place

pytestmark = pytest.mark.slow


@pytest.fixture
def published(place: Place, closed: Books) -> Place:
    """May in the bucket."""
    books = place.open("closing")
    shutil.copytree(closed.root, books.root, dirs_exist_ok=True)
    assert books.shelf
    books.shelf.put_period(books, MAY, lambda _: None)
    return place


def names(place: Place) -> list[str]:
    """The objects of the access log."""
    return sorted(one for one in place.objects() if one.startswith("portal/"))


def test_what_is_served_is_what_lies_in_the_bucket(published: Place, closed: Books):
    books = published.open("serving")
    portal = Portal(books, closed.root.parent / "params")
    log = AccessLog(books, "")
    shop = portal.looker("shop-people", log=log)
    answer = shop.get("/statements/2026-05/shop/pdf")
    assert answer.content == (closed.statements(MAY) / "shop" / "statement.pdf").read_bytes()
    assert shop.get("/statements/2026-05/core/pdf").status_code == 404
    assert shop.get("/units/shop/dashboard").status_code == 404
    publish_pages(dashboards_room(published.open("making pages")))
    assert shop.get("/units/shop/dashboard").content == page_of(PAGES[1])
    assert shop.post("/units/shop/acknowledge", period=MAY).status_code == 303
    assert [one for one in published.objects() if one.startswith("delivery/log/")]
    assert names(published) == ["portal/log/000001.begun"]
    log.close()
    assert names(published) == ["portal/log/000001.begun", "portal/log/000001.jsonl"]
    assert any("access log, 1 segment, " in one for one in published.verify())


def test_a_month_that_is_closed_elsewhere_is_served_when_it_is_there(place: Place, closed: Books):
    serving = place.open("serving")
    portal = Portal(serving, closed.root.parent / "params")
    finance = portal.looker("finance")
    assert finance.get("/statements/2026-05/shop/pdf").status_code == 404
    books = place.open("closing")
    shutil.copytree(closed.root, books.root, dirs_exist_ok=True)
    assert books.shelf
    books.shelf.put_period(books, MAY, lambda _: None)
    assert finance.get("/statements/2026-05/shop/pdf").status_code == 200


def test_segments_are_put_while_the_portal_runs_and_when_it_stops(published: Place):
    books = published.open("serving")
    log = AccessLog(books, "")
    log.record("ann", "opened", "a")
    log.put_now()
    log.record("ann", "opened", "b")
    assert "portal/log/000001.jsonl" in names(published)
    assert not (books.root / "portal/log/000001.jsonl").exists()
    head = log.close()
    whole = read_access_log(access_room(published.open("another")), "")
    assert (whole.segments, whole.head, whole.notes) == (2, head, ())
    log = AccessLog(published.open("a third"), "")
    log.put_now()  # nothing was written: nothing is put
    assert log.number == 3 and names(published)[-1] == "portal/log/000003.begun"
    log.close()
    assert read_access_log(access_room(books), "").notes == ()


def test_what_a_killed_portal_has_left_on_its_disk_is_put_by_the_next_one(published: Place):
    books = published.open("serving")
    log = AccessLog(books, "")
    log.record("ann", "opened", "a")
    log._held.close()  # as the end of its process does
    assert "000001 was begun and is not here" in "".join(
        read_access_log(access_room(books), "").notes
    )
    AccessLog(books, "").close()
    whole = read_access_log(access_room(books), "")
    assert (whole.segments, whole.entries, whole.notes) == (2, 2, ())


def test_a_machine_that_is_lost_is_known_and_told(published: Place):
    log = AccessLog(published.open("lost"), "")
    log.record("ann", "opened", "a")
    said: list[str] = []
    AccessLog(published.open("next"), "", said.append).close()
    assert said == [
        "access log: segment 000001 is not here: another portal writes it, or its machine is lost"
    ]
    found = [one for one in published.verify() if "segment 000001" in one]
    assert len(found) == 1 and found[0].startswith(
        "NOTE  access log: segment 000001 was begun and is not here"
    )
    log.close()  # it was only another portal: what it wrote is there, and the chain holds
    whole = read_access_log(access_room(published.open("reading")), "")
    assert whole.segments == 2 and len(whole.notes) == 1
    assert any("access log, 2 segments" in one for one in published.verify())


def test_two_machines_at_once_have_segments_of_their_own(published: Place):
    first, second = (AccessLog(published.open(one), "") for one in ("one", "two"))
    for number in range(3):
        for name, log in (("first", first), ("second", second)):
            log.record(name, "opened", str(number))
            log.put_now()
    first.close()
    second.close()
    found = []
    whole = read_access_log(access_room(published.open("reading")), "", found.append)
    opened = [(one.by, one.subject) for one in found if one.action == "opened"]
    assert sorted(opened) == sorted(
        (name, str(one)) for one in range(3) for name in ("first", "second")
    )
    assert whole.segments == 8


@pytest.mark.parametrize("what", ["changed", "removed", "claim removed too"])
def test_an_object_of_the_log_that_somebody_touches_is_found(published: Place, what: str):
    for one in ("one", "two"):
        log = AccessLog(published.open(one), "")
        log.record("ann", "opened", one)
        log.close()
    name = "portal/log/000001.jsonl"
    if what == "changed":
        published.put(name, published.objects()[name].replace(b'"one"', b'"two"'))
    else:
        published.remove(name)
        if what != "removed":
            published.remove("portal/log/000001.begun")
    with pytest.raises(Refusal, match="the books are not as they were closed") as refused:
        published.verify()
    assert any("portal/log/00000" in one for one in refused.value.where)


def test_a_second_portal_on_one_machine_is_refused(published: Place):
    books = published.open("serving")
    log = AccessLog(books, "")
    with pytest.raises(Refusal, match="another portal serves these books"):
        AccessLog(books, "")
    log.close()
