"""A period is exported once, in one layout, whoever runs it when; what was exported stays as it was."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback import cli as command_line
from chargeback.books.delivery_log import EXPORTED, read_log
from chargeback.books.delivery_room import FolderRoom, delivery_room
from chargeback.books.manifest import parse_manifest
from chargeback.core.errors import (
    BAD_USAGE,
    CONTROL_FAILED,
    DONE,
    WOULD_CHANGE_CLOSED,
)
from chargeback.core.sums import sums_by
from chargeback.delivery.erp import export as exporting
from chargeback.delivery.released import closed_for_delivery
from tests.erp.made import ERP_TOML, HEADER, ONE_ROW
from tests.erp.parsers import PARSERS
from tests.made_once import made_once
from tests.restatement.months import APRIL, MARCH, MAY, Estate, make_estate, usual

REFERENCE = "CB-2026-05-001"


def make_books(folder: Path) -> None:
    """March, April, and May, which corrects April by 6.00 more for CC-1."""
    estate = make_estate(folder, MARCH, APRIL)
    [first, *others] = usual(APRIL)
    estate.deliver(APRIL, [{**first, "line_item_unblended_cost": 66.0}, *others], execution="e-2")
    estate.enter(APRIL, "136.00")
    estate.close(MAY)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The books and params; not to be changed."""
    return made_once(tmp_path_factory, "erp-books", make_books)


@pytest.fixture
def estate(closed: Path, tmp_path: Path) -> Estate:
    """A copy of them, with a mapping of one row."""
    for name in ("books", "params"):
        shutil.copytree(closed / name, tmp_path / name)
    found = Estate(tmp_path, {}, {})
    write(found)
    return found


def write(estate: Estate, rows: str = ONE_ROW, toml: str = "") -> None:
    """The mapping and [erp] of today."""
    (estate.params / "gl_accounts.csv").write_text(HEADER + rows)
    (estate.params / "delivery.toml").write_text(toml)


def run(estate: Estate, *more: str, period: str = MAY, verb: str = "erp-journal") -> int:
    """The verb."""
    return command_line.main(
        [verb, period, "--params", str(estate.params), "--books", str(estate.books.root), "--by", "ann",
         *more]
    )  # fmt: skip


def entries(estate: Estate) -> list:
    """What the log says was exported."""
    manifest = parse_manifest((estate.books.ledger(MAY) / "manifest.json").read_bytes())
    log = read_log(delivery_room(estate.books), manifest["books"])
    return [one for one in log.entries if one.action == EXPORTED]


