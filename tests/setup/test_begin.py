"""make init: what is written from a report closes, and nothing that only people know is invented."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback import cli
from chargeback.core.errors import BAD_USAGE, DONE, UNREACHABLE
from chargeback.params import read_params
from chargeback.params.registers import read_register
from chargeback.setup.plan import NOT_APPROVED
from tests.reports import PERIOD, write_report
from tests.setup.company import (
    DATA,
    HARBOR,
    INVOICE,
    ISSUER,
    SHOP,
    company_lines,
    line,
    write_company,
)
from tests.sources.legacy import write_legacy


@pytest.fixture
def init(capsys):
    """Runs the verb on a report; returns exit code and what it said."""

    def run(report: Path, folder: Path, *more: str) -> tuple[int, str]:
        code = cli.main(["init", *more, "--cur", str(report), "--params", str(folder)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def rows(folder: Path, name: str, *columns: str) -> list[tuple[str, ...]]:
    """Some columns of a register."""
    return [tuple(row[one] for one in columns) for row in read_register(folder, name)]


def test_a_company_s_params_say_what_its_report_says_and_ask_for_the_rest(init, tmp_path):
    folder = tmp_path / "mine"
    code, said = init(write_company(tmp_path / "cur"), folder)
    assert code == DONE, said
    assert sorted(one.name for one in folder.iterdir()) == [
        "accounts.csv", "adjustments.csv", "allocation.toml", "business_units.csv", "cost_centers.csv",
        "drivers.csv", "invoices.csv", "policy.toml", "tag_values.csv",
    ]  # fmt: skip
    assert rows(folder, "accounts.csv", "account_id", "name", "owning_team", "default_cost_center_id") == [
        (HARBOR, "harbor", "", ""), (SHOP, "shop-prod", "", ""), (DATA, "data-prod", "", ""),
    ]  # fmt: skip
    assert rows(folder, "business_units.csv", "business_unit_id", "owner", "email") == [
        ("company", "", "")
    ]
    assert rows(folder, "cost_centers.csv", "cost_center_id", "name", "business_unit_id") == [
        ("data-science", "data science", "company"), ("search", "search", "company"),
        ("shop", "shop", "company"), ("commitments", "Commitments and rounding", "company"),
    ]  # fmt: skip
    assert rows(folder, "tag_values.csv", "tag_key", "tag_value", "cost_center_id") == [
        ("user_team", "data science", "data-science")
    ]
    assert rows(
        folder, "invoices.csv", "invoice_id", "issuer", "currency", "total", "entered_by"
    ) == [(INVOICE, ISSUER, "USD", "", "")]
    params = read_params(folder, PERIOD)
    policy = params.policy
    assert (policy.currency, policy.cost_basis) == ("USD", "amortized")
    assert policy.cost_center_tags == policy.mandatory_tags == ("user_team",)
    assert policy.tag_value_normalization == ("case",)
    assert [(one.pool_id, one.overrides_tags) for one in params.pools] == [
        ("aws-support", True), ("credits-and-refunds", True), ("tax", False), ("untagged", False),
    ]  # fmt: skip
    assert all(one.approved == NOT_APPROVED for one in params.pools)
    assert params.pools[1].match == {"line_item_type": ("Credit",)}
    assert not params.governed
    asked = [
        "To enter before 2026-05 can close: 1 thing",
        f"invoices.csv line 2  total, entered_by, source of invoice {INVOICE}; line items sum to 1,150.00 USD",
        "To enter before statements go out: 5 things",
        "business_units.csv line 2  owner, email, idp_group of company (Company)",
        "approved of the pool tax: who decided it",
        "To enter before the daily flow opens tickets: 3 things",
        f"accounts.csv line 4  owning_team of {DATA} (data-prod)",
        "9 things to enter in",
        f"make check-params PERIOD=2026-05 CUR={tmp_path}/cur PARAMS=",
    ]
    assert [one for one in asked if one not in said] == []


def test_the_guess_and_what_else_there_was_stand_in_the_policy(init, tmp_path):
    items = company_lines()
    items[0]["resource_tags"]["user_project"] = "x"
    init(write_report(tmp_path / "cur", items), tmp_path / "mine")
    text = (tmp_path / "mine" / "policy.toml").read_text(encoding="utf-8")
    for one in (
        "#   user_team  1,000.00, 5 values\n",
        "#       shop 600.00, data science 190.00, search 180.00, Shop 20.00, none 10.00\n",
        "# A guess: user_team, because its name looks like a project or team, and it covers most cost.\n",
        "#   it could also be user_project  600.00\n",
        "#   these values own nothing: 'none'\n",
        "# A guess: the values on each of these lines mean one cost center.\n#   'shop', 'Shop'\n",
    ):
        assert one in text


def test_nothing_of_the_sample_is_in_it(init, tmp_path):
    init(write_company(tmp_path / "cur"), tmp_path / "mine")
    text = "".join(one.read_text(encoding="utf-8") for one in (tmp_path / "mine").iterdir())
    for one in ("CHG00", "CC-1001", "insurer", "council minutes", "claims", "0123456701"):
        assert one not in text


@pytest.mark.parametrize("name", ["policy.toml", "ratifications.csv", "accounts.csv"])
def test_a_folder_with_params_is_left_alone(name, init, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text("what a person wrote")
    code, said = init(write_company(tmp_path / "cur"), folder)
    assert code == BAD_USAGE
    assert said.startswith("STOPPED  the params folder is begun already\n")
    assert [one.name for one in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "what a person wrote"


def test_a_folder_with_other_files_keeps_them(init, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("ours")
    assert init(write_company(tmp_path / "cur"), folder)[0] == DONE
    assert (folder / "README.md").read_text() == "ours"
    assert read_params(folder, PERIOD).invoices == {}


def test_all_is_written_or_nothing(init, tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("ours")
    real, copied = shutil.copyfile, []

    def full(source, target):
        copied.append(target)
        if len(copied) == 4:
            raise OSError(28, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    code, _ = init(write_company(tmp_path / "cur"), folder)
    assert code == UNREACHABLE
    assert len(copied) == 4
    assert [one.name for one in folder.iterdir()] == ["README.md"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["cur", "mine"]


def test_a_report_that_cannot_be_read_leaves_nothing(init, tmp_path):
    code, said = init(tmp_path / "cur", tmp_path / "mine")
    assert code == UNREACHABLE and "the folder of the report does not exist" in said
    report = write_company(tmp_path / "cur")
    next(report.glob("data/*/*")).write_bytes(b"PAR1")
    assert init(report, tmp_path / "mine")[0] == UNREACHABLE
    assert not (tmp_path / "mine").exists()


def test_a_report_without_any_period_says_so(init, tmp_path):
    (tmp_path / "cur" / "metadata").mkdir(parents=True)
    code, said = init(tmp_path / "cur", tmp_path / "mine")
    assert code == UNREACHABLE and "the report has no manifest of any period" in said


def test_athena_is_not_read(init, tmp_path):
    code, said = init(Path("athena"), tmp_path / "mine")
    assert code == BAD_USAGE and "this verb reads reports from folders" in said


def test_the_newest_period_that_has_invoices_is_taken(init, tmp_path):
    report = write_company(tmp_path / "cur", "2026-04")
    write_report(report, company_lines(), period="2026-05")
    write_report(report, [line(SHOP, 5.0, "shop", bill_invoice_id="")], period="2026-06")
    code, said = init(report, tmp_path / "mine")
    assert code == DONE and "in force from 2026-05 on" in said
    assert {row[0] for row in rows(tmp_path / "mine", "accounts.csv", "valid_from")} == {"2026-05"}
    assert "in force from 2026-04 on" in init(report, tmp_path / "april", "2026-04")[1]
    assert (
        "the report has no manifest for 2026-03" in init(report, tmp_path / "march", "2026-03")[1]
    )


def test_a_month_without_invoices_says_that_there_is_none_to_enter(init, tmp_path):
    items = [{**one, "bill_invoice_id": ""} for one in company_lines()]
    code, said = init(write_report(tmp_path / "cur", items), tmp_path / "mine")
    assert code == DONE
    assert (
        "No line item of 2026-05 has an invoice id." in said and "invoicing in policy.toml" in said
    )
    assert rows(tmp_path / "mine", "invoices.csv", "invoice_id") == []


def test_accounts_own_what_no_tag_does_where_tags_own_too_little(init, tmp_path):
    items = [line(SHOP, 95.0), line(DATA, 4.0), line(SHOP, 1.0, "shop")]
    code, said = init(write_report(tmp_path / "cur", items), tmp_path / "mine")
    assert code == DONE and "each account is one too, because tags own too little" in said
    assert rows(tmp_path / "mine", "accounts.csv", "account_id", "default_cost_center_id") == [
        (SHOP, "shop-prod"), (DATA, "data-prod"),
    ]  # fmt: skip
    assert {one[0] for one in rows(tmp_path / "mine", "cost_centers.csv", "cost_center_id")} == {
        "shop", "shop-prod", "data-prod", "commitments",
    }  # fmt: skip


def test_no_tags_at_all_name_accounts(init, tmp_path):
    items = [line(SHOP, 95.0), line(DATA, 5.0)]
    for without in ((), ("resource_tags",)):
        report = write_report(tmp_path / f"cur{len(without)}", items, without=without)
        folder = tmp_path / f"mine{len(without)}"
        assert init(report, folder)[0] == DONE
        assert read_params(folder, PERIOD).policy.cost_center_tags == ()
        assert len(read_params(folder, PERIOD).cost_centers) == 3


def test_amortized_cost_that_lacks_columns_is_for_a_person_to_decide(init, tmp_path):
    items = [
        line(SHOP, 95.0, "shop"),
        line(SHOP, 0.0, "shop", line_item_line_item_type="DiscountedUsage"),
    ]
    code, said = init(write_report(tmp_path / "cur", items), tmp_path / "mine")
    assert code == DONE
    asked = "cost_basis: decide, because amortized cost of DiscountedUsage needs reservation_effective_cost"
    assert asked in said.split("To enter before 2026-05 can close: 2 things")[1].split("\n\n")[0]
    assert read_params(tmp_path / "mine", PERIOD).policy.cost_basis == "amortized"
    text = (tmp_path / "mine" / "policy.toml").read_text()
    lacks = "columns of amortized cost: DiscountedUsage needs reservation_effective_cost"
    assert f"# Decide, for the export lacks {lacks}\n" in text


def test_discounts_in_columns_are_told_of_beside_the_sum(init, tmp_path):
    items = [line(SHOP, 100.0, "shop", line_item_net_unblended_cost=90.0)]
    said = init(write_report(tmp_path / "cur", items), tmp_path / "mine")[1]
    assert "line items sum to 100.00 USD, net of discounts in columns to 90.00" in said


@pytest.mark.parametrize(
    "column, tags, key",
    [
        (
            "tags",
            {"resourceTags/CostCenter": "a", "accountTag/team": "b"},
            "tags:resourceTags/CostCenter",
        ),
        ("cost_category", {"team": "a"}, "cost_category:team"),
    ],
)
def test_keys_of_other_maps_are_named_by_their_map(column, tags, key, init, tmp_path):
    report = write_report(
        tmp_path / "cur", [line(SHOP, 9.0, **{column: tags})], without=["resource_tags"]
    )
    assert init(report, tmp_path / "mine")[0] == DONE
    assert read_params(tmp_path / "mine", PERIOD).policy.cost_center_tags == (key,)


@pytest.mark.parametrize("layout", ["csv", "parquet"])
def test_the_legacy_report_is_read_too(layout, init, tmp_path):
    report = write_legacy(write_company(tmp_path / "cur"), tmp_path / "legacy", PERIOD, layout)
    assert init(report, tmp_path / "mine")[0] == DONE
    assert len(read_params(tmp_path / "mine", PERIOD).accounts) == 3


def test_several_exports_are_one_company(init, tmp_path):
    write_report(tmp_path / "cur" / "one", [line(SHOP, 9.0, "shop")])
    write_report(tmp_path / "cur" / "two", [line(DATA, 5.0, "data", bill_invoice_id="2000000001",
                                                 bill_payer_account_id=DATA)])  # fmt: skip
    code, said = init(tmp_path / "cur", tmp_path / "mine")
    assert code == DONE, said
    assert rows(tmp_path / "mine", "invoices.csv", "invoice_id") == [(INVOICE,), ("2000000001",)]


HOSTILE = [
    '"', "'", "a,b", "a\nb", "x = 1 # ]", '"""', "\\", "\\u0041", "=cmd|' /C calc'!A0", "+1", "@SUM(A1)",
    "[[pool]]", "\nvalid_from = \"1\"", "\u202egnp.exe", "\x00", "\x1b[31m", "\u2028", "${period}", "%s{0}",
    "日本語", "a" * 300, " lead", "trail ", "#", "untagged", "tax", "company", "commitments", "\x7f", "\x85",
    "CON", "../../etc", "null",
]  # fmt: skip


