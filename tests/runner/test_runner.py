"""A notebook runs as its caller asked, sees nothing of another one, and says how it ended."""

from __future__ import annotations

import ast
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chargeback.core import kernels, runner
from chargeback.core.errors import CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.core.paths import ROOT
from chargeback.core.runner import Lines, NotebookFailed, run_notebook
from tests.runner.notebooks import Ran, run_cells, wait_until, write_notebook

pytestmark = pytest.mark.slow

NO = Refusal(
    CONTROL_FAILED, "a control failed", "no rows", "2 rows", "12.82 too little",
    ["line 1", "line 2"], ["mend it", "run it again"],
)  # fmt: skip
REFUSING = f"from chargeback.core.errors import Refusal\nraise {NO!r}"


@pytest.fixture(params=["warm", "cold"])
def either(request, monkeypatch) -> str:
    """Kernels that are forked, and kernels that start alone."""
    monkeypatch.setenv(kernels.MODE_VARIABLE, request.param)
    return request.param


def test_parameters_stay_texts_and_the_notebook_works_in_its_folder(tmp_path, either):
    """papermill fills in what stands in braces in a path, and would take an account id for a number."""
    here, folder = os.getcwd(), tmp_path / "{period} {"
    ran = run_cells(
        folder, "import os\nprint(repr(word), os.getcwd())\nopen('made', 'w').close()", "word",
        parameters={"word": "012345678901"},
    )  # fmt: skip
    assert ran.printed() == f"'012345678901' {folder}\n"
    assert (folder / "made").is_file()
    assert ran.counts() == [1, 2, 3, 4]
    assert ran.outputs()[-1]["data"]["text/plain"] == ["'012345678901'"]
    assert os.getcwd() == here


def test_a_misspelt_parameter_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(NotebookFailed) as raised:
        run_cells(tmp_path, "open('made', 'w').close()", parameters={"words": "x"})
    assert raised.value.found == "ValueError: source.ipynb has no parameter 'words'"
    assert not (tmp_path / "made").exists()


def test_nothing_that_a_notebook_did_is_there_for_the_next(tmp_path):
    leave = """
import os, sys, warnings, decimal
import matplotlib, pandas
from chargeback.core import money
left = "here"
money.MINUS = "changed"
matplotlib.rcParams["font.size"] = 77
pandas.set_option("display.max_rows", 7)
decimal.getcontext().prec = 3
os.environ["LEFT_HERE"] = "yes"
sys.path.insert(0, "/left/here")
warnings.simplefilter("error")
os.chdir("/")
"""
    look = """
import os, sys, warnings, decimal
import matplotlib, pandas
from chargeback.core import money
print("left" in globals(), money.MINUS, matplotlib.rcParams["font.size"],
      pandas.get_option("display.max_rows"), decimal.getcontext().prec, "LEFT_HERE" in os.environ,
      "/left/here" in sys.path, warnings.filters[0][0], os.getcwd())
"""
    first = run_cells(tmp_path / "first", look)
    run_cells(tmp_path / "second", leave)
    third = run_cells(tmp_path / "third", look)
    assert first.printed().startswith("False ")
    assert third.printed() == first.printed().replace("/first", "/third")
    assert third.counts() == first.counts() == [1, 2]


def test_the_environment_of_the_caller_is_that_of_the_notebook(tmp_path, monkeypatch, either):
    """As it is when the notebook runs, though its kernel may have started before."""
    monkeypatch.setenv("CHARGEBACK_ASKED", "first")
    asking = "import os\nprint(os.environ.get('CHARGEBACK_ASKED'))"
    assert run_cells(tmp_path, asking).printed() == "first\n"
    monkeypatch.setenv("CHARGEBACK_ASKED", "second")
    assert run_cells(tmp_path, asking).printed() == "second\n"
    monkeypatch.delenv("CHARGEBACK_ASKED")
    assert run_cells(tmp_path, asking).printed() == "None\n"


