"""The rooms: everybody gets what is theirs, and nobody learns whether there is anything else."""

from __future__ import annotations

from tests.portal.place import Portal


def test_home_names_what_somebody_sees_and_nothing_else(portal: Portal):
    shop = portal.looker("shop-people")
    page = shop.get("/")
    assert page.status_code == 200
    assert "/units/shop" in page.text and "core" not in page.text and "CC-" not in page.text
    assert shop.log.said == [("opened", "home")]
