"""A notebook in a plain kernel shows what it shows in Jupyter's, and ends, fails and refuses like it."""

from __future__ import annotations

import os
import time

import nbformat
import pytest

from chargeback.core.errors import Refusal
from chargeback.core.kernels import pool
from chargeback.core.runner import NotebookFailed, run_notebook

SHOWING = (
    "print('one'); print('two')",
    "import sys; print('aside', file=sys.stderr); 40 + 2",
    "from IPython.display import Markdown, display; display(Markdown('*shown*')); Markdown('result')",
    "import os; name = os.path.basename(os.getcwd()); f'{word} in {name}'",
    "_ is None, 'quiet';",
    "from chargeback.pages.figures import bar",
    "import pandas; pandas.DataFrame({'column': [1, 2]})",
)


def executed(folder, cells, plain, **options):
    """The outputs of cells, and where the executed copy is."""
    folder.mkdir()
    parameters = nbformat.v4.new_code_cell("word = ''", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(
        cells=[parameters, *(nbformat.v4.new_code_cell(one) for one in cells)]
    )
    notebook.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python",
    }  # fmt: skip
    nbformat.write(notebook, folder / "source.ipynb")
    work = folder / "work"
    work.mkdir()
    target = folder / "target.ipynb"
    run_notebook(folder / "source.ipynb", target, {"word": "told"}, work, plain=plain, **options)
    return nbformat.read(target, 4)


def shown(notebook):
    """What cells show, with their numbers."""
    return [
        (cell.execution_count, cell.outputs) for cell in notebook.cells if cell.cell_type == "code"
    ]


def test_what_cells_show_is_the_same(tmp_path):
    plain = shown(executed(tmp_path / "plain", SHOWING, True))
    assert plain == shown(executed(tmp_path / "jupyter", SHOWING, False))
    assert sum(len(outputs) for _, outputs in plain) >= 7


def test_a_refusal_arrives_whole_and_later_cells_do_not_run(tmp_path):
    cells = (
        "from chargeback.core.errors import bad_params",
        "raise bad_params('what', 'expected', 'found', ['where'], ['todo'])",
        "open('ran', 'w')",
    )
    with pytest.raises(Refusal) as refused:
        executed(tmp_path / "one", cells, True)
    assert (refused.value.what, refused.value.where, refused.value.todo) == (
        "what",
        ["where"],
        ["todo"],
    )
    assert not (tmp_path / "one" / "work" / "ran").exists()


def test_an_error_names_its_cell_and_is_kept_in_the_copy(tmp_path):
    with pytest.raises(NotebookFailed) as failed:
        executed(tmp_path / "one", ("1 / 0",), True)
    assert failed.value.found == "ZeroDivisionError: division by zero"
    assert "1 / 0" in failed.value.where[0]
    kept = nbformat.read(tmp_path / "one" / "target.ipynb", 4)
    assert kept.cells[-1].outputs[-1].ename == "ZeroDivisionError"


def test_a_kernel_that_dies_or_hangs_is_told_and_leaves_nothing(tmp_path):
    with pytest.raises(NotebookFailed) as died:
        executed(tmp_path / "died", ("import os; os._exit(3)",), True)
    assert "the kernel ended" in died.value.found
    with pytest.raises(NotebookFailed) as slow:
        executed(
            tmp_path / "slow",
            ("import os; open('pid', 'w').write(str(os.getpid()))", "import time; time.sleep(600)"),
            True, cell_seconds=2,
        )  # fmt: skip
    assert "longer than 2 seconds" in slow.value.found
    pid = int((tmp_path / "slow" / "work" / "pid").read_text())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and os.path.exists(f"/proc/{pid}"):
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")
    assert pool().working == []


def test_no_notebook_sees_another(tmp_path):
    executed(tmp_path / "first", ("import builtins; builtins.left = 1",), True)
    executed(
        tmp_path / "second",
        ("import builtins; assert not hasattr(builtins, 'left')", "assert word == 'told'"), True,
    )  # fmt: skip


def test_it_keeps_nothing_in_the_home_of_its_user(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    executed(tmp_path / "one", ("1",), True)
    assert list(home.iterdir()) == []


def test_what_cells_print_is_handed_on_when_they_are_done(tmp_path):
    class Printed:
        def __init__(self):
            self.texts = []

        def write(self, text):
            self.texts.append(text)

        def flush(self):
            self.texts.append("")

    printed = Printed()
    cells = (
        "print('one'); print('two')",
        "import sys; print('aside', file=sys.stderr)",
        "print(3)",
    )
    executed(tmp_path / "told", cells, True, printed=printed)
    assert [one for one in printed.texts if one] == ["one\ntwo\n", "3\n"]


def test_a_cell_is_shown_only_as_what_it_is_needed_as(tmp_path):
    cells = (
        "class Shown:\n"
        "    def _repr_mimebundle_(self, include=None, **_):\n"
        "        print(sorted(include) if include else None)\n"
        "        return {'text/markdown': '*shown*', 'text/html': '<b>', 'text/plain': 'shown'}",
        "Shown()",
    )
    kinds = ("text/plain", "text/markdown")
    for asked, told in ((kinds, "['text/markdown', 'text/plain']\n"), (None, "None\n")):
        notebook = executed(tmp_path / str(asked is None), cells, True, kinds=asked)
        printed, result = notebook.cells[-1].outputs
        assert printed.text == told
        assert ("text/html" in result.data) == (asked is None)
        assert result.data["text/markdown"] == "*shown*"
