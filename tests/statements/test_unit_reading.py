"""Files are read back the same by several processes as by one, each once; what cannot be read is named."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest

from chargeback.core.errors import Refusal
from chargeback.core.kernels import pool
from chargeback.statements import unit_reading
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.read_back import read_statements
from chargeback.statements.stage import of_many
from chargeback.statements.unit_reading import (
    PROVE,
    READ,
    TOGETHER,
    Files,
    do_task,
    not_read,
    read_all,
)


@pytest.fixture
def by_several(monkeypatch):
    """Two processes read, however few units there are."""
    monkeypatch.setattr(unit_reading, "FEW_UNITS", 0)
    monkeypatch.setattr("chargeback.core.workers.most_at_once", lambda: 2)
    monkeypatch.setattr(unit_reading, "TOGETHER", 1)
    if pool().is_cold:
        pytest.skip("every kernel starts alone here")


def files_of(rendered) -> Files:
    """What is read of finished statements."""
    charges = read_charges(rendered.inputs)
    return Files(rendered.folder, rendered.inputs, charges, extract_units(rendered.inputs, charges))


@pytest.fixture(params=["rendered", "hostile"])
def finished(request):
    return request.getfixturevalue(request.param)


def test_several_processes_find_what_one_finds(finished, request):
    one = read_statements(finished.folder, finished.inputs)
    request.getfixturevalue("by_several")
    several = read_statements(finished.folder, finished.inputs)
    assert list(one) == list(several)
    for name, table in one.items():
        assert several[name].equals(table), name


def test_several_processes_find_what_is_wrong(altered, by_several):
    """A figure in one file, a word of another unit in the next."""
    page = altered.file("claims", "html").read_text(encoding="utf-8")
    altered.file("claims", "html").write_text(
        page.replace("</main>", "<p>Pharmacy Benefits</p></main>"), encoding="utf-8"
    )
    tables = read_statements(altered.folder, altered.inputs)
    [leak] = tables["statement_leaks"].to_pylist()
    assert (leak["business_unit_id"], leak["medium"]) == ("claims", "html")


@pytest.mark.parametrize("several", [False, True])
def test_the_first_unit_whose_file_is_missing_is_named(altered, request, several):
    if several:
        request.getfixturevalue("by_several")
    for unit_id in ("pharmacy", "corporate"):
        altered.file(unit_id, "pdf").unlink()
    with pytest.raises(Refusal) as refusal:
        read_all(files_of(altered))
    assert refusal.value.what == "a statement of corporate is missing"
    assert refusal.value.exit_code == 6


def test_a_process_that_ends_names_what_it_was_reading():
    units = tuple(f"unit-{number}" for number in range(TOGETHER + 2))
    refusal = not_read((READ, units[:2]), "the kernel ended with code -9")
    assert refusal.what == "the statements of unit-0, unit-1 could not be read back"
    assert (refusal.exit_code, refusal.found) == (6, "the kernel ended with code -9")
    refusal = not_read((PROVE, units), "")
    assert refusal.what.startswith("the statements of unit-0, unit-1, unit-2, unit-3 and others ")


def test_what_workers_are_told_comes_back_as_it_was(rendered):
    files = files_of(rendered)
    again = pickle.loads(pickle.dumps(files))
    assert again.statements == files.statements
    task = (READ, ("claims",))
    assert do_task(again, task) == do_task(files, task)


def test_each_file_is_taken_apart_once_for_all_controls(rendered, monkeypatch):
    """However many controls there are, the work of reading grows with the files alone."""
    opened = Counter[str]()
    real = unit_reading.read_unit

    def counted(files, unit_id):
        opened[unit_id] += 1
        return real(files, unit_id)

    monkeypatch.setattr(unit_reading, "read_unit", counted)
    read_statements(rendered.folder, rendered.inputs)
    assert opened == Counter(rendered.units)


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (8, []),
        (100, ["40 of 100 computed", "80 of 100 computed", "100 computed, being rendered as HTML and PDF",
               "100 rendered, being signed and read back"]),
    ],
)  # fmt: skip
def test_of_many_units_it_is_said_how_far_they_are(units, said):
    heard: list[str] = []
    tell = of_many(units, heard.append)
    for number in range(units + 1):
        tell(f"line {number}")
    assert heard == said
