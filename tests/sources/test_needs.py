"""What is absent is not null: a column or a tag key that is needed stops by name, with what needs it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.cli import main
from chargeback.close.stages import derive
from chargeback.core.errors import CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.engine import Engine
from chargeback.params import read_params
from chargeback.sample.ratified import RATIFIED_RULES
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.needs import close_needs, daily_needs
from chargeback.sources.report import open_report
from tests.daily.month import owned
from tests.params_folder import ALWAYS, accepted, pool
from tests.reports import PERIOD, data_files, line_item

ITEMS = [line_item(60.0, "CC-1"), line_item(40.0, "CC-9")]
LIKE = pool("boxes", '{ usage_type_like = ["Box%"] }') + pool()
RESOURCE = pool("things", "{ has_resource = true }") + pool()
OPERATION = pool("runs", '{ operation = ["RunInstances"] }') + pool()
RULE = (
    '[[rule]]\nrule_id = "r"\ncost_center_id = "CC-2"\nmatch = {match}\nvalid_from = "2026-01"\n'
    'approved = "c"\nreason = "r"\n'
)

#: A column that the delivery lacks, params, and what the refusal says needs it.
NEEDED = {
    "resource_tags": ({}, ["cost_center_tags: user_cost_center"]),
    "line_item_usage_type": ({"allocation_toml": LIKE}, ["pool boxes: usage_type_like"]),
    "line_item_resource_id": (
        {"allocation_toml": RESOURCE}, ["pool things: has_resource", "INCLUDE_RESOURCES"],
    ),
    "line_item_operation": ({"allocation_toml": OPERATION}, ["pool runs: operation"]),
    "bill_billing_entity": (
        {"allocation_toml": pool(key="sql:support_base")}, ["pool untagged: sql:support_base"],
    ),
    "bill_invoice_id": ({}, ["what has no invoice id is not final"]),
}  # fmt: skip


def refusal(closing) -> Refusal:
    """The refusal of a close whose control failed."""
    with pytest.raises(Refusal) as raised:
        derive(closing)
    assert raised.value.exit_code == CONTROL_FAILED, raised.value.block()
    return raised.value


@pytest.mark.parametrize("column", NEEDED)
def test_a_needed_column_that_is_absent_stops_by_name(
    column, make_report, make_params, make_closing
):
    params, words = NEEDED[column]
    report = make_report(ITEMS, without=[column])
    block = refusal(make_closing(report, make_params(**params))).block()
    assert "needed_columns_are_there" in block
    assert f"absent_column {column}" in block
    for one in words:
        assert one in block


@pytest.mark.parametrize(
    ("match", "column"),
    [('{ usage_type_like = ["B%"] }', "line_item_usage_type"),
     ('{ resource_like = ["i-%"] }', "line_item_resource_id"),
     ('{ tag = { user_team = ["a"] } }', "resource_tags"),
     ('{ tag = { "cost_category:team" = ["a"] } }', "cost_category"),
     ('{ tag = { "tags:accountTag/team" = ["a"] } }', "tags")],
)  # fmt: skip
def test_ownership_rules_say_what_they_need(match, column, make_params):
    params = read_params(make_params(ownership_toml=RULE.replace("{match}", match)), PERIOD)
    whats = [what for one, what in close_needs(params, []) if one == column]
    assert any(one.startswith("ownership rule r") for one in whats)


def test_a_column_that_nothing_needs_may_be_absent(make_report, make_params, make_closing):
    without = ["line_item_usage_type", "line_item_operation", "line_item_resource_id"]
    derive(make_closing(make_report(ITEMS, without=without), make_params()))


def test_pods_cannot_be_left_out_without_operations(make_report, make_params, make_closing):
    """An export with split cost allocation data has rows that are billed by their instance already."""
    items = [*ITEMS, line_item(0.0, "CC-1", split_line_item_split_cost=1.0)]
    report = make_report(items, without=["line_item_operation"])
    block = refusal(make_closing(report, make_params())).block()
    assert "leaving out pods and tasks" in block and "line_item_operation" in block


def put_maps(report, **maps: list[dict[str, str]]) -> None:
    """Add maps to a report's one file, a dict for each line item."""
    [path] = data_files(report)
    table = pq.read_table(path)
    for name, rows in maps.items():
        kind = pa.map_(pa.string(), pa.string())
        table = table.append_column(name, pa.array([list(one.items()) for one in rows], kind))
    pq.write_table(table, path)


