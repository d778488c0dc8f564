"""metrics.csv: whose a quantity is, which count holds, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import Params, read_params
from chargeback.params.metrics import COMPANY, check_counted, latest, named
from tests.params_folder import ALWAYS, write_params

HEAD = "billing_period,metric,business_unit_id,cost_center_id,quantity,source,as_of,final\n"
CENTERS = (
    "cost_center_id,name,business_unit_id,valid_from,valid_to\n"
    "CC-1,Web,shop,2026-03,2026-04\n"
    "CC-1,Web,core,2026-05,\n"
    "CC-9,Platform,core,2026-01,\n"
)
NAME = (
    '[[metric]]\nmetric = "orders"\nname = "Orders"\none = "order"\nmany = "orders"\nper = "1000"\n'
)


def read(tmp_path, rows: str, head: str = HEAD, policy: str = "") -> Params:
    """The params of May with these metrics."""
    folder = write_params(
        tmp_path / "params",
        cost_centers_csv=CENTERS,
        metrics_csv=head + rows,
        policy_toml=ALWAYS["policy.toml"] + policy,
    )
    return read_params(folder, "2026-05")


def test_without_the_file_there_are_none(tmp_path):
    assert read_params(write_params(tmp_path / "params"), "2026-05").metrics == ()


def test_a_cost_centers_quantity_is_of_the_unit_that_had_it(tmp_path):
    found = read(
        tmp_path,
        "2026-04,orders,,CC-1,5,shop,2026-05-01,yes\n2026-05,orders,,CC-1,6.5,shop,2026-06-01,no\n",
    ).metrics
    assert [(one.business_unit_id, one.quantity, one.is_final) for one in found] == [
        ("shop", Decimal(5), True),
        ("core", Decimal("6.5"), False),
    ]


def test_a_later_count_replaces_and_is_never_added(tmp_path):
    """Whatever the order of the rows; the earlier one stays in the file as history."""
    rows = [
        "2026-05,orders,shop,,100,count,2026-06-01,no\n",
        "2026-05,orders,shop,,90,recount,2026-06-09,yes\n",
        "2026-05,orders,*,,500,count,2026-06-01,yes\n",
    ]
    for number, text in enumerate(("".join(rows), "".join(reversed(rows)))):
        (tmp_path / str(number)).mkdir()
        metrics = read(tmp_path / str(number), text).metrics
        assert len(metrics) == 3
        held = {one.business_unit_id: one.quantity for one in latest(metrics).values()}
        assert held == {"shop": Decimal(90), COMPANY: Decimal(500)}


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        # 2062 in the place of 2026 would stand before every later count, for decades.
        (
            "2026-05,orders,shop,,1,count,2062-06-01,yes\n",
            "a metric is counted as of a day that has not come",
        ),
        (
            "2026-04,orders,shop,,1,count,2026-05-01,yes\n2026-05,Orders,shop,,1,count,2026-06-01,yes\n",
            "a metric is written in two ways",
        ),
    ],
)
def test_no_close_begins_with_a_count_of_a_day_to_come_or_of_two_spellings(rows, what, tmp_path):
    """What was closed with it by an earlier version is read, so that it can be audited."""
    params = read(tmp_path, rows)
    with pytest.raises(Refusal) as stopped:
        check_counted(params.metrics)
    assert (stopped.value.exit_code, stopped.value.what) == (BAD_USAGE, what)
    assert "metrics.csv line" in stopped.value.block()
    with pytest.raises(Refusal):
        read_params(params.folder, "2026-05", approved=True)


@pytest.mark.parametrize("column", ["business_unit_id", "cost_center_id"])
def test_one_of_the_two_columns_of_owners_will_do(tmp_path, column):
    owner = {"business_unit_id": "shop", "cost_center_id": "CC-9"}[column]
    [found] = read(
        tmp_path,
        f"2026-05,orders,{owner},1,count,2026-06-01,yes\n",
        f"billing_period,metric,{column},quantity,source,as_of,final\n",
    ).metrics
    assert owner in (found.business_unit_id, found.cost_center_id)


REFUSED = {
    "a metric has no owner": "2026-05,orders,,,1,s,2026-06-01,yes\n",
    "a metric has two owners": "2026-05,orders,core,CC-9,1,s,2026-06-01,yes\n",
    "a metric's quantity is negative": "2026-05,orders,shop,,-1,s,2026-06-01,yes\n",
    "quantity is not a plain decimal number": "2026-05,orders,shop,,1e3,s,2026-06-01,yes\n",
    "quantity has more than 4 decimals": "2026-05,orders,shop,,1.00001,s,2026-06-01,yes\n",
    "metrics.csv names an unknown business unit": "2026-05,orders,shp,,1,s,2026-06-01,yes\n",
    "metrics.csv names an unknown cost center": "2026-05,orders,,CC-8,1,s,2026-06-01,yes\n",
    "a metric is of a cost center that is not in force in 2026-01": (
        "2026-01,orders,,CC-1,1,s,2026-02-01,yes\n"
    ),
    "cost_center_id is not a valid id": "2026-05,orders,,*,1,s,2026-06-01,yes\n",
    "metric is not a valid id": "2026-05,or ders,shop,,1,s,2026-06-01,yes\n",
    "as_of is not a date": "2026-05,orders,shop,,1,s,1 June,yes\n",
    "final is neither yes nor no": "2026-05,orders,shop,,1,s,2026-06-01,Yes!\n",
    "two quantities of a metric are as of the same day": (
        "2026-05,orders,shop,,1,s,2026-06-01,yes\n2026-05,orders,shop,,2,s,2026-06-01,yes\n"
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path, what):
    with pytest.raises(Refusal) as raised:
        read(tmp_path, REFUSED[what])
    assert raised.value.exit_code == BAD_USAGE
    assert raised.value.what == what
    assert "metrics.csv line 2" in raised.value.where[0]
    if what.startswith("two quantities"):
        assert "metrics.csv line 3" in raised.value.where[1]


def test_an_unknown_column_and_one_that_is_missing_are_refused(tmp_path):
    for head, what in (
        (HEAD.replace("final", "is_final"), "metrics.csv has an unknown column 'is_final'"),
        (HEAD.replace(",final", ""), "metrics.csv lacks the column 'final'"),
        (
            HEAD.replace("business_unit_id,cost_center_id,", ""),
            "metrics.csv lacks the column 'business_unit_id'",
        ),
    ):
        with pytest.raises(Refusal) as raised:
            read(tmp_path, "", head)
        assert raised.value.what == what


def test_a_metric_is_called_as_policy_says_or_after_its_id(tmp_path):
    rows = "2026-05,orders,shop,,1,s,2026-06-01,yes\n"
    names = read(tmp_path, rows, policy=NAME).metric_names
    assert (names["orders"].name, names["orders"].one, names["orders"].per) == (
        "Orders",
        "order",
        1000,
    )
    assert named("page_views", names).name == "Page views"


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        (NAME + NAME, "a metric is named twice"),
        (NAME.replace("1000", "7"), "per is neither 1 nor 1000"),
        (NAME.replace("name =", "title ="), "unknown key 'title'"),
        (
            NAME.replace('"orders"\nname', '"order"\nname'),
            "a metric is named that metrics.csv does not have",
        ),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(tmp_path, policy, what):
    with pytest.raises(Refusal) as raised:
        read(tmp_path, "2026-05,orders,shop,,1,s,2026-06-01,yes\n", policy=policy)
    assert raised.value.what == what and "policy.toml" in raised.value.where[0]
