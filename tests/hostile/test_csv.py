"""A CSV, GZIP or ZIP file that was not made like a report is refused by name, before it fills the machine."""

from __future__ import annotations

import gzip
import io
import resource
import struct
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from chargeback.core.paths import BUILD, ROOT
from chargeback.sources.flat_columns import ALWAYS_UNPACKED_BYTES
from chargeback.sources.freeze import freeze_sources
from tests.hostile.refused import refused_delivery
from tests.reports import PERIOD, line_item, write_report
from tests.sources.legacy import data_files, write_legacy

pytestmark = pytest.mark.slow

CSV = "a data file cannot be read as CSV"
BOMB = "which no report does"


@pytest.fixture
def small(tmp_path):
    return write_report(tmp_path / "small", [line_item(60.0, "CC-1"), line_item(40.0, "CC-2")])


@pytest.fixture
def packed(small, tmp_path) -> tuple[Path, Path, str]:
    """A legacy report, its one file, packed by GZIP, and the text in it."""
    report = write_legacy(small, tmp_path / "report", PERIOD, "csv")
    [path] = data_files(report)
    return report, path, gzip.decompress(path.read_bytes()).decode()


@pytest.fixture
def zipped(small, tmp_path) -> tuple[Path, Path, bytes]:
    """A legacy report, its one file, a ZIP, and the text in it."""
    report = write_legacy(small, tmp_path / "report", PERIOD, "zip")
    [path] = data_files(report)
    with zipfile.ZipFile(path) as archive:
        return report, path, archive.read(archive.namelist()[0])


#: What is done to the text, and what is said of it.
TEXTS: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    "nothing": (lambda text: "", "the file is empty"),
    "a line end": (lambda text: "\n", "the report has no column"),
    "only NUL": (lambda text: "\0" * 1000, "the report has no column"),
    "semicolons": (lambda text: text.replace(",", ";"), "the report has no column"),
    "a quote that never ends": (lambda text: text.replace("RunInstances", '"Run', 1), CSV),
    "a row that is too short": (lambda text: text.rstrip("\n")[:-20] + "\n", CSV),
    "a row that is too long": (lambda text: text.rstrip("\n") + ",x,y\n", CSV),
    "a cell of 200,000 letters": (lambda text: text.replace("RunInstances", "R" * 200_000, 1), CSV),
    "a header twice": (
        lambda text: "\n".join(f"{one},lineItem/Operation" for one in text.splitlines()),
        "two columns have the same name",
    ),
    "two encodings": (lambda text: text.replace("RunInstances", "Rün", 1).encode("latin-1"), "utf-8"),
    "UTF-16": (lambda text: text.encode("utf-16"), "utf-8"),
    "a cost in words": (lambda text: text.replace("60.0", "sixty"), "'sixty'"),
    "a cost with a comma": (lambda text: text.replace("60.0", '"60,0"'), "'60,0'"),
    "a cost in other digits": (lambda text: text.replace("60.0", "٦٠"), "٦٠"),
    "a cost that is no number": (lambda text: text.replace("60.0", "nan"), "not a finite number"),
    "a cost beyond numbers": (lambda text: text.replace("60.0", "1e400"), "not a finite number"),
    "a cost of 300 digits": (lambda text: text.replace("60.0", "1e300"), "no amount of a bill"),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_no_report(name, packed):
    report, path, text = packed
    spoil, words = TEXTS[name]
    spoiled = spoil(text)
    content = spoiled if isinstance(spoiled, bytes) else spoiled.encode()
    path.write_bytes(gzip.compress(content))
    refused_delivery(report, words, path.name)


def test_thousands_of_columns_are_read(packed):
    report, path, text = packed
    more = "".join(f",column{number}" for number in range(5_000))
    path.write_bytes(gzip.compress("".join(f"{one}{more}\n" for one in text.splitlines()).encode()))
    assert freeze_sources(report, PERIOD).line_items == 2


GZIPS: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda whole: whole[:-20],
    "with something behind it": lambda whole: whole + b"garbage",
    "with another checksum": lambda whole: whole[:-8] + b"\1\2\3\4" + whole[-4:],
    "that is none": lambda whole: b"hello",
    "of two texts": lambda whole: whole + gzip.compress(b"x,y\n"),
    "that is a ZIP": lambda whole: b"PK\3\4" + whole,
}


@pytest.mark.parametrize("name", GZIPS)
def test_a_gzip_file(name, packed):
    report, path, _ = packed
    path.write_bytes(GZIPS[name](path.read_bytes()))
    refused_delivery(report, CSV, path.name)


def spoiled_header(path: Path, local: int, central: int, value: bytes) -> None:
    """A field of a ZIP's only member changed, in both places that tell of it."""
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\3\4", local), (b"PK\1\2", central)):
        at = content.index(mark) + offset
        content[at : at + len(value)] = value
    path.write_bytes(content)


def rewritten(path: Path, **members: bytes) -> None:
    """A ZIP of these members, named by their keys."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def linked(path: Path, text: bytes) -> None:
    """A ZIP whose CSV is a link to a file of this machine."""
    link = zipfile.ZipInfo("costs.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")


def doubled(path: Path, text: bytes) -> None:
    """A ZIP of two members of one name."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("costs.csv", text)
        archive.writestr("costs.csv", text)


