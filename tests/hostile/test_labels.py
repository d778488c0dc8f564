"""Metrics whose labels are attacks are read as they were written, by Prometheus's parser and by an agent."""

from __future__ import annotations

import re
import socket

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from chargeback.core.metrics import gauge, open_metrics, send_metrics
from tests.hostile.harmless import ACTING
from tests.hostile.names import NAMES


def test_a_file_of_metrics_has_every_label_whole():
    labelled = [gauge("x_usd", "Said.", number, unit=name) for number, name in enumerate(NAMES)]
    [family] = text_string_to_metric_families(open_metrics(labelled))
    assert [(one.labels["unit"], one.value) for one in family.samples] == [
        (name, number) for number, name in enumerate(NAMES)
    ]


def test_an_agent_gets_one_metric_a_packet():
    short = [name for name in NAMES if len(name) < 1000]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(10)
        send_metrics([gauge("x_usd", "Said.", 1, unit=name) for name in short], agent.getsockname())
        packets = [agent.recv(65536).decode() for _ in short]
    for packet in packets:
        assert re.fullmatch(r"chargeback\.x\.usd:1(\.0)?\|g\|#unit:[^\n,|#@:]*\n?", packet), packet
        assert not ACTING.search(packet.rstrip("\n")), ascii(packet)
