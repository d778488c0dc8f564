"""A close on other machines: other encodings, odd folders, no network, full disks, other users."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chargeback.core.errors import DONE, UNREACHABLE
from tests.close.months import MAY, Month, month_in, write_month
from tests.params_folder import ALWAYS

pytestmark = pytest.mark.slow

SHOP = "店舗 é"
NAMED = {"business_units_csv": ALWAYS["business_units.csv"].replace(",Shop,", f",{SHOP},")}

#: A profile that would stop a close, and says that it was read.
PROFILE = "open({!r}, 'a').close()\nc.InteractiveShellApp.exec_lines = ['raise SystemExit']\n"


def ended(month: Month, *before: str, verb: str = "monthly-close", **environment: str):
    """How a verb ends in a process of its own, with bytes as a terminal gets them."""
    return subprocess.run(
        [*before, sys.executable, "-m", "chargeback", verb, MAY, *month.options],
        env={**os.environ, **environment}, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Nonsense/Zone"},
        {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "TERM": "dumb"},
    ],
)
def test_a_terminal_that_lacks_a_character_gets_its_number(tmp_path, environment):
    done = ended(write_month(tmp_path, **NAMED), **environment)
    assert (done.returncode, done.stderr) == (DONE, b"")
    assert b"\\u5e97\\u8217" in done.stdout and b"80.00" in done.stdout
    csv = month_in(tmp_path).books.statements(MAY) / "shop" / "statement.csv"
    assert SHOP in csv.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["{period} a", "x[1]", "it's %20#*", "new\nline"])
def test_a_folder_of_any_name_is_that_folder(tmp_path, name):
    """DuckDB takes `*`, `?` and `[` for a pattern, papermill what stands in braces."""
    for other in ("x1", "it's %20#b"):
        write_month(tmp_path / other)
        report = next((tmp_path / other / "report").rglob("*.parquet"))
        report.write_bytes(b"of somebody else")
    month = write_month(tmp_path / name)
    done = ended(month)
    assert (done.returncode, done.stderr) == (DONE, b"")
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted({"x1", "it's %20#b", name})


def test_settings_of_the_user_change_nothing_and_run_nothing(tmp_path):
    ran = tmp_path / "ran"
    profile = tmp_path / "home" / ".ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    for name in ("ipython_config.py", "ipython_kernel_config.py"):
        (profile / name).write_text(PROFILE.format(str(ran)), encoding="utf-8")
    say = f"open({str(ran)!r}, 'a').close()\n"
    (profile / "startup" / "00.py").write_text(say, encoding="utf-8")
    done = ended(
        write_month(tmp_path / "month"), HOME=str(tmp_path / "home"),
        PYTHONSTARTUP=str(profile / "startup" / "00.py"),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (DONE, b"")
    assert not ran.exists()


def test_a_machine_without_any_network_closes(tmp_path):
    alone = ["unshare", "-rn"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody leave the network (unshare -rn)")
    done = ended(write_month(tmp_path), *alone)
    assert (done.returncode, done.stderr) == (DONE, b"")


def test_what_a_close_writes_is_of_nobody_else(tmp_path):
    month = write_month(tmp_path)
    done = ended(month, "sh", "-c", 'umask 022; exec "$@"', "sh")
    assert done.returncode == DONE, done.stderr
    open_ones = [one for one in month.books.root.rglob("*") if one.stat().st_mode & 0o077]
    assert not open_ones and stat.S_IMODE(month.books.root.stat().st_mode) == 0o700


def test_books_whose_folder_passes_its_group_on_are_shared_with_it(tmp_path):
    month = write_month(tmp_path)
    month.books.root.mkdir()
    month.books.root.chmod(0o2770)
    done = ended(month)
    assert done.returncode == DONE, done.stderr
    for path in month.books.root.rglob("*"):
        mode = path.stat().st_mode
        if path.relative_to(month.books.root).parts[0] == "keys":
            assert not mode & 0o077
        else:
            assert (mode & 0o060, mode & 0o007) == (0o060, 0), path


def test_a_disk_that_is_too_small_is_one_block_and_nothing_is_published(tmp_path):
    month = write_month(tmp_path)
    done = ended(month, "sh", "-c", 'ulimit -f 40; exec "$@"', "sh")
    said = done.stderr.decode()
    assert done.returncode == UNREACHABLE
    assert (
        said.startswith("STOPPED  ")
        and "Traceback" not in said
        and "Errno" not in done.stdout.decode()
    )
    assert not list(month.books.root.glob("ledger/*"))


def test_a_reader_who_went_away_or_a_full_log_stops_no_close(tmp_path):
    month = write_month(tmp_path)
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    done = ended(month, "sh", "-c", 'exec "$@" > /dev/full', "sh")
    assert done.returncode == DONE
    assert done.stderr == b"nothing more is printed: No space left on device\n"
    done = ended(month, "sh", "-c", 'exec "$@" >&-', "sh")  # which confirms what is closed
    assert (done.returncode, done.stderr) == (DONE, b"")
