"""[posture] of sources.toml: what can be written there, and what is refused."""

from __future__ import annotations

import shutil

import pytest

from chargeback.core.errors import Refusal
from chargeback.core.paths import PARAMS
from chargeback.posture.settings import read_expected

ROLE = "arn:aws:iam::123456789012:role/teams/finops"


def expected(folder, text):
    """What params with this sources.toml say."""
    shutil.copytree(PARAMS, folder / "params")
    if text is not None:
        (folder / "params" / "sources.toml").write_text(text, encoding="utf-8")
    return read_expected(folder / "params", "2026-05")


def test_without_the_table_nobody_is_expected(tmp_path):
    found = expected(tmp_path, None)
    assert (found.report_readers, found.statement_readers) == ((), {})
    assert found.cutoff_bytes == 100 * 1024**3, "as infra/live/query.tf"
    assert (found.lock.retention_mode, found.lock.retention_years) == ("GOVERNANCE", 7)
    assert found.tag_keys == (
        "user_cost_center", "user_business_unit", "user_environment", "user_application",
    )  # fmt: skip


def test_what_is_written_is_read(tmp_path):
    found = expected(
        tmp_path,
        f'[posture]\nreport_readers = ["{ROLE}"]\ncutoff_bytes = "10485760"\n'
        f'[posture.statement_readers]\nclaims = ["{ROLE}"]\n',
    )
    assert (found.report_readers, found.statement_readers) == ((ROLE,), {"claims": (ROLE,)})
    assert found.cutoff_bytes == 10485760


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("readers = []", "unknown"),
        ('report_readers = ["*"]', "report_readers takes ARNs of single roles"),
        ('report_readers = ["arn:aws:iam::123456789012:role/*"]', "report_readers takes ARNs of single roles"),
        ('cutoff_bytes = "0"', "cutoff_bytes is not a number of bytes"),
        ('cutoff_bytes = "100 GB"', "cutoff_bytes is not a number of bytes"),
        ("cutoff_bytes = 100", "cutoff_bytes must be text in quotes"),
        ('books_copy = "insurer-copies"', "books_copy is not the ARN of a bucket"),
        ('statement_readers = ["x"]', "statement_readers must be a table"),
        ('statement_readers = { claims = ["x"] }', "claims takes ARNs of single roles"),
    ],
)  # fmt: skip
def test_what_is_refused(text, what, tmp_path):
    with pytest.raises(Refusal) as stopped:
        expected(tmp_path, f"[posture]\n{text}\n")
    assert stopped.value.exit_code == 2 and what in stopped.value.what, stopped.value
