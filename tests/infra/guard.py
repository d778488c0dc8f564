"""The guard at the door of the account of tests: who asks for what, and whether policies allow it.

In: an HTTP request as boto3 or Terraform sends it, and moto's roles, buckets and keys as they were applied.
Out: nothing, or what was not allowed. Actions of S3 are known by method and query, of other services by their
names. S3 uses a bucket's key on behalf of whoever asks, so that a put takes kms:GenerateDataKey and a get
kms:Decrypt; DynamoDB and SNS do so with the keys of tables and topics.

Requests count as sent by TLS. The account's owner may do whatever a bucket does not deny to everybody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.dynamodb.models import dynamodb_backends
from moto.ecs.models import ecs_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sts.models import sts_backends

from tests.infra.iam_rules import Policy, Request, allowed

ACCOUNT, REGION, PARTITION = "123456789012", "us-east-1", "aws"
OWNER = f"arn:aws:iam::{ACCOUNT}:root"
EVERYTHING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}

SERVICES = {
    "AmazonAthena": "athena", "AWSGlue": "glue", "TrentService": "kms", "secretsmanager": "secretsmanager",
    "AWSBillingAndCostManagementDataExports": "bcm-data-exports", "DynamoDB_20120810": "dynamodb",
    "AWSInsightsIndexService": "ce", "AWSStepFunctions": "states",
    "AmazonEC2ContainerServiceV20141113": "ecs", "AmazonEC2ContainerRegistry_V20150921": "ecr",
}  # fmt: skip

#: The key with which moto's state machines call services; it stands for a session of their role.
OF_MACHINES = "ak"

#: What Secrets Manager adds to the name of a secret in its ARN; the ARNs of tests all end so.
SUFFIX = "-AbCdEf"

#: Actions of buckets by what the query asks for; the method stands before where it decides.
OF_BUCKETS = {
    "GET list-type": "s3:ListBucket", "GET": "s3:ListBucket", "HEAD": "s3:ListBucket",
    "GET location": "s3:GetBucketLocation", "GET object-lock": "s3:GetBucketObjectLockConfiguration",
    "PUT object-lock": "s3:PutBucketObjectLockConfiguration", "GET versions": "s3:ListBucketVersions",
    "GET uploads": "s3:ListBucketMultipartUploads", "GET policy": "s3:GetBucketPolicy",
    "PUT policy": "s3:PutBucketPolicy", "GET versioning": "s3:GetBucketVersioning",
    "PUT versioning": "s3:PutBucketVersioning", "DELETE": "s3:DeleteBucket", "PUT": "s3:CreateBucket",
    "PUT publicAccessBlock": "s3:PutBucketPublicAccessBlock", "PUT logging": "s3:PutBucketLogging",
    "GET publicAccessBlock": "s3:GetBucketPublicAccessBlock", "GET logging": "s3:GetBucketLogging",
    "GET ownershipControls": "s3:GetBucketOwnershipControls", "GET encryption": "s3:GetEncryptionConfiguration",
    "GET replication": "s3:GetReplicationConfiguration",
}  # fmt: skip

#: AWS answers whoever asks who he is.
ANYBODY_MAY = "sts:GetCallerIdentity"

Context = Mapping[str, str]


class NotAllowed(Exception):
    """A request that no policy allows."""


class Guard:
    """Whether requests are allowed.

    Args:
        workgroup_of: the workgroup of a query.
    """

    def __init__(self, workgroup_of: Callable[[str], str]) -> None:
        self.workgroup_of = workgroup_of

    def check(self, environ: Mapping[str, Any], body: bytes) -> None:
        """Stop a request that is not allowed (NotAllowed says what)."""
        signed = environ.get("HTTP_AUTHORIZATION", "")
        scope = signed.partition("Credential=")[2].partition(",")[0].split("/")
        if len(scope) < 4:
            raise NotAllowed("a request without a signature")
        role = role_of(scope[0], environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""))
        for action, resource, context in wanted(scope[3], environ, body, self.workgroup_of):
            if action == ANYBODY_MAY:
                continue
            self.require(role, action, resource, context)

    def require(self, role: str, action: str, resource: str, context: Context) -> None:
        """Stop unless a role may do something, and what S3 does for it with the bucket's key."""
        own, boundary = policies_of(role)
        request = Request(role, action, resource, context)
        is_key = resource.startswith("arn:aws:kms:")
        if not allowed(request, own, boundary, policy_of(resource), is_key):
            raise NotAllowed(
                f"{role} is not authorized to perform: {action} on resource: {resource}"
            )
        service, key = action.partition(":")[0], key_of(resource)
        for use in uses_of_keys(action) if key else ():
            self.require(role, use, key, {"kms:viaservice": f"{service}.{REGION}.amazonaws.com"})


