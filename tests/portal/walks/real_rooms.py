"""The portal's rooms over small books, for a door that a test opens in its own process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.routing import BaseRoute

from chargeback.portal.rooms import Place, rooms
from tests.close.months import month_in
from tests.portal.providers.open_portal import Told


def rooms_of(folder: Path) -> Callable[[Told], Sequence[BaseRoute]]:
    """The rooms of the books in a folder."""
    month = month_in(folder)
    return lambda told: rooms(Place(month.books, month.params, told, progress=lambda _: None))
