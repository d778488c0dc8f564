"""AWS Cost Anomaly Detection, read by boto3 itself over real HTTP from a stand-in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.daily.anomalies import alerts
from chargeback.daily.anomalies.aws import SWITCH, is_configured, is_service, read_aws_anomalies
from chargeback.daily.costs import daily_costs
from chargeback.params import read_params
from tests.daily.anomalies.estate import write_estate
from tests.daily.anomalies.test_alerts import STEP
from tests.params_folder import write_params
from tests.reports import ACCOUNT

EC2 = "Amazon Elastic Compute Cloud - Compute"
DAY = date(2026, 5, 12)


def anomaly(number: int, service: str = EC2, account: str = ACCOUNT, **more: Any) -> dict[str, Any]:
    """A finding as AWS writes it."""
    return {
        "AnomalyId": f"a-{number}", "AnomalyStartDate": "2026-05-11T00:00:00Z",
        "AnomalyEndDate": "2026-05-12T00:00:00Z", "MonitorArn": "arn:aws:ce::1:anomalymonitor/m",
        "AnomalyScore": {"MaxScore": 0.9, "CurrentScore": 0.5},
        "Impact": {"MaxImpact": 2500.1, "TotalImpact": 5000.25},
        "RootCauses": [{"Service": service, "Region": "us-east-1", "LinkedAccount": account}], **more,
    }  # fmt: skip


class CostExplorer(ThreadingHTTPServer):
    """A service that answers GetAnomalies two at a time, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.anomalies: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.status = 200


class Answers(BaseHTTPRequestHandler):
    """One answer of the service."""

    server: CostExplorer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["X-Amz-Target"] == "AWSInsightsIndexService.GetAnomalies"
        self.server.asked.append(asked)
        start = int(asked.get("NextPageToken", 0))
        answer: dict[str, Any] = {"Anomalies": self.server.anomalies[start : start + 2]}
        if start + 2 < len(self.server.anomalies):
            answer["NextPageToken"] = str(start + 2)
        if self.server.status != 200:
            answer = {
                "__type": "AccessDeniedException",
                "message": "ce:GetAnomalies is not allowed",
            }
        body = json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[CostExplorer]:
    """A running service that boto3 is led to by its own settings."""
    server = CostExplorer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name, value in (
        ("AWS_ENDPOINT_URL_COST_EXPLORER", f"http://127.0.0.1:{server.server_port}"),
        ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_MAX_ATTEMPTS", "1"), (SWITCH, "yes"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_all_pages_are_read(service):
    service.anomalies = [anomaly(number) for number in range(5)]
    found = read_aws_anomalies(date(2026, 4, 1), DAY)
    assert [one.anomaly_id for one in found] == [f"a-{number}" for number in range(5)]
    assert found[0].impact == Decimal("5000.25")
    assert (found[0].first_day, found[0].last_day) == (date(2026, 5, 11), DAY)
    assert [one.get("NextPageToken") for one in service.asked] == [None, "2", "4"]
    assert service.asked[0]["DateInterval"] == {"StartDate": "2026-04-01", "EndDate": "2026-05-12"}


def test_an_anomaly_that_goes_on_has_no_last_day(service):
    service.anomalies = [anomaly(1, AnomalyEndDate="", RootCauses=[])]
    [one] = read_aws_anomalies(DAY, DAY)
    assert (one.last_day, one.causes) == (None, ())


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    return write_estate(tmp_path_factory.mktemp("cur"), STEP)


def look(report: Path, folder: Path) -> alerts.FoundAnomalies:
    params = read_params(write_params(folder / "params"), "2026-05")
    return alerts.look_for_anomalies(
        daily_costs(report, params, DAY), report, params, Books(folder / "books")
    )


def test_what_both_found_is_one_and_what_aws_alone_found_is_told_too(service, report, tmp_path):
    service.anomalies = [anomaly(1), anomaly(2, "AWS Lambda"), anomaly(3, EC2, "999999999999")]
    found = look(report, tmp_path)
    [ours] = found.anomalies
    assert [one.anomaly_id for one in ours.aws] == ["a-1"]
    assert [one.anomaly_id for one, _ in found.aws_only] == ["a-2", "a-3"]
    findings = found.findings("USD", read_params(tmp_path / "params", "2026-05").accounts)
    assert [(one.rule, one.subject) for one in findings[1:]] == [
        ("aws-anomaly", "a-2"), ("aws-anomaly", "a-3"),
    ]  # fmt: skip
    assert "AWS Cost Anomaly Detection says 5,000.25 (a-1)." in findings[0].text


def test_aws_that_refuses_is_said_and_does_not_stop_the_day(service, report, tmp_path):
    service.status = 400
    with pytest.raises(Refusal) as raised:
        read_aws_anomalies(DAY, DAY)
    assert raised.value.exit_code == UNREACHABLE
    assert "ce:GetAnomalies is not allowed" in raised.value.block()
    found = look(report, tmp_path)
    assert len(found.anomalies) == 1
    assert any("AWS Cost Anomaly Detection cannot be read" in note for note in found.notes)


def test_aws_is_not_asked_unless_somebody_wants_it(service, report, tmp_path, monkeypatch):
    monkeypatch.delenv(SWITCH)
    assert not is_configured()
    assert look(report, tmp_path).aws_only == ()
    assert service.asked == []


@pytest.mark.parametrize(
    ("product", "name", "same"),
    [
        ("AmazonEC2", EC2, True),
        ("AmazonSageMaker", "Amazon SageMaker", True),
        ("AWSLambda", "AWS Lambda", True),
        ("awskms", "AWS Key Management Service", True),
        ("AmazonEC2", "Amazon ECR", False),
    ],
)
def test_services_are_known_by_both_their_names(product, name, same):
    assert is_service(product, name) is same