def test_a_refusal_arrives_as_it_was_and_is_shown_as_one_block(tmp_path, either):
    with pytest.raises(Refusal) as raised:
        run_cells(tmp_path, REFUSING, "open('made', 'w').close()")
    assert (type(raised.value), raised.value) == (Refusal, NO)
    [shown] = Ran(tmp_path).outputs()
    assert (shown["output_type"], shown["ename"]) == ("error", "Refusal")
    assert "\n".join(shown["traceback"]) == NO.block()
    assert not (tmp_path / "made").exists(), "the cells after it do not run"


def test_a_refusal_that_a_cell_catches_is_none(tmp_path):
    caught = REFUSING.replace("raise", "try:\n    raise") + "\nexcept Refusal:\n    print('so')"
    assert run_cells(tmp_path, caught).printed() == "so\n"


def test_a_failing_cell_is_named_with_its_error_and_its_copy_is_kept(tmp_path, either):
    with pytest.raises(NotebookFailed) as raised:
        run_cells(tmp_path, "first = 1", "second = 1 / 0\n1")
    refusal = raised.value
    assert (refusal.exit_code, refusal.what) == (UNREACHABLE, "the notebook source.ipynb failed")
    assert refusal.found == "ZeroDivisionError: division by zero"
    assert refusal.where == ["source.ipynb, cell 2: second = 1 / 0"]
    assert str(tmp_path / "executed.ipynb") in refusal.todo[0]
    assert "Traceback" not in refusal.block() and "\x1b" not in refusal.block()
    assert Ran(tmp_path).outputs()[0]["ename"] == "ZeroDivisionError"


def test_a_killed_kernel_is_said_and_the_next_notebook_has_another(tmp_path, either):
    with pytest.raises(NotebookFailed) as raised:
        run_cells(tmp_path, "1", "import os, time\nos.kill(os.getpid(), 9)\ntime.sleep(60)")
    assert raised.value.exit_code == UNREACHABLE
    assert "died" in raised.value.found
    assert raised.value.where == ["source.ipynb, cell 2: import os, time"]
    assert run_cells(tmp_path / "next", "print(1)").printed() == "1\n"


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    with pytest.raises(NotebookFailed) as raised:
        run_cells(tmp_path, "import time\ntime.sleep(60)", cell_seconds=1)
    assert "Timeout" in raised.value.found


def test_a_kernel_that_cannot_start_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv(kernels.MODE_VARIABLE, "cold")
    monkeypatch.setattr(kernels.sys, "executable", "/bin/false")
    with pytest.raises(NotebookFailed) as raised:
        run_cells(tmp_path, "1")
    assert raised.value.found == "the kernel ended with code 1 when it started"


def test_a_server_that_was_killed_is_started_again(tmp_path):
    run_cells(tmp_path, "1")
    process = kernels.pool().process
    assert process is not None
    process.kill()
    process.wait()
    assert run_cells(tmp_path, "print(1)").printed() == "1\n"
    assert kernels.pool().process is not process


def test_what_cells_print_is_passed_on_while_they_run(tmp_path):
    """The cell waits until somebody has heard its first line."""
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        (tmp_path / "heard").touch()

    waiting = """
import pathlib, time
print("other")
print("say: first", flush=True)
for _ in range(6000):
    if pathlib.Path("heard").exists():
        print("say: second")
        break
    time.sleep(0.01)
"""
    run_cells(tmp_path, waiting, printed=Lines(hear, "say: "))
    assert said == ["say: first", "say: second"]


def test_lines_are_handed_on_whole():
    """The kernel sends what is printed in pieces, wherever they end."""
    said: list[str] = []
    lines = Lines(said.append)
    for piece in ("one\ntw", "o", "\n", "\nthree\n"):
        lines.write(piece)
    lines.flush()
    assert said == ["one", "two", "", "three"]


AT_ONCE = """
import os, pathlib, time
here = pathlib.Path(folder)
(here / f"{os.getpid()}.in").touch()
most = 0
for _ in range(100):
    most = max(most, len(list(here.glob("*.in"))))
    time.sleep(0.01)
(here / f"{os.getpid()}.in").unlink()
(here / f"{os.getpid()}.most").write_text(str(most))
"""