def policy(*keys: str) -> str:
    """policy.toml with other cost center tags."""
    named = ", ".join(f'"{one}"' for one in keys)
    return ALWAYS["policy.toml"].replace(
        'cost_center_tags = ["user_cost_center"]', f"cost_center_tags = [{named}]"
    )


@pytest.mark.parametrize(
    ("key", "maps"),
    [("tags:resourceTags/cost_center", {"tags": "resourceTags/cost_center"}),
     ("tags:accountTag/cc", {"tags": "accountTag/cc"}),
     ("cost_category:team", {"cost_category": "team"})],
)  # fmt: skip
def test_other_maps_name_owners(key, maps, make_report, make_params, make_closing):
    report = make_report([line_item(60.0), line_item(40.0)])
    put_maps(report, **{name: [{one: "CC-1"}, {one: "CC-9"}] for name, one in maps.items()})
    closing = make_closing(report, make_params(policy_toml=policy(key)))
    derive(closing)
    owned_costs = closing.table("owned_costs").to_pylist()
    assert {(row["cost_center_id"], row["rule"]) for row in owned_costs} == {
        ("CC-1", f"tag:{key}"), ("CC-9", f"tag:{key}"),
    }  # fmt: skip


def test_a_delivery_with_another_map_says_which_keys_it_has(make_report, make_params, make_closing):
    report = make_report([line_item(60.0), line_item(40.0)], without=["resource_tags"])
    put_maps(report, tags=[{"resourceTags/cost_center": "CC-1"}, {"accountTag/owner": "x"}])
    block = refusal(make_closing(report, make_params())).block()
    assert "name a key of tags, which it has, as tags:<key>" in block
    assert "tags:resourceTags/cost_center  60.00" in block
    assert "tags:accountTag/owner  40.00" in block
    assert "did you mean 'tags:resourceTags/cost_center'?" in block


def test_a_key_that_no_line_item_carries_stops_and_can_be_accepted(
    make_report, make_params, make_closing
):
    report = make_report(ITEMS)
    keys = policy("user_cost_center", "user_costcentre")
    block = refusal(make_closing(report, make_params(policy_toml=keys))).block()
    assert "tag_keys_are_carried" in block and "tag_key user_costcentre, line_items 2" in block
    params = make_params(
        policy_toml=keys, acceptances_csv=accepted(tag_keys_are_carried="user_costcentre")
    )
    closing = make_closing(report, params, name="b")
    derive(closing)
    controls = {one["control"]: one for one in closing.stage_record("rollup")["controls"]}
    assert controls["tag_keys_are_carried"] == {
        "control": "tag_keys_are_carried", "broken_by_rows": 0,
        "accepted": [
            {"subject": "user_costcentre", "reference": "CHG1", "accepted_by": "controller"}
        ],
    }  # fmt: skip


def test_tags_may_decide_nothing(make_report, make_params, make_closing):
    accounts = ALWAYS["accounts.csv"].replace(",core,,", ",core,CC-2,")
    params = make_params(policy_toml=policy(), accounts_csv=accounts)
    closing = make_closing(make_report([line_item(100.0)]), params)
    derive(closing)
    assert {row["rule"] for row in closing.table("owned_costs").to_pylist()} == {"account-default"}


def test_an_account_that_no_register_knows_stops(make_report, make_params, make_closing):
    items = [*ITEMS, line_item(2.0, "CC-1", line_item_usage_account_id="999999999999")]
    free = line_item(0.0, "CC-1", line_item_usage_account_id="888888888888")
    report = make_report([*items, free])
    block = refusal(make_closing(report, make_params())).block()
    assert "every_account_is_registered" in block
    assert "account_id 999999999999, line_items 1, unblended_cost 2.0000000000" in block
    assert "888888888888" not in block, "an account without a cost charges nobody"


