"""The portal as its task definition says, behind a load balancer, with the role that was applied.

What differs from a task in AWS: the params are a folder and not in the image, the port is a free one of this
machine, and what a load balancer does is simulated (tests/infra/load_balancer.py).
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from chargeback.core.paths import PARAMS
from chargeback.portal.serve import DRAIN_SECONDS, KEPT_SECONDS
from tests.infra import task_agent
from tests.infra.at_work import PERIOD
from tests.infra.conftest import NAME, PORTAL_SUBNETS, WHERE_CHANGED, Platform, free_port
from tests.infra.guard import ACCOUNT, REGION
from tests.infra.load_balancer import Balancer, connection, health
from tests.portal.providers import certified, tls_proxy
from tests.portal.providers.by_hand import form_of
from tests.portal.providers.certified import PASSWORD, PATIENCE_SECONDS
from tests.portal.providers.open_portal import CLIENT_ID, CLIENT_SECRET
from tests.portal.providers.real_portal import let_in
from tests.portal.providers.tls_proxy import TlsProxy

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

#: Addresses of the load balancer, in each of its subnets.
BALANCERS = ("127.0.80.7", "127.0.81.7")


def definition(platform: Platform) -> dict[str, Any]:
    """The task definition that the service runs."""
    ecs = platform.account.client("ecs")
    where = platform.outputs["portal"]["service"]
    [service] = ecs.describe_services(cluster=where["cluster"], services=[where["name"]])[
        "services"
    ]
    found: dict[str, Any] = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    return found["taskDefinition"]  # type: ignore[no-any-return]


def environment_of(task: dict[str, Any], platform: Platform) -> dict[str, str]:
    """The variables of a task's container: its definition's, and secrets as its execution role gets them."""
    [container] = task["containerDefinitions"]
    execution = platform.account.client(
        "secretsmanager", **platform.account.take(task["executionRoleArn"])
    )
    secrets = {
        one["name"]: execution.get_secret_value(SecretId=one["valueFrom"])["SecretString"]
        for one in container["secrets"]
    }
    return {one["name"]: one["value"] for one in container["environment"]} | secrets


@dataclass
class Running:
    """The portal, and the load balancer before it."""

    balancer: TlsProxy
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def running(platform, closed, tmp_path_factory) -> Iterator[Running]:
    """The portal as a task of the service, a load balancer and a provider of sign-in."""
    folder = tmp_path_factory.mktemp("portal")
    task = definition(platform)
    [container] = task["containerDefinitions"]
    with contextlib.ExitStack() as held:
        provider = held.enter_context(certified.running(folder))
        provider.users(
            dana={"name": "Dana", "email": "dana@insurer.example", "groups": ["finops-claims"]}
        )
        balancer = held.enter_context(tls_proxy.running(folder, Balancer))
        let_in(provider, balancer.address)
        params = params_of(folder, provider.issuer, balancer.address)
        role = task["taskRoleArn"]
        agent = held.enter_context(task_agent.answering(role, lambda: platform.account.take(role)))
        held.enter_context(platform.account.guarded())
        port, own_port = free_port(), str(container["portMappings"][0]["containerPort"])
        environment = environment_of(task, platform)
        listen = environment["CHARGEBACK_PORTAL_LISTEN"]
        assert listen.endswith(f":{own_port}")
        of_the_image = {
            "HOME": str(folder), "PATH": "/usr/bin:/bin", "TZ": "UTC", "CHARGEBACK_PARAMS": str(params),
            "CHARGEBACK_BUILD": str(folder / "data" / "build"), "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        of_ecs = {
            task_agent.VARIABLE: agent,
            "AWS_ENDPOINT_URL": platform.account.url,
            "CHARGEBACK_PORTAL_LISTEN": listen.replace(own_port, str(port)),
        }
        log = folder / "portal.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "chargeback", *container["command"]], cwd=folder, stdout=stream,
                stderr=stream, stdin=subprocess.DEVNULL, env={**of_the_image, **environment, **of_ecs},
            )  # fmt: skip
        held.callback(end, process)
        balancer.behind, balancer.own = port, BALANCERS[0]
        one = Running(balancer, port, log, process)
        wait_until_well(one)
        yield one


def params_of(folder: Path, issuer: str, address: str) -> Path:
    """The params of an image: those of the sample, with [portal] as a laptop would need it."""
    params = folder / "params"
    params.mkdir()
    for path in PARAMS.rglob("*"):
        if path.is_file():
            target = params / path.relative_to(PARAMS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (params / "sources.toml").write_text(
        f'[portal]\nissuer = "{issuer}"\nclient_id = "{CLIENT_ID}"\naddress = "{address}"\n'
        'proxies = ["127.0.0.1"]\n'
    )
    return params


def wait_until_well(one: Running) -> None:
    """Wait until a health check of the load balancer is answered."""
    deadline = time.monotonic() + 4 * PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert one.process.poll() is None, one.said()
        with contextlib.suppress(OSError):
            if health(connection(BALANCERS[1], one.port), "/health")[0] == 200:
                return
        time.sleep(0.2)
    raise AssertionError(one.said())


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, however it is."""
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def dana(running: Running) -> Iterator[requests.Session]:
    """Dana's browser, which trusts the certificate and nothing else, signed in."""
    with requests.Session() as one:
        one.trust_env, one.verify = False, str(running.balancer.certificate)
        page = one.get(f"{running.balancer.address}/units/claims", timeout=PATIENCE_SECONDS)
        action, fields = form_of(page, login="dana", password=PASSWORD)
        page = one.post(action, fields, timeout=PATIENCE_SECONDS)
        assert page.url == f"{running.balancer.address}/units/claims", running.said()
        assert page.status_code == 200 and "Dana" in page.text
        yield one


