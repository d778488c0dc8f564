"""docs/platform.md and the files of infra/ agree, and the files keep to what plans and rules can read."""

from __future__ import annotations

import re

import pytest

from chargeback.cli import verbs
from chargeback.core.paths import ROOT
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


def test_the_page_gives_every_variable_that_must_be_given_and_none_that_is_not():
    [block] = [one for one in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) if "account_id " in one]
    given = set(re.findall(r"^(\w+) +=", block, re.MULTILINE))
    known = variables_of_live()
    assert {name for name, needed in known.items() if needed} <= given <= set(known)


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


def test_the_verbs_of_the_page_are_verbs():
    rows = re.findall(
        r"^\| (?:validation|close|daily|rendering|posture) \| (.*) \|$", PAGE, re.MULTILINE
    )
    known = {verb.name for verb in verbs()}
    named = {one for row in rows for one in re.findall(r"`([a-z-]+)`", row)}
    assert len(rows) == 5 and named and named <= known


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
