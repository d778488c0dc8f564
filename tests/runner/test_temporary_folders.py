"""Temporary folders that killed runs left are removed, and nothing that somebody else made."""

from __future__ import annotations

import os
import tempfile

from chargeback.core.private import make_held, remove_left, temporary_folder


def test_only_what_a_killed_run_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = ["chargeback-daily-k1lled_0.held"]
    others = ["daily-report", "chargeback-daily-20260531", "chargeback-audit-k1lled_0.held"]
    for name in (*left, *others):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kept.csv").write_text("1")
    running, hold = make_held(tmp_path, "daily")
    for one in tmp_path.iterdir():
        os.utime(one, (0, 0))
    with temporary_folder("daily") as made:
        there = {one.name for one in tmp_path.iterdir()}
        assert there == {*others, running.name, made.name}
        assert made.stat().st_mode & 0o777 == 0o700
    assert not made.exists()
    os.close(hold)
    remove_left(tmp_path, "daily")
    assert {one.name for one in tmp_path.iterdir()} == set(others)