def test_somebody_signs_in_and_opens_a_statement_byte_for_byte_as_it_was_closed(
    platform, running, dana
):
    answer = dana.get(
        f"{running.balancer.address}/statements/{PERIOD}/claims/pdf", timeout=PATIENCE_SECONDS
    )
    assert answer.status_code == 200, running.said()
    bucket, _, prefix = platform.outputs["books"].removeprefix("s3://").partition("/")
    s3 = platform.account.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/statements/claims/")["Contents"]
    [key] = [one["Key"] for one in found if one["Key"].endswith("statement.pdf")]
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == answer.content
    foreign = dana.get(
        f"{running.balancer.address}/statements/{PERIOD}/members/pdf", timeout=PATIENCE_SECONDS
    )
    assert foreign.status_code == 404


def test_health_is_answered_to_the_load_balancer(platform, running):
    elb = platform.account.client("elbv2")
    [group] = elb.describe_target_groups(Names=[f"{NAME}-portal"])["TargetGroups"]
    assert (group["HealthCheckProtocol"], group["Matcher"]["HttpCode"]) == ("HTTP", "200")
    for own in BALANCERS:
        assert health(connection(own, running.port), group["HealthCheckPath"]) == (200, "ok\n")


@pytest.mark.parametrize(
    ("own", "headers", "words"),
    [
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, "Come through the address"),
        ("127.0.90.7", {"X-Forwarded-Proto": "https"}, "Come through the address"),
        (BALANCERS[0], {}, "answers https only"),
        (BALANCERS[0], {"X-Forwarded-Proto": "http"}, "answers https only"),
        (BALANCERS[0], {"X-Forwarded-Proto": "https", "Host": "10.0.0.7:8095"}, "no such portal here"),
    ],
    ids=["beside it", "another task", "not as it comes", "without TLS", "for another host"],
)  # fmt: skip
def test_what_does_not_come_through_the_load_balancer_is_400(running, dana, own, headers, words):
    sent = "; ".join(f"{one.name}={one.value}" for one in dana.cookies)
    line = connection(own, running.port)
    host = {"Host": urlsplit(running.balancer.address).netloc}
    line.request("GET", "/units/claims", headers={**host, "Cookie": sent, **headers})
    answer = line.getresponse()
    assert (answer.status, words in answer.read().decode()) == (400, True)


def test_what_a_browser_says_of_itself_is_not_believed(running, dana):
    place = f"{running.balancer.address}/units/claims"
    lies = {"X-Forwarded-For": "10.9.9.9", "X-Forwarded-Proto": "http"}
    assert dana.get(place, headers=lies, timeout=PATIENCE_SECONDS).status_code == 200
    last = running.said().splitlines()[-1]
    assert last.endswith(" ms 127.0.0.1") and "/units/claims" in last, last
    elsewhere = {"X-Forwarded-Host": "elsewhere.example"}
    assert dana.get(place, headers=elsewhere, timeout=PATIENCE_SECONDS).status_code == 400


def test_a_connection_outlasts_the_load_balancers_patience(platform, running):
    """Else a load balancer meets one that has just ended, and answers 502."""
    elb = platform.account.client("elbv2")
    [one] = elb.describe_load_balancers(Names=[f"{NAME}-portal"])["LoadBalancers"]
    found = elb.describe_load_balancer_attributes(LoadBalancerArn=one["LoadBalancerArn"])
    said = {each["Key"]: each["Value"] for each in found["Attributes"]}
    assert int(said["idle_timeout.timeout_seconds"]) < KEPT_SECONDS
    line = connection(BALANCERS[0], running.port)
    assert health(line, "/health")[0] == 200
    held = line.sock
    time.sleep(6)  # the server's own habit is to end a connection after five
    assert health(line, "/health")[0] == 200 and line.sock is held


