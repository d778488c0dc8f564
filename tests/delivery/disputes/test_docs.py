"""The example of docs/disputes.md, to the cent, on the sample."""

from __future__ import annotations

import re
import shutil
import tomllib

from chargeback.cli import main
from chargeback.core.paths import PARAMS, ROOT
from chargeback.params.dispute_policy import DisputePolicy
from chargeback.params.registers import COLUMNS_AFTER_CLOSE

PAGE = (ROOT / "docs" / "disputes.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The blocks of a kind, without what encloses them."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_of_the_page_is_what_the_verb_says(sample, tmp_path, capfd):
    shutil.copytree(PARAMS, tmp_path / "params")
    shutil.copytree(sample / "books", tmp_path / "books")
    raised, acknowledged, decided = blocks("csv")
    header = raised.splitlines(keepends=True)[0]
    (tmp_path / "params" / "acknowledgements.csv").write_text(acknowledged)
    steps = [(raised, "2026-06-12"), (header + decided, "2026-06-29")]
    for (register, day), expected in zip(steps, blocks("text"), strict=True):
        (tmp_path / "params" / "disputes.csv").write_text(register)
        capfd.readouterr()
        ended = main([
            "disputes", "2026-05", "--params", str(tmp_path / "params"),
            "--books", str(tmp_path / "books"), "--date", day,
        ])  # fmt: skip
        assert ended == 0
        assert capfd.readouterr().out == expected
        assert f"make disputes PERIOD=2026-05 DATE={day}" in PAGE


def test_the_page_names_every_column_and_every_key():
    for columns in COLUMNS_AFTER_CLOSE.values():
        assert all(f"{one}" in PAGE for one in columns)
    [policy] = blocks("toml")
    assert set(tomllib.loads(policy)["disputes"]) == set(DisputePolicy.__dataclass_fields__)
