"""The command line never shows a traceback, whatever happens inside."""

from __future__ import annotations

import pytest

from chargeback import cli as command_line


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), PermissionError("no entry")])
def test_an_unforeseen_error_is_one_block(error, monkeypatch, capsys):
    def fail(options):
        raise error

    monkeypatch.setattr(command_line, "run_tests", fail)
    assert command_line.main(["test"]) == 6
    said = capsys.readouterr().err
    assert said.startswith("STOPPED  ")
    assert f"{type(error).__name__}: {error}" in said
    assert "Traceback" not in said


def test_an_interrupted_run_says_that_nothing_was_published(monkeypatch, capsys):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "run_tests", interrupt)
    assert command_line.main(["test"]) == 6
    assert "nothing was published" in capsys.readouterr().err


def test_what_a_user_says_does_nothing_to_the_terminal(capsys, tmp_path):
    """A folder that clears the screen, and one of two lines that reads as if something had been done."""
    for name in ("\x1b[2Jcur", "cur\n2026-05 is closed."):
        assert command_line.main(["restatements", "--cur", str(tmp_path / name)]) == 6
        said = capsys.readouterr().err
        assert "\x1b" not in said
        assert all(line.startswith(("STOPPED", "  ")) for line in said.splitlines())
