"""The stores that can hold the state of the daily flow, by the names that sources.toml uses."""

from __future__ import annotations

from pathlib import Path

from chargeback.core.errors import bad_params
from chargeback.daily.state import DYNAMODB, State


def open_state(place: str, default: Path) -> State:
    """The store that sources.toml names: a SQLite file, or `dynamodb:<table>`.

    Args:
        place: empty for the default file.

    Raises:
        Refusal: (exit 2) the name has another form; (exit 6) the store cannot be reached.
    """
    if place.startswith(DYNAMODB):
        from chargeback.daily.dynamodb_state import DynamoDBState

        return DynamoDBState(place.removeprefix(DYNAMODB))
    if ":" in place:
        raise bad_params(
            "unknown kind of state", "a file, or dynamodb:<table>", repr(place),
            ["sources.toml, state"],
        )  # fmt: skip
    from chargeback.daily.sqlite_state import SQLiteState

    return SQLiteState(Path(place) if place else default)
