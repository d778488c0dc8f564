"""Names of what is handed out: safe everywhere, and never two the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.books.names import is_confined
from chargeback.delivery.pack_names import MAIL, MOST_BYTES, safe_name, unit_files

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
NAMES = st.text(max_size=60) | st.sampled_from(
    [
        "nul",
        "COM1.x",
        "a/b",
        "..",
        " ",
        "Ops",
        "ops",
        "OPS ",
        "ﬁn",
        "fin",
        "é",
        "e\u0301",
        "summary",
        "mail",
    ]
)
DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{one}{number}" for one in ("com", "lpt") for number in "0123456789¹²³"
}


def as_file_systems_see(name: str) -> str:
    """A name without case and forms of letters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


@given(st.dictionaries(IDS, NAMES, max_size=12))
def test_names_are_safe_and_told_apart(names):
    files = unit_files("2026-05", names)
    every = [own.in_pack("pdf") for own in files.values()] + [own.mail for own in files.values()]
    for name in every:
        assert is_confined(name)
        for part in name.split("/"):
            assert not set(part) & set('"*:<>?\\|\r\n\0') and part == part.strip(" .")
            assert part.split(".")[0].lower() not in DEVICES
            assert len(part.encode()) < 255 and part.isprintable()
    folders = [as_file_systems_see(own.folder) for own in files.values()]
    assert len(set(folders)) == len(files) and MAIL not in folders
    mails = [as_file_systems_see(own.mail) for own in files.values()]
    assert len(set(mails)) == len(files) and "mail/2026-05 summary.eml" not in mails


@given(st.dictionaries(IDS, NAMES, max_size=8))
def test_the_same_units_have_the_same_names(names):
    again = dict(reversed(names.items()))
    assert unit_files("2026-05", names) == unit_files("2026-05", again)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Claims Operations", "Claims Operations"),
        ("Actuarial & Analytics", "Actuarial & Analytics"),
        ("R&D: a/b", "R&D_ a_b"),
        ("lpt1", "_lpt1"),
        ("nul.txt", "_nul.txt"),
        ("a\nBcc: x@y", "a Bcc_ x@y"),
        ("\u202egnp.exe", "_gnp.exe"),
        ("...", ""),
        ("Größe", "Größe"),
    ],
)
def test_a_name_keeps_what_it_can(name, safe):
    assert safe_name(name) == safe


def test_two_units_of_one_name_have_their_ids_behind_it():
    files = unit_files("2026-05", {"a": "Ops", "b": "OPS", "c": "Claims"})
    assert [own.statement("pdf") for own in files.values()] == [
        "2026-05 Ops (a) statement.pdf", "2026-05 OPS (b) statement.pdf", "2026-05 Claims statement.pdf",
    ]  # fmt: skip


def test_a_long_name_is_cut_between_letters():
    name = safe_name("ü" * 100)
    assert name == "ü" * 38 + "…" and len(name.encode()) <= MOST_BYTES
