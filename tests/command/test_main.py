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