def role_of(access_key: str, token: str) -> str:
    """The ARN of the role whose session a key is of; the owner's for keys of no session."""
    for one in sts_backends[ACCOUNT][PARTITION].assumed_roles:
        if one.access_key_id == access_key:
            if one.session_token != token:
                raise NotAllowed("a session's key without its token")
            return str(one.role_arn)
    if access_key == OF_MACHINES:
        return role_of_machines()
    if access_key != "testing":
        raise NotAllowed(f"{access_key} is a key of nobody")
    return OWNER


def role_of_machines() -> str:
    """The role that Step Functions takes."""
    roles = iam_backends[ACCOUNT][PARTITION].roles.values()
    [found] = [one for one in roles if '"states.amazonaws.com"' in one.assume_role_policy_document]
    return str(found.arn)


def policies_of(role: str) -> tuple[list[Policy], Policy | None]:
    """The policies of a role, and its boundary."""
    if role == OWNER:
        return [EVERYTHING], None
    backend = iam_backends[ACCOUNT][PARTITION]
    found = backend.get_role_by_arn(role)
    own = [read(one) for one in found.policies.values()]
    own += [managed(arn) for arn in found.managed_policies]
    boundary = found.permissions_boundary_arn
    return own, managed(boundary) if boundary else None


def managed(arn: str) -> Policy:
    """A policy that stands by itself."""
    found = iam_backends[ACCOUNT][PARTITION].get_policy(arn)
    [document] = [one.document for one in found.versions if one.is_default]
    return read(document)


def read(document: str | bytes) -> Policy:
    """A policy that was applied."""
    text = document.decode() if isinstance(document, bytes) else document
    found: Policy = json.loads(unquote(text) if text.startswith("%") else text)
    return found


def policy_of(resource: str) -> Policy | None:
    """The policy of a bucket or a key; None where it has none."""
    if resource.startswith("arn:aws:s3:::"):
        bucket = s3_backends[ACCOUNT][PARTITION].buckets.get(bucket_name(resource))
        return read(bucket.policy) if bucket and bucket.policy else None
    if resource.startswith("arn:aws:kms:"):
        return read(kms_backends[ACCOUNT][REGION].get_key_policy(resource))
    return None


def bucket_name(resource: str) -> str:
    """The bucket of an ARN of S3."""
    return resource.removeprefix("arn:aws:s3:::").partition("/")[0]