def test_hostile_names_tags_and_keys_stay_what_they_are(init, tmp_path):
    """Every text that comes from the report, in every place of it at once."""
    items = []
    for number, text in enumerate(HOSTILE):
        cells = {"line_item_usage_account_name": text, "bill_invoicing_entity": text}
        items.append(
            line(SHOP, 10.0 + number, text, **cells, line_item_usage_account_id=f"{number:012}")
        )
        items.append(line(SHOP, 1.0, line_item_product_code=f"Support {text}"))
        items.append(line(SHOP, 1.0, resource_tags={f"user_team{text}": "v", text: text}))
    code, said = init(write_report(tmp_path / "cur", items), tmp_path / "mine")
    assert code == DONE, said
    assert "\x1b" not in said and "\u202e" not in said and "\x00" not in said
    params = read_params(tmp_path / "mine", PERIOD)
    assert params.policy.cost_center_tags == ("user_team",)
    assert [one.pool_id for one in params.pools] == ["aws-support", "untagged"]
    assert set(params.pools[0].match["product_code"]) == {
        f"Support {text}"
        for text in HOSTILE
        if text != "\0"  # which params refuse
    }
    assert len(params.accounts) == len(HOSTILE) + 1
    reader = params.tag_reader
    named = {text: reader.read("user_team", text).cost_center_id for text in HOSTILE}
    owned = [one for one in named.values() if one]
    assert len(set(owned)) == len(owned) == 15
    for text in ("\n", "=", "+", "@", "\u202e", "\x00", "\x1b"):
        assert not any(
            one and text in alias for alias, one in named.items() if alias.startswith(text)
        )
    # What a spreadsheet opens holds no formula, and no cell runs over a line.
    for path in (tmp_path / "mine").glob("*.csv"):
        for row in path.read_text(encoding="utf-8").splitlines()[1:]:
            assert not row.startswith(("=", "+", "@")) and "\t" not in row
    for name in ("policy.toml", "allocation.toml"):
        text = (tmp_path / "mine" / name).read_text(encoding="utf-8")
        assert not set(text) & set("\x00\x1b\x7f\x85\u2028\u202e")


def test_money_is_not_invented(init, tmp_path):
    """Every amount that init writes stands in a comment: what a total is, only a PDF says."""
    init(write_company(tmp_path / "cur"), tmp_path / "mine")
    for path in (tmp_path / "mine").iterdir():
        for text in path.read_text(encoding="utf-8").splitlines():
            if not text.startswith("#"):
                assert "1150" not in text and "1,150" not in text
    assert read_params(tmp_path / "mine", PERIOD).policy.invoice_rounding_limit == Decimal("1.00")
