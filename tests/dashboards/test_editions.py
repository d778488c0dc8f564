"""Editions of dashboards: whole or not there, as their index says, and no new one for nothing."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from chargeback.aws.bucket import Bucket, s3_place
from chargeback.books.delivery_room import BucketRoom, FolderRoom, Room, delivery_room
from chargeback.books.shelf import S3Shelf
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.dashboards.editions import (
    DATA,
    FOLDER,
    KEPT,
    claim_number,
    dashboards_room,
    file_of,
    newest_edition,
    publish_edition,
    read_page,
)
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope, scopes
from chargeback.params.books_policy import BooksPolicy
from chargeback.params.viewers import FINANCE, VIEWER, Grant, Viewers

CLAIMS, EVERY = Scope(UNIT, "claims"), Scope(ALL)


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def room(request, tmp_path) -> Room:
    if request.param == "folder":
        return FolderRoom(tmp_path / FOLDER)
    cloud = request.getfixturevalue("cloud")
    name = f"dashboards-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]}"
    cloud.s3.create_bucket(Bucket=name)
    return BucketRoom(
        Bucket(cloud.s3, s3_place(f"s3://{name}/books", "BOOKS"), BooksPolicy()), FOLDER
    )


def pages(text: str) -> dict[str, bytes]:
    return {
        file_of(CLAIMS, "dashboard.html"): f"<p>{text}</p>".encode(),
        file_of(CLAIMS, DATA): b"{}",
        file_of(EVERY, "dashboard.html"): b"<p>all</p>",
    }


def test_an_edition_is_served_as_it_was_made(room):
    assert newest_edition(room) is None
    made, is_new = publish_edition(room, pages("one"), {"last_closed": "2026-05"})
    assert is_new and made.number == 1
    found = newest_edition(room)
    assert found == made and found.said == {"last_closed": "2026-05"}
    assert read_page(room, found, CLAIMS) == b"<p>one</p>"
    assert read_page(room, found, CLAIMS, DATA) == b"{}"
    assert read_page(room, found, Scope(UNIT, "Claims")) is None
    assert read_page(room, found, EVERY, DATA) is None


def test_the_same_pages_are_no_new_edition(room):
    publish_edition(room, pages("one"), {"made_at": "2026-06-01"})
    again, is_new = publish_edition(room, pages("one"), {"made_at": "2026-06-02"})
    assert (again.number, is_new) == (1, False)
    after, is_new = publish_edition(room, pages("two"), {})
    assert (after.number, is_new) == (2, True)
    assert read_page(room, newest_edition(room), CLAIMS) == b"<p>two</p>"


def test_a_killed_run_is_no_edition_and_in_nobodys_way(room):
    publish_edition(room, pages("one"), {})
    assert claim_number(room, 2) == 2
    room.put("000002/business-unit/claims/dashboard.html", b"half")
    assert newest_edition(room).number == 1
    after, _ = publish_edition(room, pages("two"), {})
    assert after.number == 3
    assert read_page(room, newest_edition(room), CLAIMS) == b"<p>two</p>"


def test_of_runs_at_once_each_has_its_own_number(room):
    with ThreadPoolExecutor(KEPT) as runs:
        made = list(
            runs.map(lambda one: publish_edition(room, pages(str(one)), {})[0], range(KEPT))
        )
    assert len({one.number for one in made}) == KEPT
    for one in made:
        page = read_page(room, one, CLAIMS)
        assert hashlib.sha256(page).hexdigest() == one.files[file_of(CLAIMS, "dashboard.html")]


def test_a_page_that_was_changed_is_not_served(tmp_path):
    room = FolderRoom(tmp_path)
    edition, _ = publish_edition(room, pages("one"), {})
    (tmp_path / "000001" / "business-unit" / "claims" / "dashboard.html").write_bytes(
        b"<p>more</p>"
    )
    with pytest.raises(Refusal, match="not as it was made") as refused:
        read_page(room, edition, CLAIMS)
    assert refused.value.exit_code == CONTROL_FAILED
    (tmp_path / "000001" / "index.json").write_bytes(b"[")
    with pytest.raises(Refusal, match="not as it was made"):
        newest_edition(room)


def test_a_folder_keeps_the_last_few(tmp_path):
    room = FolderRoom(tmp_path)
    for number in range(KEPT + 2):
        publish_edition(room, pages(str(number)), {})
    assert sorted(one.name for one in tmp_path.iterdir()) == ["000003", "000004", "000005"]


def test_pages_are_for_units_for_granted_cost_centers_and_for_all():
    viewers = Viewers((
        Grant("a", VIEWER, ("claims",), ("CC-2",)), Grant("b", VIEWER, (), ("CC-1", "CC-2")),
        Grant("c", FINANCE, all=True),
    ))  # fmt: skip
    assert scopes(["members", "claims"], viewers) == [
        Scope(ALL), Scope(UNIT, "claims"), Scope(UNIT, "members"),
        Scope(COST_CENTER, "CC-1"), Scope(COST_CENTER, "CC-2"),
    ]  # fmt: skip
    seen = {
        group: [one for one in scopes(["members", "claims"], viewers) if one.is_seen_by(viewers.sight([group]))]
        for group in ("a", "b", "c", "d")
    }  # fmt: skip
    assert seen["a"] == [Scope(UNIT, "claims"), Scope(COST_CENTER, "CC-2")]
    assert seen["b"] == [Scope(COST_CENTER, "CC-1"), Scope(COST_CENTER, "CC-2")]
    assert len(seen["c"]) == 5 and seen["d"] == []


def test_an_edition_names_the_scripts_of_its_pages_and_nothing_else(tmp_path):
    script = "sha256-" + "A" * 43 + "="
    said = {"scripts": [script, "unsafe-inline", "sha256-x' 'unsafe-inline"]}
    edition, _ = publish_edition(FolderRoom(tmp_path), pages("one"), said)
    assert edition.scripts == newest_edition(FolderRoom(tmp_path)).scripts == (script,)
    before, _ = publish_edition(FolderRoom(tmp_path), pages("two"), {})
    assert before.scripts == ()


@pytest.mark.slow
def test_editions_in_a_bucket_can_be_removed_while_its_books_are_locked(cloud, tmp_path):
    cloud.s3.create_bucket(Bucket="locked-dashboards", ObjectLockEnabledForBucket=True)
    place = s3_place("s3://locked-dashboards/books", "BOOKS")
    bucket = Bucket(cloud.s3, place, BooksPolicy("GOVERNANCE", 7))
    books = Books(tmp_path, S3Shelf(bucket))
    publish_edition(dashboards_room(books), pages("one"), {})
    delivery_room(books).put("kept.txt", b"kept")

    def locked(name: str) -> str:
        found = cloud.s3.head_object(Bucket="locked-dashboards", Key=f"books/{name}")
        return found.get("ObjectLockMode", "")

    assert locked("delivery/kept.txt") == "GOVERNANCE"
    assert locked("dashboards/000001/index.json") == ""