def test_a_month_that_is_nobodys_stops(make_report, make_params, make_closing):
    """9.00 of 100.00 is owned: 91 % is more than the 90 that are allowed where policy.toml says nothing."""
    report = make_report([line_item(9.0, "CC-1"), line_item(91.0)])
    block = refusal(make_closing(report, make_params())).block()
    assert "nobodys_share_is_within_its_limit" in block and "limit_percent 90" in block
    limits = ALWAYS["policy.toml"] + '[controls]\nunowned_limit_percent = "91"\n'
    derive(make_closing(report, make_params(policy_toml=limits), name="b"))


def test_the_samples_ratification_is_nobody_elses(make_report, make_params, make_closing):
    """A company that begins with the sample's folder has its ratifications.csv too."""
    header = "rules_digest,valid_from,reference,approved_by,approved_on\n"
    row = f"{sorted(RATIFIED_RULES)[0]},2026-01,minutes,FinOps council,2026-01-02\n"
    params = make_params(ratifications_csv=header + row)
    block = refusal(make_closing(make_report(ITEMS), params)).block()
    assert "ratifications_are_of_these_params" in block and "account_id 012345678901" in block


def test_the_daily_flow_says_what_it_lacks(make_report, make_params, tmp_path, capsys):
    """Without resource ids everything would be untaggable, and 0.0 % untagged."""
    report = make_report([owned(1, 5.0)], without=["line_item_resource_id"])
    books = ["--books", str(tmp_path / "books")]
    ended = main(
        ["daily", "2026-05-01", "--cur", str(report), "--params", str(make_params()), *books]
    )
    said = capsys.readouterr().err
    assert ended == UNREACHABLE
    assert "the report has no column line_item_resource_id" in said
    assert "INCLUDE_RESOURCES = TRUE" in said


def test_mandatory_tags_say_where_they_are(make_params):
    toml = ALWAYS["policy.toml"].replace(
        'mandatory_tags = ["user_cost_center"]', 'mandatory_tags = ["tags:userAttribute/x"]'
    )
    needs = daily_needs(read_params(make_params(policy_toml=toml), PERIOD))
    assert ("tags", "mandatory_tags: tags:userAttribute/x") in needs


def test_who_looks_at_line_items_sees_the_tags_of_every_map(make_report):
    report = make_report([line_item(60.0, "CC-1"), line_item(40.0)])
    put_maps(report, cost_category=[{"team": "a"}, {}], tags=[{}, {"accountTag/cc": "b"}])
    engine = Engine()
    open_report(engine, report, freeze_sources(report, PERIOD), placed=True)
    rows = engine.connection.execute(
        "select resource_tags from report order by line_item_unblended_cost"
    ).fetchall()
    assert [dict(one) for (one,) in rows] == [
        {"tags:accountTag/cc": "b"}, {"user_cost_center": "CC-1", "cost_category:team": "a"},
    ]  # fmt: skip


def test_a_delivery_without_a_line_item_stops_and_can_be_accepted(
    make_report, make_params, make_closing
):
    """Files with a schema and no rows: an export that was emptied, or a payer without accounts yet."""
    none = ALWAYS["invoices.csv"].splitlines()[0] + "\n"
    report = make_report([])
    block = refusal(make_closing(report, make_params(invoices_csv=none))).block()
    assert "the_delivery_has_line_items" in block and "billing_period 2026-05" in block
    params = make_params(
        invoices_csv=none, acceptances_csv=accepted(the_delivery_has_line_items=PERIOD)
    )
    closing = make_closing(report, params, name="b")
    derive(closing)
    assert closing.table("postings").num_rows == 0


def test_resource_ids_that_are_blank_on_every_line_are_absent(
    make_report, make_params, tmp_path, capsys
):
    report = make_report([{**owned(1, 5.0), "line_item_resource_id": ""}])
    options = ["--cur", str(report), "--params", str(make_params())]
    ended = main(["daily", "2026-05-01", *options, "--books", str(tmp_path / "books")])
    assert ended == UNREACHABLE
    assert "no line item of the report has a resource id" in capsys.readouterr().err
