"""Closed months that may be handed out, and people with keys who approve them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from chargeback.cli import main
from chargeback.delivery.released import ClosedForDelivery, closed_for_delivery
from tests.athena.cloud import Cloud
from tests.close.months import JUNE, MAY, Ended, Month, month_in, write_month
from tests.delivery.pack.months import close_months
from tests.made_once import made_once
from tests.signing.key_files import certificate, pem, rsa_key


@dataclass(frozen=True)
class Person:
    """Somebody with a key of their own, as a file."""

    approver_id: str
    name: str
    key_file: Path
    certificate_sha256: str


def person(folder: Path, approver_id: str, name: str) -> Person:
    """A new person, whose key lies in a folder."""
    key = rsa_key()
    own = certificate(key, name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{approver_id}.pem"
    path.write_bytes(pem(key, own))
    sha256 = hashlib.sha256(own.public_bytes(Encoding.DER)).hexdigest()
    return Person(approver_id, name, path, sha256)


def approver_toml(*people: Person, valid_from: str = "2026-01") -> str:
    """The text of delivery.toml that names approvers."""
    return "".join(
        f'[[approver]]\napprover_id = "{one.approver_id}"\nname = "{one.name}"\n'
        f'certificate_sha256 = "{one.certificate_sha256}"\nvalid_from = "{valid_from}"\n\n'
        for one in people
    )


@dataclass(frozen=True)
class Prepared:
    """May and June, closed by Carl with his key; Rita and Omar may approve them."""

    month: Month
    carl: Person
    rita: Person
    omar: Person

    def of(self, period: str = MAY, by: str = "") -> ClosedForDelivery:
        """A period for delivery."""
        return closed_for_delivery(self.month.books, period, self.month.params, by)


def people_in(folder: Path) -> tuple[Person, ...]:
    """Carl, Rita and Omar, with their keys in a folder."""
    names = (("carl", "Carl Close"), ("rita.ng", "Rita Ng"), ("omar", "Omar Ode"))
    return tuple(person(folder / "keys", *one) for one in names)


def write_prepared(folder: Path) -> None:
    """Close May and June as Carl, and remember the people."""
    carl, rita, omar = people_in(folder)
    month = write_month(folder, delivery_toml=approver_toml(carl, rita, omar))
    close_months(month, MAY, JUNE, key_file=carl.key_file, by="Carl Close")
    lines = (
        f"{one.approver_id}\t{one.name}\t{one.certificate_sha256}" for one in (carl, rita, omar)
    )
    (folder / "people.txt").write_text("\n".join(lines))


@pytest.fixture(scope="session")
def prepared_once(tmp_path_factory) -> Path:
    """The folder of prepared books; not to be changed."""
    return made_once(tmp_path_factory, "prepared", write_prepared)


@pytest.fixture
def prepared(prepared_once, tmp_path) -> Prepared:
    """Prepared books, to do with as a test likes."""
    folder = tmp_path / "prepared"
    shutil.copytree(prepared_once, folder)
    people = [line.split("\t") for line in (folder / "people.txt").read_text().split("\n")]
    carl, rita, omar = (Person(one, name, folder / "keys" / f"{one}.pem", sha256)
                        for one, name, sha256 in people)  # fmt: skip
    return Prepared(month_in(folder), carl, rita, omar)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud on this machine."""
    made = Cloud(tmp_path_factory.mktemp("objects"))
    yield made
    made.close()


@pytest.fixture
def run(capsys) -> Callable[..., Ended]:
    """Runs a verb in this process."""

    def run_verb(*arguments: str) -> Ended:
        capsys.readouterr()
        exit_code = main(arguments)
        said = capsys.readouterr()
        return Ended(exit_code, said.out, said.err)

    return run_verb