def nested(path: Path, text: bytes) -> None:
    """A ZIP in a ZIP."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("costs.csv", text * 100)
    rewritten(path, **{"costs.csv": inner.getvalue()})


def cut(path: Path, text: bytes) -> None:
    path.write_bytes(path.read_bytes()[:-30])


#: What is done to the ZIP, and what is said of it.
ZIPS: dict[str, tuple[Callable[[Path, bytes], None], str]] = {
    "two CSV files": (lambda path, text: rewritten(path, **{"a.csv": text, "b.csv": text}), "2 CSV files"),
    "two of one name": (doubled, "2 CSV files"),
    "no CSV file": (lambda path, text: rewritten(path, **{"a.txt": text}), "0 CSV files"),
    "20,000 files": (
        lambda path, text: rewritten(path, **{f"{number}.txt": b"" for number in range(20_000)}),
        "0 CSV files",
    ),
    "a link": (linked, "the report has no column"),
    "a ZIP in a ZIP": (nested, CSV),
    "a password": (lambda path, text: spoiled_header(path, 6, 8, b"\1\0"), "is encrypted"),
    "a method that nobody has": (lambda path, text: spoiled_header(path, 8, 10, struct.pack("<H", 99)), CSV),
    "another checksum": (lambda path, text: spoiled_header(path, 14, 16, b"\1\2\3\4"), "Bad CRC-32"),
    "a size that is not true": (lambda path, text: spoiled_header(path, 22, 24, struct.pack("<I", 5)), CSV),
    "no end": (cut, "not a zip file"),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIPS)
def test_a_zip_file(name, zipped):
    report, path, text = zipped
    spoil, words = ZIPS[name]
    spoil(path, text)
    refused_delivery(report, words, path.name)


@pytest.mark.parametrize("name", ["../../../escaped.csv", "/tmp/escaped.csv", "a/b/c/escaped.csv"])
def test_a_member_is_never_written_where_it_says(name, zipped):
    """It is read as the one CSV, and packed anew under the name of the delivered file."""
    report, path, text = zipped
    rewritten(path, **{name: text})
    assert freeze_sources(report, PERIOD).line_items == 2
    assert not list(report.parent.rglob("*escaped*"))
    assert not Path("/tmp/escaped.csv").exists()
    assert not list((BUILD / "unzipped").rglob("*escaped*"))


def many(byte: bytes, count_mb: int) -> bytes:
    """One byte so many millions of times, packed: a thousandth of that."""
    stream = io.BytesIO()
    with gzip.open(stream, "wb") as packer:
        for _ in range(count_mb):
            packer.write(byte * 1_000_000)
    return stream.getvalue()


#: What fills the machine: behind the rows, or in place of the header.
BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "a header without end": lambda whole: many(b"x", 300),
    "a cell without end": lambda whole: whole + gzip.compress(b'"') + many(b"x", 300),
    "rows of nothing": lambda whole: whole + many(b"\n", 300),
}

#: As a process of its own, so that its memory is its own: what it says, and the most that it took, in MB.
FREEZE = """
import resource, sys
from pathlib import Path
from chargeback.core.errors import Refusal
from chargeback.sources.freeze import freeze_sources
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    freeze_sources(Path(sys.argv[1]), sys.argv[2])
except Refusal as refusal:
    print(refusal.block())
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_unpacks_to_300_mb_takes_little_memory_and_time(name, packed):
    report, path, _ = packed
    path.write_bytes(BOMBS[name](path.read_bytes()))
    *block, taken = frozen(report)
    assert block[0] == f"STOPPED  {CSV}"
    assert BOMB in block[2] or "straddling object" in block[2]
    assert int(taken) < 250, taken


def frozen(report: Path) -> list[str]:
    """What freezing a report says and takes, in a process that may use half a minute of a processor."""
    done = subprocess.run(
        [sys.executable, "-c", FREEZE, str(report), PERIOD], cwd=ROOT, text=True, capture_output=True,
        check=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (30, 30)),
    )  # fmt: skip
    assert not done.stderr
    return done.stdout.splitlines()


def test_a_zip_that_unpacks_to_300_mb_leaves_nothing_behind(zipped):
    report, path, text = zipped
    before = set((BUILD / "unzipped").rglob("*"))
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("costs.csv", "w") as member,
    ):
        member.write(text)
        for _ in range(300):
            member.write(b"\n" * 1_000_000)
    *block, taken = frozen(report)
    assert block[0] == f"STOPPED  {CSV}"
    assert BOMB in block[2]
    assert int(taken) < 250, taken
    left = [one for one in (BUILD / "unzipped").rglob("*") if one not in before and one.is_file()]
    assert not [one for one in left if one.name.endswith(".part")]


def test_a_report_that_repeats_itself_is_no_bomb(packed):
    """Rows that are all the same pack a hundred to one; so does a small file, which may be anything."""
    report, path, text = packed
    header, row, _ = text.splitlines()
    rows = "".join(f"{row},{number}\n" for number in range(100_000))
    content = (f"{header},number\n" + rows).encode()
    path.write_bytes(gzip.compress(content))
    assert len(content) > ALWAYS_UNPACKED_BYTES / 2
    assert len(content) / path.stat().st_size > 20
    assert freeze_sources(report, PERIOD).line_items == 100_000