def test_secrets_and_settings_come_from_the_task(running):
    said = running.said()
    networks = ", ".join(PORTAL_SUBNETS[:2])
    assert f"listens  0.0.0.0:{running.port}, behind {networks}" in said
    assert CLIENT_SECRET not in said


def test_told_to_end_it_puts_the_log_and_a_new_task_asks_people_to_sign_in_again(
    platform, running, dana
):
    """The last test here: the portal ends."""
    address = f"{running.balancer.address}/statements/{PERIOD}/claims/pdf"
    assert dana.get(address, timeout=PATIENCE_SECONDS).status_code == 200, running.said()
    begun = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(PATIENCE_SECONDS) == 0, running.said()
    [container] = definition(platform)["containerDefinitions"]
    assert DRAIN_SECONDS < container["stopTimeout"] <= 120
    assert time.monotonic() - begun < container["stopTimeout"]
    head = re.search(r"access log: its head is (\S+)", running.said())
    assert head
    bucket, _, prefix = platform.outputs["books"].removeprefix("s3://").partition("/")
    s3 = platform.account.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/portal/log/")["Contents"]
    texts = [
        s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode()
        for one in found
        if one["Key"].endswith(".jsonl")
    ]
    opened = f'"statement/{PERIOD}/claims/pdf"'
    assert any("(Dana)" in one and opened in one for one in texts), texts
    assert not any("sessions" in one["Key"] for one in found), "who is signed in ends with the task"


def test_one_task_serves_and_the_old_one_ends_before_the_new_one_starts(platform):
    where = platform.outputs["portal"]["service"]
    ecs = platform.account.client("ecs")
    [service] = ecs.describe_services(cluster=where["cluster"], services=[where["name"]])[
        "services"
    ]
    assert service["desiredCount"] == 1
    rule = service["deploymentConfiguration"]
    assert (rule["minimumHealthyPercent"], rule["maximumPercent"]) == (0, 100)
    assert service["availabilityZoneRebalancing"] == "DISABLED"
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    assert network["assignPublicIp"] == "DISABLED"
    [container] = definition(platform)["containerDefinitions"]
    assert container["readonlyRootFilesystem"] is True and not container.get("privileged")
    assert {one["containerPath"] for one in container["mountPoints"]} == {"/data", "/tmp"}
    told = {one["name"]: one["value"] for one in container["environment"]}
    assert told["AWS_DEFAULT_REGION"] == told["AWS_REGION"] == REGION, "boto3 reads the first alone"


def test_browsers_come_in_from_named_networks_by_tls_and_nobody_else_reaches_the_task(platform):
    ec2, elb = (platform.account.client(one) for one in ("ec2", "elbv2"))
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    named = {
        one["GroupId"]: one["GroupName"] for one in ec2.describe_security_groups()["SecurityGroups"]
    }
    task, balancer = f"{NAME}-portal", f"{NAME}-portal-load-balancer"
    into = {
        (named[one["GroupId"]], one["FromPort"], source_of(one, named))
        for one in rules
        if not one["IsEgress"] and named[one["GroupId"]] in (task, balancer)
    }
    assert into == {
        (balancer, 80, "10.0.0.0/8"),
        (balancer, 443, "10.0.0.0/8"),
        (task, 8095, balancer),
    }
    [one] = elb.describe_load_balancers(Names=[f"{NAME}-portal"])["LoadBalancers"]
    assert one["Scheme"] == "internal"
    listeners = elb.describe_listeners(LoadBalancerArn=one["LoadBalancerArn"])["Listeners"]
    found = {one["Port"]: (one["Protocol"], one["DefaultActions"][0]["Type"]) for one in listeners}
    assert found == {80: ("HTTP", "redirect"), 443: ("HTTPS", "forward")}


def source_of(rule: dict[str, Any], named: dict[str, str]) -> str:
    """The network or the group that a rule lets in."""
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
    return named[group] if group else rule["CidrIpv4"]


def test_the_load_balancer_may_write_its_log_and_only_its_own_account_s(platform):
    s3 = platform.account.client("s3")
    found = json.loads(s3.get_bucket_policy(Bucket=f"{NAME}-logs")["Policy"])["Statement"]
    [one] = [one for one in found if one["Sid"] == "LoadBalancersWriteLogs"]
    assert one["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert (one["Effect"], one["Action"]) == ("Allow", "s3:PutObject")
    assert one["Resource"] == f"arn:aws:s3:::{NAME}-logs/portal/AWSLogs/{ACCOUNT}/*"
    assert platform.outputs["athena"]["region"] == REGION