def exported(estate: Estate) -> bytes:
    """The file that the log names."""
    [entry] = entries(estate)
    name = exporting.journal_name(entry)
    content = (estate.books.root / "delivery" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry.files[name]
    return content


@pytest.mark.parametrize("name", PARSERS)
def test_may_is_exported_to_the_cent(estate, name, tmp_path):
    write(estate, toml=ERP_TOML[name])
    assert run(estate, "--to", str(tmp_path / "out")) == DONE
    documents = PARSERS[name](exported(estate))
    # Tagged and the even third of 30.00 untagged, as in tests/restatement/months.py; April's 6.00 apart.
    lines = {
        key: sorted((account, center, str(amount)) for account, center, amount, _ in one.lines)
        for key, one in documents.items()
    }
    assert lines == {
        "CB-2026-05-001": [
            ("199000", "9000", "-130.00"),
            ("630000", "CC-1", "10.00"), ("630000", "CC-1", "60.00"),
            ("630000", "CC-2", "10.00"), ("630000", "CC-2", "30.00"),
            ("630000", "CC-9", "10.00"), ("630000", "CC-9", "10.00"),
        ],
        "CB-2026-05-002": [("199000", "9000", "-6.00"), ("630000", "CC-1", "6.00")],
    }  # fmt: skip
    assert {one.posted.isoformat() for one in documents.values()} == {"2026-05-31"}
    [written] = (tmp_path / "out").iterdir()
    assert written.read_bytes() == exported(estate)


def test_what_was_exported_is_what_the_ledger_charges(estate):
    assert run(estate) == DONE
    found: dict[str, Decimal] = {}
    for one in PARSERS["generic"](exported(estate)).values():
        for account, center, amount, _ in one.lines:
            if account == "630000":
                found[center] = found.get(center, Decimal(0)) + amount
    ledger = sums_by(estate.postings(MAY), ["cost_center_id"], "amount")
    assert found == {center: amount for (center,), amount in ledger.items() if center}


def test_a_second_export_says_when_and_by_whom_and_writes_the_same_bytes(estate, tmp_path, capsys):
    assert run(estate) == DONE
    first = capsys.readouterr().out
    assert first.startswith(
        "2026-05 is exported for an ERP that maps columns by name: 2 documents, 9 lines"
    )
    assert f"  {REFERENCE}  1000   posted 2026-05-31     7 lines            130.00 USD\n" in first
    assert "corrects 2026-04\n" in first
    [entry] = entries(estate)
    assert entry.by == "ann" and entry.subject == "generic"
    assert entry.details["charged"] == {"USD": "136.00"}
    before = snapshot(estate)
    assert run(estate, "--to", str(tmp_path / "out")) == DONE
    said = capsys.readouterr().out
    assert (
        f"2026-05 is already exported for an ERP that maps columns by name, on {entry.at}, by ann"
        in said
    )
    assert "NOTE" not in said
    assert (tmp_path / "out" / "CB-2026-05.csv").read_bytes() == exported(estate)
    assert snapshot(estate) == before


def snapshot(estate: Estate) -> dict[str, bytes]:
    """Every file of the delivery room."""
    folder = estate.books.root / "delivery"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_mapping_that_changes_later_changes_no_export_and_is_said(estate, tmp_path, capsys):
    assert run(estate) == DONE
    before = snapshot(estate)
    write(
        estate,
        ONE_ROW + "*,CC-2,1000,640000,,,199000,9000,,,2026-01,\n",
        '[erp]\nheader_text = "AWS"\n',
    )
    capsys.readouterr()
    assert run(estate, "--to", str(tmp_path / "out")) == DONE
    said = capsys.readouterr().out
    assert "NOTE  gl_accounts.csv has changed since, for 2 charges of this period" in said
    assert (
        "CC-2 direct: 1000 630000 against 199000 9000, now 1000 640000 against 199000 9000" in said
    )
    assert "header_text 'Cloud chargeback', now 'AWS'" in said
    assert "CC-1" not in said.partition("NOTE")[2]
    assert snapshot(estate) == before
    assert (tmp_path / "out" / "CB-2026-05.csv").read_bytes() == exported(estate)


def test_a_mapping_that_changes_for_nobody_is_not_worth_a_note(estate, capsys):
    assert run(estate) == DONE
    write(estate, ONE_ROW.replace("2026-01,", "2026-01,2026-05") + ONE_ROW.replace("630000", "640000")
          .replace("2026-01,", "2026-06,"))  # fmt: skip
    capsys.readouterr()
    assert run(estate) == DONE
    assert "NOTE" not in capsys.readouterr().out


def test_a_mapping_that_cannot_be_read_any_more_is_said_and_stops_nothing(estate, capsys):
    assert run(estate) == DONE
    (estate.params / "gl_accounts.csv").write_text(HEADER + "what,*,1000,1,,,2,,,,2026-01,\n")
    capsys.readouterr()
    assert run(estate) == DONE
    assert (
        "NOTE  the mapping of today cannot be read: this is no kind of charge"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "toml, more, expected, found",
    [(ERP_TOML["sap"], (), "layout generic", "sap"),
     ("", ("--date", "2026-07-01"), "posting date 2026-05-31", "2026-07-01")],
)  # fmt: skip
def test_a_period_is_not_booked_twice(estate, capsys, toml, more, expected, found):
    assert run(estate) == DONE
    before = snapshot(estate)
    write(estate, toml=toml)
    capsys.readouterr()
    assert run(estate, *more) == WOULD_CHANGE_CLOSED
    refused = capsys.readouterr().err
    assert "2026-05 is exported, and another export would book it again" in refused
    assert f"expected   {expected}" in refused and f"found      {found}" in refused
    assert "by ann" in refused
    assert snapshot(estate) == before


def test_the_posting_date_is_that_of_the_rule_or_of_the_command(estate):
    write(estate, toml='[erp]\nposting_date = "day 3 of the next month"\n')
    assert run(estate, period="2026-03..2026-04") == DONE
    assert run(estate, "--date", "2026-07-01") == DONE
    assert [one.details["posting_date"] for one in entries(estate)] == [
        "2026-04-03", "2026-05-03", "2026-07-01",
    ]  # fmt: skip
    name = exporting.journal_name(entries(estate)[-1])
    loaded = PARSERS["generic"]((estate.books.root / "delivery" / name).read_bytes())
    assert {str(one.posted) for one in loaded.values()} == {"2026-07-01"}


def test_without_a_mapping_nothing_is_exported(estate, capsys):
    (estate.params / "gl_accounts.csv").unlink()
    assert run(estate) == BAD_USAGE
    assert "there is no mapping to the accounts of an ERP" in capsys.readouterr().err
    assert run(estate, verb="handout") == DONE
    assert entries(estate) == []


def test_what_is_not_mapped_leaves_nothing_behind(estate, capsys):
    write(estate, ONE_ROW.replace("*,*", "*,shop"))
    assert run(estate) == BAD_USAGE
    refused = capsys.readouterr().err
    assert "charges of 2026-05 have no account in the ERP" in refused
    assert "CC-9 allocated: 10.00 USD" in refused and "CC-9 direct: 10.00 USD" in refused
    assert entries(estate) == []
    assert not [name for name in snapshot(estate) if "/erp/" in name]


def test_a_period_that_nobody_has_approved_is_not_exported(tmp_path, capsys):
    approver = f'[[approver]]\napprover_id = "rita.ng"\nname = "Rita Ng"\ncertificate_sha256 = "{"ab" * 32}"\n'
    waiting = make_estate(tmp_path, MARCH, delivery_toml=f'{approver}valid_from = "2026-01"\n')
    write(waiting)  # without approvers today, which releases nothing
    for verb in ("erp-journal", "handout"):
        assert run(waiting, period=MARCH, verb=verb) == CONTROL_FAILED
        assert "this period is prepared, and nobody has approved it" in capsys.readouterr().err
    assert not [name for name in snapshot(waiting) if "/erp/" in name]


def test_what_was_exported_is_written_again_without_a_mapping(estate, tmp_path, capsys):
    assert run(estate) == DONE
    (estate.params / "gl_accounts.csv").unlink()
    assert run(estate, "--to", str(tmp_path / "out")) == DONE
    assert "for 7 charges of this period" in capsys.readouterr().out
    assert (tmp_path / "out" / "CB-2026-05.csv").read_bytes() == exported(estate)


def test_handing_out_exports_as_well_and_leaves_what_was_exported_otherwise(estate, capsys):
    assert run(estate, verb="handout") == DONE
    assert [one.subject for one in entries(estate)] == ["generic"]
    write(estate, toml=ERP_TOML["sap"])
    capsys.readouterr()
    assert run(estate, verb="handout") == DONE
    said = capsys.readouterr().out
    assert "NOTE  2026-05 stays as it was exported: delivery.toml says sap now" in said
    assert [one.subject for one in entries(estate)] == ["generic"]


def test_runs_at_once_export_once_whatever_their_layouts(estate):
    periods = []
    for number, name in enumerate([*PARSERS] * 2):
        params = estate.folder / f"params-{number}"
        shutil.copytree(estate.params, params)
        (params / "delivery.toml").write_text(ERP_TOML[name])
        periods.append(closed_for_delivery(estate.books, MAY, params, f"person {number}"))
    with ThreadPoolExecutor(len(periods)) as runs:
        found = list(runs.map(lambda one: exporting.export(one, lambda _: None), periods))
    assert len({one.number for one in found}) == 1
    assert len(entries(estate)) == 1
    exported(estate)


def test_a_run_that_was_killed_is_made_up_for_whatever_the_next_one_is_told(estate, monkeypatch):
    class Killed(BaseException):
        pass

    put = FolderRoom.put
    for survivor in range(4):  # three files and the entry
        done = []

        def put_or_die(self, name, content, done=done, survivor=survivor):
            if len(done) == survivor:
                raise Killed
            done.append(name)
            return put(self, name, content)

        period = closed_for_delivery(estate.books, MAY, estate.params)
        with monkeypatch.context() as patch:
            patch.setattr(FolderRoom, "put", put_or_die)
            with pytest.raises(Killed):
                exporting.export(period, lambda _: None)
        assert entries(estate) == []
        write(estate, ONE_ROW.replace("630000", f"63000{survivor}"))
    assert run(estate) == DONE
    assert len(entries(estate)) == 1
    assert b"630003" in exported(estate)


def test_a_file_that_was_altered_in_the_room_is_not_handed_out(estate, tmp_path, capsys):
    assert run(estate) == DONE
    [entry] = entries(estate)
    path = estate.books.root / "delivery" / exporting.journal_name(entry)
    path.write_bytes(path.read_bytes().replace(b"60.00", b"60.01"))
    assert run(estate, "--to", str(tmp_path / "out")) == CONTROL_FAILED
    assert "a file of the delivery room is not what the log names" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*"))


def test_what_is_kept_says_how_it_was_made(estate):
    write(estate, toml=ERP_TOML["oracle"])
    assert run(estate) == DONE
    [entry] = entries(estate)
    kept = {name.rpartition("/")[2]: name for name in entry.files}
    assert set(kept) == {"GlInterface.csv", "gl_accounts.csv", "settings.json"}
    room = estate.books.root / "delivery"
    mapping = (room / kept["gl_accounts.csv"]).read_bytes()
    assert mapping == (estate.params / "gl_accounts.csv").read_bytes()
    assert entry.details["gl_accounts_sha256"] == hashlib.sha256(mapping).hexdigest()
    settings = json.loads((room / kept["settings.json"]).read_bytes())
    assert settings == entry.details
    assert settings["settings"]["ledger"] == "US Primary"


@pytest.mark.slow
def test_a_process_that_is_killed_at_any_time_leaves_a_room_that_works(estate):
    """Ten real processes, killed after ever longer times; then one that may finish."""
    verb = [
        sys.executable, "-m", "chargeback", "erp-journal", MAY, "--params", str(estate.params), "--books",
        str(estate.books.root),
    ]  # fmt: skip
    for tenths in range(3, 13):
        with subprocess.Popen(
            verb, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                process.wait(tenths / 10)
            except subprocess.TimeoutExpired:
                process.kill()
    assert run(estate) == DONE
    assert len(entries(estate)) == 1
    exported(estate)


def test_a_period_that_charges_nobody_has_nothing_to_book(estate, monkeypatch):
    said: list[str] = []
    period = closed_for_delivery(estate.books, MAY, estate.params)
    monkeypatch.setattr(type(period), "postings", estate.postings(MAY).slice(0, 0))
    assert exporting.export(period, said.append) is None
    assert said == ["2026-05 charges nobody: there is nothing to book in the ERP"]
    assert entries(estate) == []
