"""docs/platform.md and the files of infra/ agree, and the files keep to what plans and rules can read."""

from __future__ import annotations

import re
import subprocess

import pytest

from chargeback.cli import verbs
from chargeback.core.paths import ROOT
from tests.infra.conftest import VARIABLES
from tests.infra.terraform import INFRA

PAGE = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
FILES = sorted(INFRA.rglob("*.tf"))
MODULES = sorted({path.parent for path in FILES})


def variables_of_live() -> dict[str, bool]:
    """The variables of infra/live, and whether one must be given."""
    found = {}
    for path in sorted((INFRA / "live").glob("*.tf")):
        for block in re.findall(
            r'^variable "(\w+)" \{\n(.*?)^\}', path.read_text(), re.MULTILINE | re.DOTALL
        ):
            found[block[0]] = not re.search(r"^  default ", block[1], re.MULTILINE)
    return found


def test_the_example_gives_every_variable_that_must_be_given_and_none_that_is_not():
    text = (INFRA / "live" / "terraform.tfvars.example").read_text(encoding="utf-8")
    given = set(re.findall(r"^(\w+) +=", text, re.MULTILINE))
    later = set(re.findall(r"^# (\w+) +=", text, re.MULTILINE))
    known = variables_of_live()
    assert {name for name, needed in known.items() if needed} <= given <= set(known)
    assert later <= set(known) - given


def test_what_belongs_to_one_deployment_can_be_committed():
    """Workflows read these files from a checkout."""
    names = ["state.hcl", "terraform.tfvars", ".terraform.lock.hcl"]
    paths = [f"infra/live/{one}" for one in names] + ["infra/datadog/.terraform.lock.hcl"]
    ended = subprocess.run(
        ["git", "check-ignore", *paths], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert ended.stdout == "", "git would leave these out"


def test_the_page_names_every_module():
    named = re.findall(r"^\| `infra/(modules/\w+)` \|", PAGE, re.MULTILINE)
    assert set(named) <= {path.relative_to(INFRA).as_posix() for path in MODULES}
    assert {
        "modules/bucket",
        "modules/report",
        "modules/books",
        "modules/query",
        "modules/roles",
    } <= set(named)


def test_the_page_has_a_role_for_each_verb():
    table = PAGE.partition("<!-- verbs -->")[2].partition("<!-- end of verbs -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    named = [one for _, verbs_of_it in rows for one in re.findall(r"`([a-z-]+)`", verbs_of_it)]
    assert sorted(named) == sorted(verb.name for verb in verbs()), "each verb once"
    assert [role for role, _ in rows] == [
        "validation", "close", "daily", "rendering", "portal", "posture", "none",
    ]  # fmt: skip


def test_every_module_says_which_terraform_and_provider_it_takes():
    for folder in MODULES:
        text = (folder / "versions.tf").read_text(encoding="utf-8")
        assert 'required_version = ">= 1.11"' in text, folder
        if "hashicorp/aws" in text:
            assert '">= 5.100, < 7.0"' in text, folder


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(INFRA).as_posix())
def test_policies_are_documents_and_buckets_are_of_the_module(path):
    """Rules do not look into a policy that is text; a bucket beside the module lacks what all buckets have."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r'\bStatement"?\s*[=:]', text)
    if path.parent.name != "bucket":
        assert 'resource "aws_s3_bucket"' not in text


def subjects_of_workflows() -> dict[str, set[str]]:
    """What follows the repository in the tokens of jobs that take a role, by the role."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        starts, jobs = text.partition("\njobs:\n")[::2]
        for job in re.split(r"^  (?=\w+:$)", jobs, flags=re.MULTILINE)[1:]:
            role = re.search(r"role-to-assume: \$\{\{ vars\.AWS_(\w+)_ROLE_ARN \}\}", job)
            named = re.search(r"^    environment: (\w+)$", job, re.MULTILINE)
            on = "pull_request" if "  pull_request:" in starts else "ref:refs/heads/main"
            if role:
                ending = f"environment:{named[1]}" if named else on
                found.setdefault(role[1].lower(), set()).add(ending)
    return found


def test_the_examples_subjects_are_those_of_the_workflows():
    """A role that a workflow takes lets in exactly the tokens that its jobs bring."""
    text = (INFRA / "live" / "terraform.tfvars.example").read_text(encoding="utf-8")
    block = text.partition("# github = {\n")[2].partition("# }")[0]
    example = {
        name: set(re.findall(r'"repo:insurer/chargeback:([^"]+)"', rest))
        for name, rest in re.findall(r"^#   (\w+) +=(.*)$", block, re.MULTILINE)
    }
    found = subjects_of_workflows()
    for role in ("daily", "posture"):
        assert found.pop(role) == found["close"], "all take what `close` in the variable says"
    assert found == example
    tests = VARIABLES["github"]
    assert {
        name: {one.partition("/chargeback@77881:")[2] for one in few} for name, few in tests.items()
    } == example