def test_several_run_at_once_each_in_a_kernel_of_its_own_and_no_more_than_agreed(
    tmp_path, monkeypatch
):
    pool = kernels.Pool(most=2)
    monkeypatch.setattr(kernels, "_pool", pool)
    source = write_notebook(tmp_path / "source.ipynb", AT_ONCE, parameters='folder = "."')
    shared = tmp_path / "shared"
    shared.mkdir()

    def run(number: int) -> Path:
        folder = tmp_path / str(number)
        folder.mkdir()
        run_notebook(source, folder / "executed.ipynb", {"folder": str(shared)}, folder)
        return folder

    try:
        with ThreadPoolExecutor(5) as threads:
            list(threads.map(run, range(5)))
    finally:
        pool.close()
    most = [int(path.read_text()) for path in shared.glob("*.most")]
    assert len(most) == 5, "each has a process of its own"
    assert max(most) == 2


NESTED = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from chargeback.core import kernels, runner
from chargeback.core.errors import Refusal
runner.warm(2)
def run(number):
    folder = Path(str(number))
    folder.mkdir()
    runner.run_notebook(Path(inner), folder / "executed.ipynb", {"word": str(number)}, folder)
    return (folder / "said").read_text()
with ThreadPoolExecutor(2) as threads:
    said = list(threads.map(run, range(4)))
print([one.split()[0] for one in said], len({one.split()[1] for one in said}))
print({one.split()[2] for one in said} == {str(os.getppid())}, kernels.pool().process)
run("main thread")
try:
    runner.run_notebook(Path(refusing), Path("refused.ipynb"), {}, Path("."))
except Refusal as refusal:
    print(refusal.what)
"""


def test_a_notebook_may_run_notebooks(tmp_path):
    """From threads and from its own, in whose event loop it runs; their kernels come from the same server."""
    saying = "import os\nopen('said', 'w').write(f'{word[0]} {os.getpid()} {os.getppid()}')"
    inner = write_notebook(tmp_path / "inner.ipynb", saying)
    refusing = write_notebook(tmp_path / "refusing.ipynb", REFUSING)
    source = write_notebook(
        tmp_path / "outer.ipynb", NESTED, parameters='inner = ""\nrefusing = ""'
    )
    ran = Ran(tmp_path)
    run_notebook(source, ran.target, {"inner": str(inner), "refusing": str(refusing)}, tmp_path)
    assert ran.printed().splitlines() == ["['0', '1', '2', '3'] 4", "True None", NO.what]


def test_kernels_that_were_stopped_fail_their_notebooks_at_once(tmp_path):
    found: list[str] = []

    def run() -> None:
        try:
            run_cells(tmp_path, "import time\nopen('begun', 'w').close()\ntime.sleep(600)")
        except NotebookFailed as failed:
            found.append(failed.found)

    thread = threading.Thread(target=run)
    thread.start()
    assert wait_until((tmp_path / "begun").exists)
    runner.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert found and "died" in found[0]
    assert run_cells(tmp_path / "next", "print(1)").printed() == "1\n"


def test_only_the_runner_speaks_to_papermill_and_jupyter():
    spoken_to: dict[str, set[str]] = {}
    for path in sorted((ROOT / "chargeback").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for name in names:
                if name.split(".")[0] in ("papermill", "nbclient", "jupyter_client", "ipykernel"):
                    spoken_to.setdefault(path.relative_to(ROOT).as_posix(), set()).add(name)
    assert set(spoken_to) == {
        f"chargeback/core/{name}.py" for name in ("kernel_server", "kernels", "runner")
    }


def test_an_executed_copy_is_a_notebook_of_the_current_format(tmp_path):
    ran = run_cells(tmp_path, "print(word)")
    content = json.loads(ran.target.read_text())
    assert content["nbformat"] == 4
    assert content["metadata"]["papermill"]["parameters"] == {}
    assert content["metadata"]["papermill"]["duration"] > 0
    assert content["metadata"]["papermill"]["exception"] is None
