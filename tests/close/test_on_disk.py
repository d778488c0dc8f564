"""What a power cut must not undo: files before the folders that name them, and both before the commit."""

from __future__ import annotations

import os
from pathlib import Path

from chargeback.core import files
from chargeback.delivery import moving
from tests.close.months import MAY, write_month
from tests.verify.books import close_small


def test_everything_is_on_the_disk_before_the_ledger_folder_appears(tmp_path, monkeypatch):
    month = write_month(tmp_path)
    done: list[str] = []
    synced, renamed = files.sync, Path.rename

    def sync(path: Path) -> None:
        done.append(f"sync {os.path.relpath(path, month.books.root)}")
        synced(path)

    def rename(path: Path, target: Path) -> Path:
        done.append(f"rename {os.path.relpath(target, month.books.root)}")
        return renamed(path, target)

    monkeypatch.setattr(files, "sync", sync)
    monkeypatch.setattr(moving, "sync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    close_small(month, MAY)
    last, work = f"billing_period={MAY}", f"work/billing_period={MAY}"
    commit = done.index(f"rename ledger/{last}")
    before = done[:commit]
    for room in ("statements", "evidence"):
        assert before.index(f"rename {room}/{last}") < before.index(f"sync {room}")
    for room in ("ledger", "statements", "evidence"):
        for path in [month.books.root / room / last, *(month.books.root / room / last).rglob("*")]:
            name = path.relative_to(month.books.root / room / last).as_posix()
            assert f"sync {work}/{room}" + ("" if name == "." else f"/{name}") in before
    assert "sync ." in before
    assert done[commit + 1] == "sync ledger"