def uses_of_keys(action: str) -> tuple[str, ...]:
    """What a service does with a key on behalf of whoever asks it for something."""
    if action.startswith("dynamodb:"):
        return () if action == "dynamodb:DescribeTable" else ("kms:Decrypt",)
    return {
        "s3:PutObject": ("kms:GenerateDataKey",), "s3:GetObject": ("kms:Decrypt",),
        "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    }.get(action, ())  # fmt: skip


def key_of(resource: str) -> str:
    """The ARN of the key that a bucket, a table or a topic is encrypted with; blank for a service's own."""
    service = resource.split(":")[2] if ":" in resource else ""
    if service == "dynamodb":
        table = dynamodb_backends[ACCOUNT][REGION].tables.get(resource.rpartition("/")[2])
        return str((table.sse_specification or {}).get("KMSMasterKeyId", "")) if table else ""
    if service == "sns":
        topic = sns_backends[ACCOUNT][REGION].topics.get(resource)
        return str(topic.kms_master_key_id or "") if topic else ""
    return key_of_bucket(resource) if service == "s3" else ""


def key_of_bucket(resource: str) -> str:
    """The ARN of the key that a bucket encrypts with; blank for S3's own."""
    bucket = s3_backends[ACCOUNT][PARTITION].buckets.get(bucket_name(resource))
    rule = (bucket.encryption or {}).get("Rule", {}) if bucket else {}
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    return str(default.get("KMSMasterKeyID", ""))


Wanted = Iterator[tuple[str, str, Context]]


def wanted(
    service: str, environ: Mapping[str, Any], body: bytes, workgroup_of: Callable[[str], str]
) -> Wanted:
    """What a request asks for: actions, resources and the keys of conditions."""
    target, _, action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")
    if service == "s3":
        yield from of_s3(environ)
    elif service == "quicksight":
        yield from of_quicksight(environ)
    elif target:
        content = json.loads(body or b"{}")
        prefix = SERVICES[target]
        if prefix in CALLS:
            yield from CALLS[prefix](action, content)
            return
        for resource in resources_of(prefix, content, workgroup_of):
            yield f"{prefix}:{action}", resource, {}
    else:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        yield from of_forms(service, form)


def of_dynamodb(action: str, content: Mapping[str, Any]) -> Wanted:
    """What is asked of DynamoDB: a transaction is allowed by what is allowed of each of its writes."""
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
    if action == "TransactWriteItems":
        for one in content["TransactItems"]:
            for kind, write in one.items():
                yield f"dynamodb:{kind}Item", arn + write["TableName"], {}
        return
    for table in content.get("RequestItems", [content.get("TableName", "*")]):
        yield f"dynamodb:{action}", arn + table, {}


def of_ecs(action: str, content: Mapping[str, Any]) -> Wanted:
    """What is asked of ECS: to run a task is to hand it two roles, and to tag it."""
    cluster = content.get("cluster", "*")
    if action != "RunTask":
        yield f"ecs:{action}", "*", {}
        return
    definition = content["taskDefinition"]
    yield "ecs:RunTask", definition, {"ecs:cluster": cluster}
    tagged = cluster.replace(":cluster/", ":task/") + "/0123456789abcdef"
    yield "ecs:TagResource", tagged, {"ecs:createaction": "RunTask"}
    found = ecs_backends[ACCOUNT][REGION].describe_task_definition(definition)
    for role in (content["overrides"]["taskRoleArn"], found.execution_role_arn):
        yield "iam:PassRole", role, {"iam:passedtoservice": "ecs-tasks.amazonaws.com"}


def of_states(action: str, content: Mapping[str, Any]) -> Wanted:
    """What is asked of Step Functions."""
    yield (
        f"states:{action}", content.get("stateMachineArn") or content.get("executionArn", "*"), {}
    )  # fmt: skip


#: Services whose calls are more than an action on a resource.
CALLS: dict[str, Callable[[str, Mapping[str, Any]], Wanted]] = {
    "dynamodb": of_dynamodb, "ecs": of_ecs, "states": of_states,
}  # fmt: skip


def of_s3(environ: Mapping[str, Any]) -> Wanted:
    """What is asked of S3."""
    method = environ["REQUEST_METHOD"]
    bucket, _, key = unquote(environ["PATH_INFO"]).strip("/").partition("/")
    query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    context = {"aws:securetransport": "true"}
    if not key:
        named = [name for name in query if f"{method} {name}" in OF_BUCKETS]
        if "prefix" in query:
            context["s3:prefix"] = query["prefix"][0]
        action = OF_BUCKETS[f"{method} {named[0]}" if named else method]
        yield action, f"arn:aws:s3:::{bucket}", context
        return
    resource = f"arn:aws:s3:::{bucket}/{key}"
    version = "Version" if "versionId" in query else ""
    if environ.get("HTTP_X_AMZ_BYPASS_GOVERNANCE_RETENTION") == "true":
        yield "s3:BypassGovernanceRetention", resource, context
    if "retention" in query:
        yield (
            {"GET": "s3:GetObjectRetention", "PUT": "s3:PutObjectRetention"}[method],
            resource,
            context,
        )
    elif method == "PUT":
        yield "s3:PutObject", resource, context | of_put(environ)
        if "HTTP_X_AMZ_OBJECT_LOCK_MODE" in environ:
            yield "s3:PutObjectRetention", resource, context
    else:
        verb = {"GET": "Get", "HEAD": "Get", "DELETE": "Delete"}[method]
        yield f"s3:{verb}Object{version}", resource, context


def of_put(environ: Mapping[str, Any]) -> dict[str, str]:
    """The keys of conditions that a put has."""
    found = {"s3:objectcreationoperation": "true"}
    for header, key in (
        ("HTTP_IF_NONE_MATCH", "s3:if-none-match"),
        ("HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION_AWS_KMS_KEY_ID", "s3:x-amz-server-side-encryption-aws-kms-key-id"),
    ):  # fmt: skip
        if header in environ:
            found[key] = environ[header]
    return found


def resources_of(
    service: str, content: Mapping[str, Any], workgroup_of: Callable[[str], str]
) -> list[str]:
    """The resources that a request names, all of which it must be allowed on."""
    if service == "athena":
        group = content.get("WorkGroup") or workgroup_of(content["QueryExecutionId"])
        return [f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{group}"]
    if service == "glue":
        database = content.get("DatabaseName") or content["Name"]
        names = ["catalog", f"database/{database}"]
        table = content.get("TableName") or (content["Name"] if "DatabaseName" in content else "")
        names += [f"table/{database}/{table}"] if table else []
        return [f"arn:aws:glue:{REGION}:{ACCOUNT}:{one}" for one in names]
    if service == "kms" and "KeyId" in content:
        keys = kms_backends[ACCOUNT][REGION]
        return [keys.keys[keys.any_id_to_key_id(content["KeyId"])].arn]
    if service == "ecr" and "repositoryName" in content:
        return [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{content['repositoryName']}"]
    if service == "secretsmanager":
        name = content["SecretId"]
        whole = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}{SUFFIX}"
        return [name if name.startswith("arn:") else whole]
    return ["*"]


def of_quicksight(environ: Mapping[str, Any]) -> Wanted:
    """What is asked of QuickSight, of which ingestions alone are known here."""
    dataset, _, ingestion = environ["PATH_INFO"].partition("/data-sets/")[2].split("/")
    action = {"PUT": "CreateIngestion", "GET": "DescribeIngestion"}[environ["REQUEST_METHOD"]]
    arn = f"arn:aws:quicksight:{REGION}:{ACCOUNT}:dataset/{dataset}/ingestion/{ingestion}"
    yield f"quicksight:{action}", arn, {}


def of_forms(service: str, form: Mapping[str, str]) -> Wanted:
    """What is asked of services whose requests are forms, such as IAM's."""
    backend, context = iam_backends[ACCOUNT][PARTITION], {}
    resource = form.get("PolicyArn", "*")
    if "RoleName" in form:
        name, path = form["RoleName"], form.get("Path", "/")
        role = next((one for one in backend.roles.values() if one.name == name), None)
        resource = role.arn if role else f"arn:aws:iam::{ACCOUNT}:role{path}{name}"
        boundary = form.get("PermissionsBoundary") or (
            role.permissions_boundary_arn if role else ""
        )
        context = {"iam:permissionsboundary": boundary} if boundary else {}
    if "TopicArn" in form:
        resource = form["TopicArn"]
    if "RoleArn" in form:
        resource = form["RoleArn"]
    yield f"{service}:{form['Action']}", resource, context
