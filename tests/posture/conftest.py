"""An account for all tests of a process, put back after each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chargeback.core.errors import Refusal
from chargeback.core.paths import PARAMS
from chargeback.posture.run import run_posture
from tests.infra.conftest import running_account
from tests.posture import deployed

SOURCES = f"""
cur = "athena"
books = "s3://{deployed.BOOKS}/books"

[athena]
database = "{deployed.DATABASE}"
table = "{deployed.TABLE}"
workgroup = "{deployed.WORKGROUP}"
region = "us-east-1"

[posture]
report_readers = ["{deployed.FINOPS}"]
cutoff_bytes = "{deployed.CUTOFF}"

[posture.statement_readers]
claims = ["{deployed.CLAIMS}"]
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[deployed.Made]:
    """The account; whoever changes it puts it back."""
    with running_account(tmp_path_factory.mktemp("account")) as account:
        yield deployed.Made(account)


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """The sample's params, which name the account."""
    folder = tmp_path / "posture" / "params"
    shutil.copytree(PARAMS, folder)
    (folder / "sources.toml").write_text(SOURCES, encoding="utf-8")
    return folder


#: What a look says, and the refusal that it ends with; None where all checks hold.
Looked = tuple[list[str], Refusal | None]


@pytest.fixture
def look(
    made: deployed.Made, params: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Looked]:
    """A look at the account; its places may be others."""
    for name, value in made.account.environment().items():
        monkeypatch.setenv(name, value)

    def run(
        cur: str = "athena",
        books: str = f"s3://{deployed.BOOKS}/books",
        key: str = f"kms:{deployed.SIGNING}",
    ) -> Looked:
        said: list[str] = []
        try:
            run_posture(cur, params, books, "2026-05", said.append, key)
        except Refusal as refusal:
            return said, refusal
        return said, None

    return run
