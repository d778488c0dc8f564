"""GitHub's workflows: no stored key, pinned actions, no more permissions than a job needs.

Two tools that are not ours check them, actionlint and zizmor. Each mutation below is one that somebody might
make in a hurry, and one of the two, or what this file asks for itself, must notice it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from chargeback.core.paths import ROOT
from tests.changed import ALL_VARIABLE, SINCE_VARIABLE
from tests.programs import program

WORKFLOWS = ROOT / ".github" / "workflows"
NAMES = sorted(one.name for one in WORKFLOWS.glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+")
ACTIONS = {"actions", "aws-actions", "hashicorp"}

#: What a job may have, and the only thing that it is for.
PERMISSIONS = {"contents": "read", "id-token": "write"}

#: Which jobs take a role, and through which environment a person or a rule stands before it.
ENVIRONMENTS = {
    ("apply", "apply"): "production", ("apply", "plan"): None, ("daily", "daily"): "books",
    ("image", "image"): "image", ("monthly", "close"): "books", ("plan", "plan"): None,
    ("platform", "posture"): "books", ("platform", "drill"): "books",
}  # fmt: skip


def findings(folder: Path) -> list[str]:
    """What is wrong in a folder of workflows, by our own rules and by both tools."""
    found = [
        f"{one.name}: {text}" for one in sorted(folder.glob("*.yml")) for text in own_findings(one)
    ]
    lint = run(program("actionlint"), *map(str, sorted(folder.glob("*.yml"))))
    zizmor = run(
        program("zizmor"),
        "--offline",
        "--persona=pedantic",
        "--no-progress",
        "--format=plain",
        str(folder),
    )
    return found + [one.stdout + one.stderr for one in (lint, zizmor) if one.returncode]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command, however it ends."""
    return subprocess.run(command, text=True, capture_output=True, check=False)


def own_findings(file: Path) -> list[str]:
    """What our own rules find in one workflow."""
    text, found = file.read_text(encoding="utf-8"), []
    content = yaml.safe_load(text)
    used = re.findall(r"uses: (.+)", text)
    found += [f"{one} is not pinned" for one in used if not PINNED.fullmatch(one)]
    found += [f"{one} is of others" for one in used if one.partition("/")[0] not in ACTIONS]
    found += [f"a secret is read: {one}" for one in re.findall(r"secrets\.\w+", text)]
    found += [
        f"a key stands in it: {one}"
        for one in re.findall(r"AKIA\w+|aws-secret-access-key|aws-access-key-id", text)
    ]
    if content.get("permissions") != {}:
        found.append("the workflow has permissions, which belong to jobs")
    for name, job in content["jobs"].items():
        found += [
            f"{name} may {permission}: {level}"
            for permission, level in job["permissions"].items()
            if PERMISSIONS.get(permission) != level
        ]
        takes_a_role = "role-to-assume" in str(job)
        if takes_a_role != ("id-token" in job["permissions"]):
            found.append(
                f"{name} asks for a token that it does not use, or uses one that it does not ask for"
            )
        if takes_a_role and job.get("environment") != ENVIRONMENTS[content["name"], name]:
            found.append(f"{name} takes its role in the environment {job.get('environment')}")
    return found


def test_the_workflows_are_those_that_are_documented():
    assert [
        f"{one}.yml" for one in ("apply", "daily", "image", "monthly", "plan", "platform", "test")
    ] == NAMES
    text = (ROOT / "docs" / "platform-flow.md").read_text(encoding="utf-8")
    assert all(f"`{one.removesuffix('.yml')}`" in text for one in NAMES)


def test_a_pull_request_is_compared_with_its_base_and_every_week_everything_is_run():
    [job] = yaml.safe_load((WORKFLOWS / "test.yml").read_text(encoding="utf-8"))["jobs"].values()
    assert job["steps"][0]["with"]["fetch-depth"] == 0, "else nobody knows what has changed"
    [tests] = [one for one in job["steps"] if one.get("name") == "make test"]
    assert tests["env"] == {
        SINCE_VARIABLE: "${{ github.event.pull_request.base.sha }}",
        ALL_VARIABLE: "${{ github.event_name == 'schedule' && '1' || '' }}",
    }  # fmt: skip
    assert tests["run"].splitlines()[-1] == "make test"


def test_nothing_is_wrong_with_the_workflows():
    assert findings(WORKFLOWS) == []


MUTATIONS = {
    "a key in the environment": (
        "monthly.yml", "        env:\n", "        env:\n          AWS_KEY: ${{ secrets.AWS_KEY }}\n",
        "a secret is read: secrets.AWS_KEY",
    ),
    "a key in the step that signs in": (
        "plan.yml", "          aws-region: ", "          aws-access-key-id: AKIA7\n          aws-region: ",
        "a key stands in it",
    ),
    "an action by its tag": (
        "test.yml", "checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "checkout@v4", "unpinned",
    ),
    "an action of somebody else": (
        "test.yml", "uses: actions/checkout@", "uses: someone/checkout@", "is of others",
    ),
    "a widened permission": (
        "plan.yml", "contents: read # checkout", "contents: write", "plan may contents",
    ),
    "permissions for all jobs": (
        "test.yml", "permissions: {}", "permissions: write-all", "excessive-permissions",
    ),
    "no approval before an apply": (
        "apply.yml", "    environment: production\n", "", "apply takes its role in the environment None",
    ),
    "text of a pull request in a shell": (
        "plan.yml", "terraform -chdir=infra/live validate", 'echo "${{ github.event.pull_request.title }}"',
        "template-injection",
    ),
    "pull requests of forks with a token": (
        "plan.yml", "  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers",
    ),
    "credentials left in the checkout": (
        "plan.yml", "        with:\n          persist-credentials: false\n", "", "artipacked",
    ),
    "a context that does not exist": ("monthly.yml", "inputs.period", "input.period", "undefined variable"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_noticed(name, tmp_path):
    file, before, after, words = MUTATIONS[name]
    folder = tmp_path / ".github" / "workflows"
    shutil.copytree(WORKFLOWS, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert before in text
    (folder / file).write_text(text.replace(before, after, 1), encoding="utf-8")
    assert words in "\n".join(findings(folder))
