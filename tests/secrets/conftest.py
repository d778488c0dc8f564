"""A real OpenBao, and AWS as moto's server answers for it."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from chargeback.core import confidential
from chargeback.core.confidential import without_secrets
from chargeback.secrets import give_back
from tests.secrets.openbao import OpenBao, running


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server, one for all tests of a process."""
    with running(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def bao(openbao: OpenBao, alone: None) -> OpenBao:
    """The server, and a process that has asked nobody yet."""
    return openbao


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that nobody told a secret, and that gives back what it got."""
    import os

    for name in os.environ.keys() - without_secrets(os.environ).keys():
        monkeypatch.delenv(name)
    monkeypatch.setattr(confidential, "_shown_never", set())
    give_back()
    yield
    give_back()


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    """The address of an AWS that is moto's, on a free port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(moto_address: str, alone: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, where this process finds it, with credentials."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_address)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACANARY0000000001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-of-the-tests-5d1c")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return moto_address


def aws(service: str):
    """A client of moto, as the environment names it."""
    return boto3.client(service)
