"""The stores of the daily state: a SQLite file, and DynamoDB as moto's server answers for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from chargeback.daily.state import DYNAMODB, State
from chargeback.daily.stores import open_state

OpenStore = Callable[[], State]


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of an AWS that is moto's, on a free port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def dynamodb_table(aws: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new table, as docs/runbook.md makes it; the environment leads to it."""
    for name, value in (
        ("AWS_ENDPOINT_URL", aws), ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    name = f"daily-{uuid.uuid4().hex}"
    boto3.client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"},
                   {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("pk", "sk")],
    )  # fmt: skip
    return name


@pytest.fixture(params=["sqlite", "dynamodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The name of an empty store, as sources.toml names it; each kind in turn."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "state.sqlite")
    return DYNAMODB + str(request.getfixturevalue("dynamodb_table"))


@pytest.fixture
def open_store(place: str) -> Iterator[OpenStore]:
    """Opens the same store, each time as another run would."""
    opened: list[State] = []

    def open_it() -> State:
        opened.append(open_state(place, Path("unused")))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()
