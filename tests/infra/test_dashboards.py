"""QuickSight as Terraform sets it up: the stack, what it reads with, and names that its parts share."""

from __future__ import annotations

import re
import uuid

import pytest
import yaml
from botocore.exceptions import ClientError

from chargeback.aws.bucket import s3_place
from chargeback.aws.quicksight import read_quicksight
from chargeback.books.ledger_table import CHARGES, RULES, athena_statements
from chargeback.books.schema import POSTINGS
from chargeback.core.paths import ROOT
from tests.infra.conftest import NAME, VARIABLES, WHERE_CHANGED
from tests.infra.guard import ACCOUNT, REGION

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

STACK = f"{NAME}-quicksight"


@pytest.fixture(scope="module")
def stack(platform):
    """The stack as CloudFormation has it."""
    [one] = platform.account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return one


def test_the_stack_is_the_template_and_knows_what_the_modules_made(platform, stack):
    made = platform.account.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    assert made == (ROOT / "infra" / "quicksight" / "template.yml").read_text(encoding="utf-8")
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    dashboards = VARIABLES["dashboards"]
    assert (given["OwnerArn"], given["ReadersArn"]) == (
        dashboards["owner_arn"],
        dashboards["readers_arn"],
    )
    assert given["Database"] == platform.outputs["athena"]["database"]
    assert given["WorkGroup"] == platform.outputs["dashboards"]["workgroup"] == STACK
    assert given["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/chargeback/{STACK}"
    assert (given["ChargesView"], given["RulesView"]) == (CHARGES, RULES)


def test_the_output_is_what_the_program_reads(platform, stack, tmp_path):
    lines = [f'{key} = "{text}"' for key, text in platform.outputs["quicksight"].items()]
    (tmp_path / "sources.toml").write_text("\n".join(["[quicksight]", *lines, ""]))
    found = read_quicksight(tmp_path)
    assert found is not None and (found.account_id, found.region) == (ACCOUNT, REGION)
    named = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert (found.rules, found.charges) == (named["RulesDataSetId"], named["ChargesDataSetId"])


def test_columns_are_the_ledgers_in_the_table_the_views_and_the_datasets(platform):
    glue = platform.account.client("glue")
    database = platform.outputs["athena"]["database"]
    table = glue.get_table(DatabaseName=database, Name="chargeback_ledger")["Table"]
    columns = {one["Name"] for one in table["StorageDescriptor"]["Columns"]}
    columns |= {one["Name"] for one in table["PartitionKeys"]}
    assert columns == set(POSTINGS.names)
    template = yaml.safe_load((ROOT / "infra" / "quicksight" / "template.yml").read_text())
    [charges] = template["Resources"]["ChargesDataSet"]["Properties"]["PhysicalTableMap"].values()
    taken = {one["Name"] for one in charges["RelationalTable"]["InputColumns"]}
    assert {"business_unit_id", "cost_center_id", "amount"} <= taken <= columns
    rules = template["Resources"]["RulesDataSet"]["Properties"]["LogicalTableMap"]
    [renamed] = rules.values()
    named = renamed["DataTransforms"][-1]["ProjectOperation"]["ProjectedColumns"]
    assert named[0] == "GroupName" and set(named[1:]) <= taken


def test_what_the_views_stand_on_is_what_quicksight_may_open(platform):
    """Each table that a statement of `make viewers TO=` makes, and each place that it reads.

    But for what was counted: no row of viewers.toml filters it, so QuickSight does not open it.
    """
    place = s3_place(platform.outputs["books"], "BOOKS")
    statements = athena_statements(place)
    document = policy(platform)
    tables = re.findall(r"(?:table if not exists `|replace view )(\w+)", "\n".join(statements))
    assert len(tables) == 8
    [glue] = [one for one in document if one["Sid"] == "Tables"]
    [pattern] = [one.rpartition("/")[2] for one in glue["Resource"] if ":table/" in one]
    assert pattern == "chargeback_*" and all(one.startswith("chargeback_") for one in tables)
    places = set(re.findall(r"^location '([^']+)'", "\n".join(statements), re.MULTILINE))
    [reads] = [one for one in document if one["Sid"] == "ReadLedger"]
    opened = {one.replace("arn:aws:s3:::", "s3://").removesuffix("*") for one in reads["Resource"]}
    counted = {one for one in places if one.endswith("/metrics/")}
    assert opened == places - counted and (len(opened), len(counted)) == (3, 1)


def policy(platform):
    """The statements of what QuickSight's role may do."""
    iam = platform.account.client("iam")
    found = iam.get_role_policy(RoleName=STACK, PolicyName="quicksight")["PolicyDocument"]
    return found["Statement"]


def test_quicksight_reads_the_ledger_and_its_own_results_and_no_report(platform):
    credentials = platform.account.take(f"arn:aws:iam::{ACCOUNT}:role/chargeback/{STACK}")
    client = lambda service: platform.account.client(service, **credentials)  # noqa: E731
    s3, glue, athena = (client(one) for one in ("s3", "glue", "athena"))
    books, report, results = (f"{NAME}-{one}" for one in ("books", "report", "results"))
    database = platform.outputs["athena"]["database"]

    def query(group):
        return athena.start_query_execution(
            QueryString="select 1", WorkGroup=group, ClientRequestToken=str(uuid.uuid4())
        )

    allowed = [
        lambda: s3.get_object(Bucket=books, Key="books/postings/billing_period=2025-12/none"),
        lambda: s3.get_object(Bucket=books, Key="books/viewer_rules/none"),
        lambda: s3.list_objects_v2(Bucket=books, Prefix="books/postings/billing_period=2025-12/"),
        lambda: s3.put_object(Bucket=results, Key="quicksight/probe", Body=b"1"),
        lambda: s3.get_object(Bucket=results, Key="quicksight/probe"),
        lambda: glue.get_table(DatabaseName=database, Name="chargeback_ledger"),
        lambda: query(STACK),
    ]
    denied = [
        lambda: s3.get_object(Bucket=books, Key="books/statements/claims/none"),
        lambda: s3.get_object(Bucket=books, Key="books/portal/log/000001.jsonl"),
        lambda: s3.put_object(Bucket=books, Key="books/postings/probe", Body=b"1", IfNoneMatch="*"),
        lambda: s3.get_object(Bucket=report, Key=f"exports/{NAME}-cur2/none"),
        lambda: s3.get_object(Bucket=results, Key="close/none"),
        lambda: glue.get_table(DatabaseName=database, Name="cur2"),
        lambda: query(NAME),
    ]
    with platform.account.guarded():
        assert [is_let(one) for one in allowed] == [True] * len(allowed)
        assert [is_let(one) for one in denied] == [False] * len(denied)


def is_let(ask) -> bool:
    """Whether a request is let through; what comes of it is another matter."""
    try:
        ask()
    except ClientError as error:
        return error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException")
    return True


def test_its_role_is_quicksights_alone(platform):
    role = platform.account.client("iam").get_role(RoleName=STACK)["Role"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "quicksight.amazonaws.com"}
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(f"{NAME}-boundary")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"UseAs: RLS_RULES": "UseAs: RULES"}, "RulesDataSet"),
        ({"DisableSsl": "DisableTls"}, "DataSource"),
        ({"AllowedPattern: '[a-z0-9_]{1,255}'": "AllowedPattern: 'x'"}, "Parameter Database"),
        ({"Resources:": "#" * 3000 + "\nResources:"}, "51200 bytes"),
    ],
)
def test_the_account_of_tests_refuses_what_cloudformation_and_quicksight_would(
    platform, stack, change, words
):
    text = (ROOT / "infra" / "quicksight" / "template.yml").read_text(encoding="utf-8")
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    stacks = platform.account.client("cloudformation")
    with pytest.raises(ClientError, match=words):
        stacks.create_stack(StackName="wrong", TemplateBody=text, Parameters=stack["Parameters"])
