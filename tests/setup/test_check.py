"""make check-params: all that is wrong, who would own what, and the exit code that a close would meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback import cli
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, NOT_FINAL, UNREACHABLE
from tests.params_folder import ALWAYS, accepted, added, pool, write_params
from tests.reports import ACCOUNT, PERIOD, line_item, write_report

#: 60.00 and 20.00 by tag, 15.00 to nobody: 95.00 on invoice 900000001.
ITEMS = [line_item(60.0, "CC-1"), line_item(20.0, "CC-2"), line_item(15.0)]
INVOICE = added("invoices.csv").replace("100.00", "95.00")


NO_INVOICES = ALWAYS["invoices.csv"].splitlines()[0] + "\n"


@pytest.fixture
def check(tmp_path, capsys):
    """Runs the verb on a report of line items and params; returns exit code, what it said, and the stop."""

    def run(items=ITEMS, without=(), period=PERIOD, **files: str) -> tuple[int, str, str]:
        folder = write_params(tmp_path / "params", **{"invoices_csv": INVOICE, **files})
        report = write_report(tmp_path / "cur", items, without=without)
        before = sorted(tmp_path.rglob("*"))
        code = cli.main(["check-params", period, "--cur", str(report), "--params", str(folder)])
        assert sorted(tmp_path.rglob("*")) == before, "it writes nothing"
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run


def amounts(said: str, title: str) -> dict[str, str]:
    """The rows of a table: label and amount."""
    lines = said.split(f"\n{title}", 1)[1].split("\n")[1:]
    found = {}
    for line in lines:
        if not line.strip():
            break
        found[line[2:68].strip()] = line[68:86].strip()
    return found


def test_what_owns_the_cost_is_shown_and_a_good_month_passes(check):
    code, said, stop = check()
    assert code == DONE, stop
    assert amounts(said, "What owns the cost") == {
        "tag user_cost_center": "80.00", "pool untagged: nobody's": "15.00", "all": "95.00",
    }  # fmt: skip
    assert amounts(said, "Owned directly, by business unit") == {
        "shop (Shop)": "80.00", "core (Core)": "0.00",
    }  # fmt: skip
    assert amounts(said, "Accounts with cost that nobody owns") == {
        f"{ACCOUNT} (work), no default cost center": "15.00"
    }
    assert (
        "  900000001                                            95.00               95.00" in said
    )
    assert said.endswith("A close of 2026-05 would pass all of this. Nothing was published.\n")
    assert max(map(len, said.splitlines()[1:])) <= 100


def rule(rule_id: str, product_code: str) -> str:
    """An ownership rule of CC-2."""
    return (
        f'[[rule]]\nrule_id = "{rule_id}"\ncost_center_id = "CC-2"\n'
        f'match = {{ product_code = ["{product_code}"] }}\nvalid_from = "2026-01"\n'
        'approved = "x"\nreason = "y"\n'
    )


def test_each_way_to_own_is_told_apart(check):
    items = [
        line_item(1.0, "CC-1"), line_item(2.0, "web"), line_item(4.0, "cc1"), line_item(8.0, "CC-77"),
        line_item(16.0, line_item_product_code="AmazonS3"), line_item(32.0, line_item_line_item_type="Tax"),
        line_item(64.0, line_item_usage_account_id="012345678902"),
    ]  # fmt: skip
    code, said, stop = check(
        items,
        invoices_csv=INVOICE.replace("95.00", "127.00"),
        accounts_csv=added("accounts.csv", "012345678902,two,core,CC-2,2026-01,"),
        tag_values_csv=added(
            "tag_values.csv", "user_cost_center,web,CC-1,2026-01,,x", "user_cost_center,old,CC-1,2026-01,,x"
        ),
        policy_toml=ALWAYS["policy.toml"] + 'tag_value_normalization = ["case", "hyphens"]\n',
        ownership_toml=rule("buckets", "AmazonS3") + rule("queues", "AWSQueueService"),
        allocation_toml=pool("tax", '{ line_item_type = ["Tax"] }')
        + pool("support", '{ product_code = ["AWSSupportBusiness"] }') + pool(),
        drivers_csv=added("drivers.csv", "2026-05,headcount,CC-1,5,HR"),
    )  # fmt: skip
    assert code == DONE, stop
    assert amounts(said, "What owns the cost") == {
        "tag user_cost_center": "1.00",
        "tag user_cost_center, by an alias": "2.00",
        "tag user_cost_center, normalized": "4.00",
        "ownership rule buckets": "16.00",
        "default cost center of the account": "64.00",
        "pool tax": "32.00",
        "pool untagged: nobody's": "8.00",
        "all": "127.00",
    }
    assert amounts(said, "Values of the tags that name no cost center") == {"'CC-77'": "8.00"}
    for line in (
        "allocation.toml line 10: the pool support takes nothing",
        "ownership.toml line 8: the ownership rule queues owns nothing",
        "tag_values.csv line 3: no line item has the alias 'old' of user_cost_center",
        "drivers.csv: no pool is split by the driver headcount",
    ):
        assert f"\n  {line}\n" in said
    assert (
        "the pool tax takes" not in said
        and "the ownership rule buckets" not in said.split("Nothing of")[1]
    )


def test_wrong_params_are_said_all_at_once_with_their_places_and_no_report_is_read(
    tmp_path, capsys
):
    folder = write_params(
        tmp_path / "params",
        accounts_csv=added("accounts.csv", "12,a,b,,2026-01,"),
        invoices_csv=INVOICE + "900000002,2026-05,AWS,EUR,1.00,x,y\n",
        sources_toml='curr = "x"\n',
    )
    code = cli.main(
        ["check-params", PERIOD, "--params", str(folder), "--cur", str(tmp_path / "no")]
    )
    assert code == BAD_USAGE
    said = capsys.readouterr().err
    assert said.startswith("STOPPED  3 things are wrong in these params\n")
    for line in (
        "1. an account id is not 12 digits", "accounts.csv line 3: 12,a,b,,2026-01,",
        "a leading zero was probably lost: 000000000012",
        "2. an invoice is in a different currency from the policy", "invoices.csv line 3: 900000002,",
        "3. unknown key 'curr'", "sources.toml",
    ):  # fmt: skip
        assert line in said


def test_one_wrong_thing_is_said_as_a_close_says_it(tmp_path, capsys):
    folder = write_params(
        tmp_path / "params", accounts_csv=added("accounts.csv", "12,a,b,,2026-01,")
    )
    report = write_report(tmp_path / "cur", ITEMS)
    blocks = []
    for verb in ("check-params", "monthly-close"):
        code = cli.main([verb, PERIOD, "--params", str(folder), "--cur", str(report)])
        assert code == BAD_USAGE
        blocks.append(capsys.readouterr().err)
    assert blocks[0] == blocks[1]


def test_a_report_that_is_not_there_is_said_after_the_params(tmp_path, capsys):
    folder = write_params(tmp_path / "params")
    code = cli.main(
        ["check-params", PERIOD, "--params", str(folder), "--cur", str(tmp_path / "no")]
    )
    assert code == UNREACHABLE


def test_every_control_that_would_stop_is_shown_and_coverage_all_the_same(check):
    items = [*ITEMS, line_item(5.0, line_item_usage_account_id="999999999999"),
             line_item(1.0, line_item_line_item_type="Surprise")]  # fmt: skip
    code, said, stop = check(items, policy_toml=ALWAYS["policy.toml"].replace(
        '["user_cost_center"]\nmandatory', '["user_cost_center", "user_costcentre"]\nmandatory'))  # fmt: skip
    assert code == CONTROL_FAILED
    assert stop.startswith(
        "STOPPED  4 controls failed: every_line_item_type_is_known, tag_keys_are_carried, "
        "every_account_is_registered, sources_tie_to_invoices; "
    )
    for line in (
        "account_id 999999999999", "line_item_type Surprise", "tag_key user_costcentre",
        "user_costcentre: did you mean 'user_cost_center'?", "difference -6.0000000000",
    ):  # fmt: skip
        assert line in stop
    assert amounts(said, "What owns the cost")["all"] == "101.00"
    assert "999999999999, not in accounts.csv" in said


def test_a_column_that_is_needed_and_absent(check):
    code, said, stop = check(without=["resource_tags"])
    assert code == CONTROL_FAILED
    assert "absent_column resource_tags, needed_for cost_center_tags: user_cost_center" in stop
    absent = said.split("nothing in force needs:")[1].split("params ")[0]
    assert "resource_tags" not in absent and "cost_category" in absent


def test_more_than_its_share_is_nobody_s_or_split_by_a_fallback(check):
    items = [line_item(4.0, "CC-1"), line_item(91.0)]
    code, said, stop = check(items, allocation_toml=pool(key="driver:x", more='fallback = "even"'),
                             drivers_csv=added("drivers.csv", "2026-05,x,CC-1,0,HR"))  # fmt: skip
    assert code == CONTROL_FAILED
    assert (
        "nobodys_share_is_within_its_limit" in stop and "fallback_share_is_within_its_limit" in stop
    )
    assert amounts(said, "Split by a fallback") == {
        "pool untagged, by even instead of driver:x": "91.00"
    }


def test_what_is_accepted_passes_and_what_nothing_needs_is_told(check):
    items = [*ITEMS, line_item(5.0, line_item_usage_account_id="999999999999")]
    code, said, stop = check(
        items,
        invoices_csv=INVOICE.replace("95.00", "100.00"),
        acceptances_csv=accepted(
            every_account_is_registered="999999999999 888888888888",
            deliveries_are_comparable="2026-04",
        ),
    )
    assert code == DONE, stop
    assert [one.strip() for one in said.split("Acceptances in force\n")[1].split("\n")[:3]] == [
        "acceptances.csv line 2: every_account_is_registered 999999999999 (CHG1): lets it pass",
        "acceptances.csv line 3: every_account_is_registered 888888888888 (CHG1): nothing needs it",
        "acceptances.csv line 4: deliveries_are_comparable 2026-04 (CHG1): not looked at here",
    ]


def test_invoices_that_are_absent_differ_or_wait_for_their_total(check):
    items = [line_item(60.0, "CC-1"), line_item(5.0, "CC-1", bill_invoice_id="900000002"),
             line_item(7.0, "CC-1", bill_invoice_id="900000003")]  # fmt: skip
    code, said, stop = check(
        items, invoices_csv=ALWAYS["invoices.csv"] + "900000002,2026-05,AWS,USD,,,\n"
    )
    assert code == CONTROL_FAILED
    assert (
        "  900000002                                             5.00            no total" in said
    )
    assert "invoice_id 900000001, invoice_total 100.0000000000, rows_total 60.0000000000" in stop
    assert "charges_tie_to_invoices" not in stop  # it only follows from the other
    asked = said.split("To enter before 2026-05 can close: 2 things\n")[1]
    assert "invoices.csv line 3       total, entered_by, source of invoice 900000002" in asked
    assert (
        "invoices.csv, a new line  total of invoice 900000003; line items sum to 7.00 USD" in asked
    )


def test_an_open_month_says_so_and_is_only_not_final(check):
    items = [line_item(60.0, "CC-1", bill_invoice_id=""), line_item(15.0, bill_invoice_id="")]
    code, said, stop = check(items)
    assert code == NOT_FINAL
    assert "open month   2 line items are on no invoice yet: figures will change" in said
    assert stop.startswith("STOPPED  2026-05 is not final at AWS yet\n")
    assert amounts(said, "What owns the cost")["all"] == "75.00"


def test_an_open_month_with_something_wrong_is_not_just_waited_for(check):
    items = [line_item(60.0, "CC-1", bill_invoice_id=""),
             line_item(1.0, bill_invoice_id="", line_item_line_item_type="Surprise")]  # fmt: skip
    assert check(items)[0] == CONTROL_FAILED


def test_rules_that_are_not_ratified_and_a_control_are_told_together(check):
    rows = "rules_digest,valid_from,reference,approved_by,approved_on\n"
    rows += f"{'0' * 64},2026-01,minutes,council,2026-01-02\n"
    code, said, stop = check(
        [*ITEMS, line_item(1.0, line_item_line_item_type="New")], ratifications_csv=rows
    )
    assert code == CONTROL_FAILED
    assert stop.startswith("STOPPED  2 things would stop a close of 2026-05\n")
    assert "1. the rules for 2026-05 are not ratified" in stop
    assert "2. a control failed: every_line_item_type_is_known;" in stop
    assert "rules        NOT ratified; their digest is " in said


def test_a_pool_that_cannot_be_split_is_told_with_the_rest(check):
    code, said, stop = check(
        allocation_toml=pool(key="driver:x"),
        drivers_csv=added("drivers.csv", "2026-05,x,CC-1,0,HR"),
    )
    assert code == CONTROL_FAILED
    assert "untagged" in stop and "What owns the cost" in said


def test_a_month_without_line_items_has_nothing_to_charge(check):
    code, said, block = check([], invoices_csv=NO_INVOICES)
    assert code == CONTROL_FAILED and "the_delivery_has_line_items" in block
    assert "the month has no line items: there is nothing to charge" in said


def test_a_month_without_line_items_can_be_accepted(check):
    passes = accepted(the_delivery_has_line_items="2026-05")
    assert check([], invoices_csv=NO_INVOICES, acceptances_csv=passes)[0] == DONE


def test_hostile_text_is_shown_on_one_line(check):
    said = check([*ITEMS, line_item(0.5, "\x1b[31m\n\u202e'x'")])[1]
    assert "\x1b" not in said and "\u202e" not in said


@pytest.mark.slow
def test_the_sample_s_params_pass(sample: Path, capsys):
    assert cli.main(["check-params", "2026-05", "--cur", str(sample / "cur")]) == DONE
    said = capsys.readouterr().out
    assert "250,000 line items in 5 files, 3,099,992.85 USD unblended" in said
    assert "ratified from 2026-05 on: council minutes 2026-04-22" in said
    # The method's own figure: what is owned directly, and in pools.
    assert amounts(said, "What owns the cost")["all"] == "3,120,028.77"
    assert "ownership rule namespace" not in said.split("Nothing of")[1]


def test_one_mistake_in_many_rows_is_said_once_with_its_places(check):
    """A spreadsheet rewrote a column: eight rows, one problem."""
    rows = "".join(f"May-26,heads,CC-{one},1,HR\n" for one in (1, 2, 9))
    rows += "".join(f"May-26,desks,CC-{one},1,HR\n" for one in (1, 2, 9))
    code, _, block = check(drivers_csv=ALWAYS["drivers.csv"] + rows)
    assert code == BAD_USAGE
    assert block.count("this is not a billing period") == 1
    assert "drivers.csv line 2, column billing_period" in block
    places = ", ".join(f"drivers.csv line {line}, column billing_period" for line in range(3, 8))
    assert f"the same at {places}" in block


def test_a_mandatory_tag_that_nothing_carries_is_said(check):
    policy = ALWAYS["policy.toml"].replace(
        'mandatory_tags = ["user_cost_center"]',
        'mandatory_tags = ["user_cost_center", "user_teem"]',
    )
    code, said, _ = check(policy_toml=policy)
    assert code == DONE
    assert "no line item carries user_teem of mandatory_tags" in said
    assert "carries user_cost_center of" not in said
