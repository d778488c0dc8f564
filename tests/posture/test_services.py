"""Exports, columns and tag keys as AWS writes them."""

from __future__ import annotations

import pytest

from chargeback.posture import DRIFTED, OK
from chargeback.posture.services import (
    check_export,
    check_tags,
    columns_of,
    exports_to,
    needed_columns,
)
from chargeback.posture.settings import Expected
from chargeback.sources.report import COLUMNS


def export(name="cur2", bucket="report", prefix="exports", columns=COLUMNS, **status):
    """An export of Data Exports."""
    options = {
        "INCLUDE_RESOURCES": "TRUE", "INCLUDE_SPLIT_COST_ALLOCATION_DATA": "TRUE", "TIME_GRANULARITY": "HOURLY",
        "INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY": "FALSE",
    }  # fmt: skip
    output = {
        "Compression": "PARQUET", "Format": "PARQUET", "OutputType": "CUSTOM", "Overwrite": "CREATE_NEW_REPORT",
    }  # fmt: skip
    query = f"SELECT {', '.join(columns)} FROM COST_AND_USAGE_REPORT"
    place = {"S3Bucket": bucket, "S3Prefix": prefix, "S3OutputConfigurations": output}
    return {
        "Name": name,
        "DataQuery": {
            "QueryStatement": query,
            "TableConfigurations": {"COST_AND_USAGE_REPORT": options},
        },
        "DestinationConfigurations": {"S3Destination": place},
        "ExportStatus": status or {"StatusCode": "HEALTHY"},
    }


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("exports/cur2/", ["cur2"]),
        ("exports/", ["cur2", "other"]),
        ("", ["cur2", "other"]),
        ("exports/cur/", []),
    ],
)
def test_an_export_is_known_by_where_it_delivers(prefix, names):
    exports = [export(), export("other"), export("cur2", bucket="another")]
    assert [one["Name"] for one in exports_to(exports, "report", prefix)] == names


def test_an_export_that_does_not_deliver_says_why():
    *others, last = check_export(
        export(StatusCode="UNHEALTHY", StatusReason="INSUFFICIENT_PERMISSION")
    )
    assert {one.state for one in others} == {OK}
    assert (last.state, last.found) == (DRIFTED, "UNHEALTHY INSUFFICIENT_PERMISSION")


def test_tags_are_selected_in_either_form():
    older, newer = set(COLUMNS) - {"tags"}, set(COLUMNS) - {"resource_tags", "cost_category"}
    for columns in (older, newer):
        assert {one.state for one in check_export(export(columns=sorted(columns)))} == {OK}
    assert needed_columns(set()) == older
    neither = check_export(export(columns=sorted(older - {"resource_tags"})))
    assert [one.found for one in neither if one.state == DRIFTED] == ["without resource_tags"]
    assert columns_of({"QueryStatement": "select\n  A, b\nFROM X where y"}) == {"a", "b"}
    assert columns_of({}) == set()


@pytest.mark.parametrize(
    ("key", "kind", "named"),
    [
        ("CostCenter", "UserDefined", "user_cost_center"),
        ("cost-center", "UserDefined", "user_cost_center"),
        ("costcenter", "UserDefined", "user_costcenter"),
        ("aws:createdBy", "AWSGenerated", "aws_created_by"),
    ],
)
def test_keys_are_known_as_the_report_writes_them(key, kind, named):
    """CUR fact 1.5: user:CostCenter and user:cost-center are one key of the report, user:costcenter another."""
    tag = {"TagKey": key, "Type": kind, "Status": "Active"}
    keys = ("user_cost_center", "user_costcenter", "aws_created_by")
    found = check_tags([tag], Expected(tag_keys=keys))
    assert [one.where for one in found if one.state == OK] == [f"cost allocation tag {named}"]
    [asleep] = check_tags([{**tag, "Status": "Inactive"}], Expected(tag_keys=(named,)))
    assert (asleep.state, asleep.found) == (DRIFTED, "Inactive")
