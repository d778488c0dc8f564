"""A manifest decides which bytes are charged: one that AWS would not write is refused, never read in part."""

from __future__ import annotations

import json

import pytest

from chargeback.core.json_text import read_json
from chargeback.sources.freeze import freeze_sources
from tests.close.months import run_process, write_month
from tests.hostile.refused import refused_delivery
from tests.reports import PERIOD, line_item, manifest_path, write_report
from tests.sources.legacy import legacy_manifest, write_legacy

pytestmark = pytest.mark.slow

PREFIX = f"s3://billing/exports/tiny/data/BILLING_PERIOD={PERIOD}/"
FILE = PREFIX + "tiny-00001.snappy.parquet"
UNREADABLE = "the manifest cannot be read"
OUTSIDE = "the manifest names a data file outside the period's folder"

#: What stands in the file instead, and what is said of it.
TEXTS: dict[str, tuple[str | bytes, str]] = {
    "lists in lists": ("[" * 200_000, "nested too deeply"),
    "lists in lists, closed": ('{"dataFiles":' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    "objects in objects": ('{"a":' * 100_000, "nested too deeply"),
    "a number of 5,000 digits": ('{"dataFiles":["x"],"n":' + "9" * 5_000 + "}", "4300 digits"),
    "not a number": (f'{{"dataFiles":["{FILE}"],"n":NaN}}', "NaN is no number of JSON"),
    "no finite number": (f'{{"dataFiles":["{FILE}"],"n":-Infinity}}', "-Infinity is no number"),
    "two lists of files": (f'{{"dataFiles":[],"dataFiles":["{FILE}"]}}', "'dataFiles' stands there twice"),
    "half a character": (f'{{"dataFiles":["{FILE}"],"exportName":"\\ud800"}}', "surrogates not allowed"),
    "not UTF-8": (b'{"dataFiles":["\xff"]}', "UnicodeDecodeError"),
    "UTF-16": (f'{{"dataFiles":["{FILE}"]}}'.encode("utf-16"), "UnicodeDecodeError"),
    "nothing": ("", "JSONDecodeError"),
    "only NUL": (b"\0" * 100, "JSONDecodeError"),
    "a list": (f'["{FILE}"]', "not a JSON object"),
}  # fmt: skip

#: Members with values that AWS does not give them, and what is said of it.
MEMBERS: dict[str, tuple[dict[str, object], str]] = {
    "files in an object": ({"dataFiles": {}}, UNREADABLE),
    "a number for a file": ({"dataFiles": [1]}, UNREADABLE),
    "a list for a file": ({"dataFiles": [[FILE]]}, UNREADABLE),
    "no list": ({"dataFiles": None}, UNREADABLE),
    "a name of members": ({"executionId": {"a": [1]}}, "executionId is not a text"),
    "a name of lists": ({"exportName": [["a"]]}, "exportName is not a text"),
    "a period of members": ({"billingPeriod": {"start": "20260501"}}, "belongs to another period"),
    "a period as a number": ({"billingPeriod": 202605}, "belongs to another period"),
    "upwards": ({"dataFiles": [PREFIX + "../../../etc/passwd"]}, OUTSIDE),
    "upwards and down again": ({"dataFiles": [PREFIX + "../x/tiny.parquet"]}, OUTSIDE),
    "absolute": ({"dataFiles": ["/etc/passwd"]}, OUTSIDE),
    "the folder itself": ({"dataFiles": [PREFIX]}, OUTSIDE),
    "another's key": ({"dataFiles": ["s3://others/secrets/data.parquet"]}, OUTSIDE),
    "NUL in a name": ({"dataFiles": [PREFIX + "ti\0ny.parquet"]}, OUTSIDE),
    "a name of 5,000 letters": ({"dataFiles": [PREFIX + "x" * 5_000]}, OUTSIDE),
    "another system's path": ({"dataFiles": [PREFIX + "..\\..\\tiny.parquet"]}, OUTSIDE),
}  # fmt: skip


@pytest.fixture
def report(tmp_path):
    return write_report(tmp_path / "report", [line_item(60.0, "CC-1"), line_item(40.0, "CC-2")])


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_no_manifest(name, report):
    content, words = TEXTS[name]
    text = content if isinstance(content, bytes) else content.encode()
    manifest_path(report).write_bytes(text)
    refused_delivery(report, UNREADABLE, words, "tiny-Manifest.json")


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_that_aws_does_not_write(name, report):
    members, words = MEMBERS[name]
    path = manifest_path(report)
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))
    refused_delivery(report, words)


def test_what_editors_begin_a_file_with_does_no_harm(report):
    path = manifest_path(report)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert freeze_sources(report, PERIOD).line_items == 2


@pytest.mark.parametrize("name", ["../../elsewhere", "/elsewhere", "a//b", "."])
def test_a_legacy_report_is_not_named_out_of_its_folder(name, report, tmp_path):
    """The folder of its Parquet files is named after the report, by the manifest itself."""
    legacy = write_legacy(report, tmp_path / "legacy", PERIOD, "parquet")
    path = legacy_manifest(legacy, PERIOD)
    content = json.loads(path.read_text())
    key = f"billing/{name}/year=2026/month=5/costs-00001.snappy.parquet"
    path.write_text(json.dumps({**content, "reportName": name, "reportKeys": [key]}))
    target = (legacy / name).resolve() / "year=2026" / "month=5"
    if tmp_path in target.parents:
        target.mkdir(parents=True)
        next(legacy.rglob("*.parquet")).rename(target / "costs-00001.snappy.parquet")
    refused_delivery(legacy, OUTSIDE)


def test_the_whole_verb_says_it_in_one_block(tmp_path):
    """As a terminal has it: one block, nothing before or behind it, nothing in the books."""
    month = write_month(tmp_path)
    manifest_path(month.report).write_text("[" * 200_000)
    for verb in ("draft", "check-params"):
        options = month.options if verb == "draft" else month.options[:4]
        ended = run_process(verb, PERIOD, *options)
        assert ended.exit_code == 6, ended
        assert ended.refused.startswith(f"STOPPED  {UNREADABLE}\n"), ended
        assert all(line.startswith("  ") for line in ended.refused.splitlines()[1:]), ended
    assert not list(month.books.root.rglob("*.parquet"))


def test_json_is_read_as_others_read_it():
    assert read_json(b'{"a": [1, "\\u00e9", "\\ud83d\\ude91"], "b": null}') == {
        "a": [1, "é", "🚑"], "b": None,
    }  # fmt: skip
