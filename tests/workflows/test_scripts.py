"""What the scheduled workflows run, run here: `docker run` is the program itself, the sign-in is left out."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import yaml

from chargeback.core.paths import ROOT
from tests.close.months import JULY, MAY, write_month
from tests.posture import deployed
from tests.posture.conftest import made, params  # noqa: F401
from tests.programs import program

pytestmark = pytest.mark.slow

#: `docker run … image verb` as the program, with what `--env` names; waits take no time.
SHIMS = {
    "aws": "#!/bin/sh\necho password\n",
    "sleep": "#!/bin/sh\necho slept $1\n",
    "docker": "#!/bin/sh\n"
    'if [ "$1" = login ]; then cat >/dev/null; exit 0; fi\n'
    'while [ "$1" != "$IMAGE" ]; do shift; done\nshift\n'
    f'exec {sys.executable} -I -m chargeback "$@"\n',
}


@pytest.fixture
def month(tmp_path):
    return write_month(tmp_path)


@pytest.fixture
def step(tmp_path, month):
    """Runs the script of a workflow's last step with variables; returns how it ended and what it said."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in SHIMS.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)

    def run(workflow, job=None, **variables):
        content = yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text())
        [last] = [one["steps"][-1] for name, one in content["jobs"].items() if job in (None, name)]
        own = {
            name: value for name, value in os.environ.items() if not name.startswith("CHARGEBACK_")
        }
        given = {
            **dict.fromkeys(last["env"], ""), "IMAGE": "registry/chargeback@sha256:0",
            "CHARGEBACK_CUR": str(month.report), "CHARGEBACK_BOOKS": str(month.books.root),
            "CHARGEBACK_PARAMS": str(month.params), **variables,
        }  # fmt: skip
        ended = subprocess.run(
            [program("bash"), "--noprofile", "--norc", "-eo", "pipefail", "-c", last["run"]],
            env={**own, **given, "PATH": f"{folder}:{os.environ['PATH']}"}, text=True, capture_output=True,
            check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout + ended.stderr

    return run


def test_a_month_is_closed(step, month):
    code, said = step("monthly", PERIOD=MAY)
    assert code == 0, said
    assert month.books.closed_periods() == [MAY]


def test_a_month_that_is_not_final_is_asked_for_again_tomorrow_and_fails_in_the_end(step, tmp_path):
    (tmp_path / "bin" / "date").write_text("#!/bin/sh\necho 09\n")
    (tmp_path / "bin" / "date").chmod(0o755)
    code, said = step("monthly", PERIOD=JULY)
    assert (
        code == 0 and f"::notice title=Not final::AWS has not issued the invoices of {JULY}" in said
    )
    (tmp_path / "bin" / "date").write_text("#!/bin/sh\necho 12\n")
    code, said = step("monthly", PERIOD=JULY)
    assert code == 3 and f"::error title=Exit 3::monthly-close {JULY}" in said


def test_a_control_that_fails_is_not_tried_again(step, month):
    text = (month.params / "invoices.csv").read_text()
    (month.params / "invoices.csv").write_text(text.replace("100.01", "200.01"))
    code, said = step("monthly", PERIOD=MAY)
    assert code == 4 and "slept" not in said and "::error title=Exit 4" in said


def test_what_cannot_be_reached_is_tried_again(step, tmp_path):
    code, said = step("daily", DATE="2026-05-15", CHARGEBACK_CUR=str(tmp_path / "nothing"))
    assert code == 6
    assert said.count("slept 900") == said.count("slept 1800") == 2  # for daily, and for freshness
    assert "::error title=Exit 6::daily 2026-05-15" in said
    assert "::error title=Exit 6::freshness 2026-05-15" in said


def test_deleted_books_are_rehearsed_to_come_back(step, month):
    code, said = step("platform", "drill")
    assert code == 2 and "::error title=Exit 2::drill" in said, "nothing is closed yet"
    assert step("monthly", PERIOD=MAY)[0] == 0
    code, said = step("platform", "drill")
    assert code == 0 and "Everything came back" in said, said


def test_the_account_is_looked_at(step, made, params):  # noqa: F811
    """The sample's params name the account; the look finds all as it should be, and then not."""
    given = {
        **made.account.environment(), "CHARGEBACK_PARAMS": str(params), "CHARGEBACK_CUR": "athena",
        "CHARGEBACK_BOOKS": f"s3://{deployed.BOOKS}/books", "CHARGEBACK_SIGNING_KEY": f"kms:{deployed.SIGNING}",
    }  # fmt: skip
    code, said = step("platform", "posture", **given)
    assert code == 0 and "checks hold" in said, said
    made.s3.put_bucket_versioning(
        Bucket=deployed.BOOKS, VersioningConfiguration={"Status": "Suspended"}
    )
    try:
        code, said = step("platform", "posture", **given)
    finally:
        made.set_up_bucket(deployed.BOOKS)
    assert code == 4 and "::error title=Exit 4::posture" in said and "slept" not in said
