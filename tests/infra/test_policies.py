"""Rules for checkov: the platform as it is passes all of them, and each finds what it is there for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chargeback.core.paths import ROOT
from tests.infra.checkov import OURS, Found, check, checkov_program
from tests.infra.conftest import WHERE_CHANGED
from tests.infra.terraform import INFRA
from tests.made_once import made_once

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

Change = tuple[str, str, str]

BUCKET, REPORT, BOOKS = "modules/bucket/main.tf", "modules/report/main.tf", "modules/books/main.tf"
ALERTS = "modules/alerts/main.tf"
KEYS, ROLES, DEPLOY = "modules/books/keys.tf", "modules/roles/books.tf", "modules/roles/deploy.tf"
PORTAL, BALANCER = "modules/portal/main.tf", "modules/portal/load_balancer.tf"


#: What a change breaks: the file that the rule stands in, a resource that it must be found at, the change.
MUTATIONS: dict[str, tuple[str, str, Change]] = {
    "Object Lock dropped from the books": (
        "lock", "module.books.module.bucket.aws_s3_bucket.this", (BOOKS, "  lock     = var.lock\n", "")),
    "Object Lock dropped from the archive": (
        "lock", "module.report.module.archive.aws_s3_bucket.this", (REPORT, "lock         = var.lock", "")),
    "a lock of no years": (
        "lock_years", "module.books.module.bucket.aws_s3_bucket_object_lock_configuration.this",
        (BUCKET, "years = var.lock.years", "days = 1")),
    "a lock that may be gone around": (
        "lock_stays", "module.books.module.bucket.aws_s3_bucket_policy.this",
        (BUCKET, '"s3:BypassGovernanceRetention"', '"s3:PutObjectLegalHold"')),
    "an object that may be put twice": (
        "lock_stays", "module.books.module.bucket.aws_s3_bucket_policy.this",
        (BOOKS, "s3:if-none-match", "s3:if-match")),
    "a bucket opened": (
        "public_access", "module.books.module.bucket.aws_s3_bucket_public_access_block.this",
        (BUCKET, "block_public_policy     = true", "block_public_policy     = false")),
    "a bucket that everybody reads": (
        "bucket_policy", "module.books.module.bucket.aws_s3_bucket_policy.this",
        (BOOKS, "identifiers = statement.value", 'identifiers = ["*"]')),
    "a bucket that one may do everything with": (
        "bucket_policy", "module.books.module.bucket.aws_s3_bucket_policy.this",
        (BOOKS, 'actions   = ["s3:GetObject"]', 'actions   = ["s3:*"]')),
    "a bucket without TLS": (
        "bucket_policy", "module.logs.aws_s3_bucket_policy.this",
        (BUCKET, "aws:SecureTransport", "aws:ViaAWSService")),
    "the log off": (
        "log", "module.books.module.bucket.aws_s3_bucket.this",
        (BOOKS, "log      = { bucket = var.log_bucket }", "")),
    "versions off": (
        "versions", "module.report.module.bucket.aws_s3_bucket_versioning.this",
        (BUCKET, 'status = "Enabled"\n  }\n}', 'status = "Suspended"\n  }\n}')),
    "a role widened to all actions": (
        "role_policy", 'module.roles.aws_iam_role_policy.verb["close"]',
        (ROLES, '"s3:PutObject", "s3:PutObjectRetention"', '"s3:*"')),
    "a role widened to all buckets": (
        "role_policy", 'module.roles.aws_iam_role_policy.verb["rendering"]',
        (ROLES, 'resources = ["${local.books_arn}/${var.books.prefix}*"]', 'resources = ["*"]')),
    "a role widened to all keys": (
        "role_policy", 'module.roles.aws_iam_role_policy.verb["close"]',
        (ROLES, "resources = [var.books.signing_key_arn]", 'resources = ["*"]')),
    "a workflow that may do all with identities": (
        "managed_policy", 'module.roles.aws_iam_policy.github["deploy"]',
        (DEPLOY, '"iam:TagRole", ', '"iam:*", ')),
    "a boundary that bounds nothing": (
        "managed_policy", "aws_iam_policy.boundary", ("live/boundary.tf", '"s3:Get*"', '"*"')),
    "a subject with a wildcard": (
        "trust", 'module.roles.aws_iam_role.github["deploy"]',
        ("modules/roles/github.tf", "values   = each.value", 'values   = ["repo:insurer/*"]')),
    "no subject at all": (
        "trust", 'module.roles.aws_iam_role.github["deploy"]',
        ("modules/roles/github.tf", '"${local.github_host}:sub"', '"${local.github_host}:actor"')),
    "a role that everybody takes": (
        "trust", 'module.roles.aws_iam_role.verb["close"]',
        ("modules/roles/main.tf", 'type        = "Service"\n      identifiers = ["ecs-tasks.amazonaws.com"]',
         'type        = "AWS"\n      identifiers = ["*"]')),
    "a role without the boundary": (
        "boundary", 'module.roles.aws_iam_role.verb["close"]',
        ("modules/roles/main.tf", "permissions_boundary = var.boundary_arn", "")),
    "a key that everybody uses": (
        "key_policy", "module.books.aws_kms_key.books",
        (KEYS, "identifiers = statement.value", 'identifiers = ["*"]')),
    "a key that a unit administers": (
        "key_policy", "module.books.aws_kms_key.books",
        (KEYS, 'actions   = ["kms:Decrypt"]', 'actions   = ["kms:*"]')),
    "a key that is not rotated": (
        "key_rotation", "module.books.aws_kms_key.books",
        (KEYS, "enable_key_rotation     = true", "enable_key_rotation     = false")),
    "a topic that everybody publishes to": (
        "topic_policy", 'module.alerts[0].aws_sns_topic_policy.team["default"]',
        (ALERTS, 'type        = "Service"\n      identifiers = ["costalerts.amazonaws.com"]',
         'type        = "AWS"\n      identifiers = ["*"]')),
    "a topic that a service publishes to for any account": (
        "topic_policy", 'module.alerts[0].aws_sns_topic_policy.team["default"]',
        (ALERTS, 'variable = "aws:SourceAccount"', 'variable = "aws:PrincipalType"')),
    "a workgroup that does not enforce": (
        "workgroup", "module.query.aws_athena_workgroup.close",
        ("modules/query/main.tf", "enforce_workgroup_configuration    = true",
         "enforce_workgroup_configuration    = false")),
    "a workgroup without a cutoff": (
        "workgroup", "module.query.aws_athena_workgroup.close",
        ("modules/query/main.tf", "    bytes_scanned_cutoff_per_query     = var.cutoff_bytes\n", "")),
    "a portal without TLS": (
        "listener", "module.portal[0].aws_lb_listener.https",
        (BALANCER, '''  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
  certificate_arn   = var.certificate_arn
''', '  protocol          = "HTTP"\n')),
    "a portal with TLS of long ago": (
        "listener", "module.portal[0].aws_lb_listener.https",
        (BALANCER, "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-2016-08")),
    "whoever comes without TLS stays without": (
        "listener", "module.portal[0].aws_lb_listener.redirect",
        (BALANCER, '''      protocol    = "HTTPS"
      port        = "443"
''', '      protocol    = "HTTP"\n      port        = "8080"\n')),
    "a portal open to the world without a word": (
        "exposure", 'module.portal[0].aws_vpc_security_group_ingress_rule.browsers["10.0.0.0/8 443"]',
        (BALANCER, "cidr_ipv4         = each.value.network", 'cidr_ipv4         = "0.0.0.0/0"')),
    "a portal with a public address without a word": (
        "internal", "module.portal[0].aws_lb.portal",
        (BALANCER, "internal                   = !var.internet_facing", "internal                   = false")),
    "a portal that writes where its program lies": (
        "task", "module.portal[0].aws_ecs_task_definition.portal",
        (PORTAL, "    readonlyRootFilesystem = true\n", "")),
    "a portal with the rights of the machine": (
        "task", "module.portal[0].aws_ecs_task_definition.portal",
        (PORTAL, "readonlyRootFilesystem = true", "readonlyRootFilesystem = true\n    privileged = true")),
    "a flow whose image is named by a tag": (
        "task", "module.flow[0].aws_ecs_task_definition.this",
        ("modules/flow/tasks.tf", "= var.image\n", '= "chargeback:latest"\n')),
}  # fmt: skip


def ids() -> dict[str, tuple[str, str]]:
    """The id and the words of each rule by the name of its file."""
    found = {}
    for path in sorted((INFRA / "policies").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        found[path.stem] = re.search(r"id: (\w+)\n  name: (.*)", text).groups()
    return found


@pytest.fixture(scope="module")
def checked(request, tmp_path_factory):
    """What checkov finds in the platform as it is, and in each plan with a change; made once in a test run."""
    checkov_program()

    def make(folder: Path) -> None:
        platform = request.getfixturevalue("platform")
        plans = [plan(platform, folder / "as-it-is.json")]
        for number, batch in enumerate(batches()):
            with platform.terraform.changed(LET_GO, *(MUTATIONS[name][2] for name in batch)):
                plans.append(plan(platform, folder / f"{number}.json"))
        check(plans).write(folder / "found.txt")

    return Found.read(made_once(tmp_path_factory, "policies", make) / "found.txt")


def batches() -> list[list[str]]:
    """Changes that are planned together: each in a file of its own, and of another kind than the others.

    So a rule that fails in a plan fails by the one change of its kind. A lock that is dropped makes a bucket
    anew, whose policies are then not known yet, so that such a change stands alone.
    """
    made: list[list[str]] = []
    alone = [[name] for name, (rule, _, _) in MUTATIONS.items() if rule == "lock"]
    for name, (rule, _, (file, _, _)) in MUTATIONS.items():
        if [name] in alone:
            continue
        about = {file, rule.partition("_")[0]}
        for batch in made:
            taken = {
                one
                for other in batch
                for one in (MUTATIONS[other][0].partition("_")[0], MUTATIONS[other][2][0])
            }
            if not about & taken:
                batch.append(name)
                break
        else:
            made.append([name])
    return alone + made


#: Lets a plan take away what it otherwise refuses to, so that there is a plan to look at.
LET_GO: Change = ("modules/*/*.tf", "prevent_destroy = true", "prevent_destroy = false")


def plan(platform, path: Path) -> Path:
    """A plan as JSON."""
    quick = ("-input=false", "-refresh=false", "-lock=false")
    platform.terraform.run("plan", *quick, "-out=change.plan")
    path.write_text(platform.terraform.run("show", "-json", "change.plan"))
    return path


def test_the_platform_passes_every_rule(checked):
    assert checked.failed("as-it-is") == set()
    assert {one for one, _ in checked.passed("as-it-is")} == {one for one, _ in ids().values()}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_rule_finds_what_was_broken(checked, mutation):
    rule, resource, _ = MUTATIONS[mutation]
    [number] = [str(at) for at, batch in enumerate(batches()) if mutation in batch]
    failed = {(one, where.removesuffix("[0]")) for one, where in checked.failed(number)}
    assert (ids()[rule][0], resource) in failed


def test_every_rule_has_a_change_that_it_finds():
    assert {rule for rule, _, _ in MUTATIONS.values()} == set(ids())
    numbers = [one.removeprefix(f"{OURS}_") for one, _ in ids().values()]
    assert sorted(map(int, numbers)) == list(range(1, len(numbers) + 1))


def test_the_page_lists_the_rules():
    page = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
    part = page.partition("<!-- policies -->\n")[2].partition("<!-- end of policies -->")[0]
    assert part.splitlines() == [f"- {words}" for _, words in sorted(ids().values(), key=by_number)]


def by_number(rule: tuple[str, str]) -> int:
    """The number in a rule's id."""
    return int(rule[0].rpartition("_")[2])
