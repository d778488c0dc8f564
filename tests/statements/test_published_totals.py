"""Which totals statements print, what they say of those that finance keeps, and what is read back."""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.money import shown
from chargeback.engine import Engine
from chargeback.engine.controls import ISOLATION, run_group
from chargeback.ledger.invoices import DeferredInvoice
from chargeback.params import read_params
from chargeback.params.published_totals import ALL, NONE, PROTECTED, SHARES
from chargeback.params.ratification import rules_digest
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.foreign import kept_totals
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.isolation import CHARGED_TOTAL, invoice_total, pool_total
from chargeback.statements.lines import write_lines
from chargeback.statements.model import Statement
from chargeback.statements.read_back import read_statements
from chargeback.statements.sections import head, invoices, shared
from chargeback.statements.seen_totals import totals_shown
from tests.params_folder import ALWAYS, accepted, write_params
from tests.statements.estate import PERIOD, UNITS, business, estate
from tests.statements.rendered import OWN, Rendered, write_embedded

UNTAGGED, SUPPORT = pool_total("untagged"), pool_total("aws-support")


def units(*names: str) -> dict[str, tuple[str, list[str]]]:
    return {name: UNITS[name] for name in names}


def statements(inputs: StatementInputs) -> dict[str, Statement]:
    return extract_units(inputs, read_charges(inputs))


def uncorrected(inputs: StatementInputs, **more: Any) -> StatementInputs:
    """Without corrections, so that the one invoice is all that there is."""
    rows = [row for row in inputs.postings.to_pylist() if not row["original_period"]]
    table = type(inputs.postings).from_pylist(rows, schema=inputs.postings.schema)
    return replace(inputs, postings=table, restated=[], **more)


# --- what is chosen ------------------------------------------------------------------------------


def test_a_pool_that_tells_with_an_earlier_one_is_kept_and_the_others_are_printed():
    """Support less untagged is what corporate spends directly: who sees both is told."""
    found = statements(estate())["claims"]
    by_id = {one.pool_id: one for one in found.pools}
    assert [one.pool_id for one in found.pools if one.is_kept] == ["untagged"]
    assert (by_id["untagged"].total_weight, by_id["untagged"].pool_total) == (None, None)
    assert by_id["aws-support"].total_weight == sum(
        (one.direct for unit in statements(estate()).values() for one in unit.cost_centers),
        Decimal(0),
    )
    assert all(one.pool_total is not None for one in found.pools if not one.is_kept)


def test_the_figures_of_the_example_by_hand():
    """All: support's weights are everybody's direct cost, and untagged's everybody's but corporate's."""
    all_printed = statements(replace(estate(), published_totals=ALL))
    pools = {one.pool_id: one for one in all_printed["claims"].pools}
    support, untagged = pools["aws-support"].total_weight, pools["untagged"].total_weight
    assert support is not None and untagged is not None
    assert support - untagged == all_printed["corporate"].direct.total
    # What is printed by default does not have the second number, nor what it follows from.
    kept = {one.pool_id: one for one in statements(estate())["claims"].pools}["untagged"]
    said = "".join(part.markdown() for part in sections_of(statements(estate())["claims"]))
    total = pools["untagged"].pool_total
    assert total is not None and shown(untagged) not in said and shown(total) not in said
    assert kept.weight == pools["untagged"].weight and kept.amount == pools["untagged"].amount
    assert shown(kept.amount) in said and shown(kept.weight) in said


def sections_of(statement: Statement) -> list[Any]:
    return [head(statement), shared(statement), invoices(statement)]


def test_of_two_units_no_total_is_printed_but_of_equal_parts():
    inputs = uncorrected(estate(business(units("claims", "corporate"))))
    for unit_id, one in statements(inputs).items():
        kept = {pool.pool_id for pool in one.pools if pool.is_kept}
        assert (
            kept
            == {
                "claims": {"aws-support", "shared-network"},
                "corporate": {"aws-support", "shared-network"},
            }[unit_id]
        )
        assert one.tie_out.charged is None and one.tie_out.invoiced is None
        assert one.tie_out.invoices == () and one.tie_out.others is None
        assert one.tie_out.difference == 0 and one.tie_out.kept == 1
        said = invoices(one).markdown()
        assert "tie: the difference is 0.00 USD. Finance keeps the two totals." in said
        assert "In this statement they would tell the figure of one other unit." in said
        other = [each.total for key, each in statements(inputs).items() if key != unit_id]
        assert all(shown(total + one.total) not in said for total in other)


def test_an_invoice_that_touches_one_unit_is_shown_with_the_others_only():
    """The corrections of April are claims' and, in one part, corporate's too."""
    found = statements(estate())["pharmacy"].tie_out
    assert found.charged is not None and found.invoiced is not None
    assert (found.invoices, found.changes, found.others, found.kept) == ((), (), None, 3)
    assert found.invoiced.total == found.charged
    inputs = uncorrected(estate())
    found = statements(inputs)["pharmacy"].tie_out
    assert [one.invoice_id for one in found.invoices] == ["INV-2026-05-1"] and found.kept == 0


def test_what_is_kept_of_several_invoices_stands_in_one_row():
    inputs = uncorrected(estate())
    rows = inputs.postings.to_pylist()
    of_one = next(
        row for row in rows if row["business_unit_id"] == "data" and row["kind"] == "direct"
    )
    other = {**of_one, "entry_id": "x", "invoice_id": "INV-M", "amount": Decimal("77.70")}
    third = {**of_one, "entry_id": "y", "invoice_id": "INV-N", "amount": Decimal("11.10")}
    member = next(
        row for row in rows if row["business_unit_id"] == "member" and row["kind"] == "direct"
    )
    fourth = {**member, "entry_id": "z", "invoice_id": "INV-N", "amount": Decimal("22.20")}
    digital = next(
        row for row in rows if row["business_unit_id"] == "digital" and row["kind"] == "direct"
    )
    fifth = {**digital, "entry_id": "q", "invoice_id": "INV-N", "amount": Decimal("33.30")}
    table = type(inputs.postings).from_pylist(
        [*rows, other, third, fourth, fifth], schema=inputs.postings.schema
    )
    [tie] = inputs.invoices
    more = [
        replace(
            tie,
            invoice_id="INV-M",
            total=Decimal("77.70"),
            rows_total=Decimal("77.70"),
            rounding=Decimal(0),
        ),
        replace(
            tie,
            invoice_id="INV-N",
            total=Decimal("66.60"),
            rows_total=Decimal("66.60"),
            rounding=Decimal(0),
        ),
    ]
    one = statements(replace(inputs, postings=table, invoices=[tie, *more]))["claims"]
    # INV-M is data's alone. With the total and INV-N, the large one would tell it, so it is kept as well.
    shown_ids = [each.invoice_id for each in one.tie_out.invoices]
    assert "INV-M" not in shown_ids and len(shown_ids) == 1 and one.tie_out.kept == 2
    said = invoices(one).markdown()
    assert "2 more, which finance keeps together" in said
    assert "77.70" not in said.replace(shown(one.total), "")
    assert one.tie_out.others is not None and one.tie_out.invoiced is not None
    known = sum((each.total for each in one.tie_out.invoices), one.tie_out.others.total)
    assert known == one.tie_out.invoiced.total == one.tie_out.charged


def test_policy_none_prints_no_total_and_all_prints_every_one():
    none = statements(uncorrected(estate(), published_totals=NONE))["claims"]
    assert all(one.is_kept and one.total_weight is None for one in none.pools) and none.steps == ()
    assert none.tie_out.charged is None
    said = "".join(one.markdown() for one in sections_of(none))
    assert "All weights" not in said and "Pool total" not in said
    assert "it keeps the totals of the pools" in said and "would tell the figure" not in said
    everything = statements(uncorrected(estate(), published_totals=ALL))["claims"]
    assert not any(one.is_kept for one in everything.pools)
    assert everything.tie_out.charged is not None and everything.tie_out.kept == 0


def test_a_draft_without_invoice_says_what_all_are_charged_unless_it_tells():
    def said(*names: str) -> str:
        inputs = uncorrected(estate(business(units(*names)), provisional=True, periods=()))
        return invoices(statements(inputs)["claims"]).markdown()

    assert "All business units together are charged" in said("claims", "pharmacy", "corporate")
    assert "Finance keeps what all business units together are charged." in said(
        "claims", "corporate"
    )


def test_what_a_left_invoice_comes_to_is_not_printed_before_it_is_known_whose_it_is():
    left = DeferredInvoice("INV-9", "2026-06", "CHG1", "controller", Decimal("-20.004"))
    protected = statements(replace(estate(), deferred=[left]))["claims"]
    said = invoices(protected).markdown()
    assert "The invoice INV-9 is left to June 2026" in said and "20.00 USD" not in said
    everything = statements(replace(estate(), deferred=[left], published_totals=ALL))["claims"]
    assert "The invoice INV-9, −20.00 USD, is left to June 2026" in invoices(everything).markdown()


# --- policy.toml ---------------------------------------------------------------------------------


def test_the_policy_is_protected_where_nothing_else_is_said(tmp_path):
    policy = ALWAYS["policy.toml"]
    plain = read_params(write_params(tmp_path / "plain"), PERIOD)
    said = read_params(
        write_params(tmp_path / "said", policy_toml=policy + 'published_totals = "protected"\n'),
        PERIOD,
    )
    assert plain.policy.published_totals == said.policy.published_totals == PROTECTED
    assert rules_digest(plain) == rules_digest(said)
    everything = read_params(
        write_params(tmp_path / "all", policy_toml=policy + 'published_totals = "all"\n'), PERIOD
    )
    assert everything.policy.published_totals == ALL
    assert rules_digest(everything) != rules_digest(plain), "a council decides what is told"


def test_a_choice_that_there_is_not_is_refused(tmp_path):
    policy = ALWAYS["policy.toml"] + 'published_totals = "some"\n'
    with pytest.raises(Refusal) as stopped:
        read_params(write_params(tmp_path, policy_toml=policy), PERIOD)
    assert stopped.value.exit_code == BAD_USAGE and "published_totals" in str(stopped.value)


def test_a_choice_may_be_dated(tmp_path):
    when = 'valid_from = "2026-03", valid_to = "2026-04", approved = "CHG1"'
    dated = f'published_totals = [{{ value = "none", {when} }}]\n'
    folder = write_params(tmp_path, policy_toml=ALWAYS["policy.toml"] + dated)
    found = [read_params(folder, one).policy.published_totals for one in ("2026-04", "2026-05")]
    assert found == [NONE, PROTECTED]


# --- what is read back ---------------------------------------------------------------------------


def isolated(made: Rendered, acceptances: str = "") -> list[dict[str, Any]]:
    """What the control returns of finished statements."""
    engine = Engine(threads=1)
    for name, table in read_statements(made.folder, made.inputs).items():
        engine.register(name, table)
    outcomes = {one.name: one for one in run_group(engine, "statements", params=NoneAccepted())}
    engine.close()
    rows: list[dict[str, Any]] = outcomes[ISOLATION].rows.to_pylist()
    return rows


class NoneAccepted:
    """Params that accept nothing."""

    def accepted(self, _: str) -> dict[str, Any]:
        return {}


def test_what_is_read_back_is_what_was_published(rendered: Rendered):
    published = read_charges(rendered.inputs).published
    security, network = pool_total("security"), pool_total("shared-network")
    assert totals_shown(rendered.folder, rendered.inputs, "claims") == {
        SUPPORT, network, security, CHARGED_TOTAL,
    }  # fmt: skip
    assert totals_shown(rendered.folder, rendered.inputs, "claims") <= published.totals
    assert totals_shown(rendered.folder, rendered.inputs, "innovation") == {CHARGED_TOTAL}
    assert isolated(rendered) == []


def test_a_draft_and_hostile_names_are_read_back_too(hostile: Rendered):
    published = read_charges(hostile.inputs).published
    for unit_id in hostile.units:
        assert totals_shown(hostile.folder, hostile.inputs, unit_id) <= published.totals
    assert CHARGED_TOTAL in totals_shown(hostile.folder, hostile.inputs, hostile.units[0])
    assert isolated(hostile) == []


def test_a_weight_in_the_csv_that_should_be_kept_is_found(altered: Rendered):
    path = altered.file("claims", "csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["pool_id"] == "untagged":
            assert row["total_weight"] == "" and row["weight"] != ""
            row["total_weight"] = "123.45"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    [found] = [row for row in isolated(altered) if row["isolated_unit_id"] == "corporate"]
    assert found["business_unit_id"] == "claims"
    assert (found["figures"], found["totals"]) == ("direct_spend", f"{SUPPORT}, {UNTAGGED}")


@pytest.mark.parametrize("column", [1, 2, 3])
def test_a_total_on_the_page_that_should_be_kept_is_found(altered: Rendered, column: int):
    """All weights, the share and the pool's total tell the same, so any of them does."""
    path = altered.file("claims", "html")
    before, mark, after = path.read_text(encoding="utf-8").partition(">untagged<")
    pieces = after.split(">kept<")
    assert mark and len(pieces) == 4
    pieces[column - 1] += ">45.67%<" if column == 2 else ">123.45<"
    others = [">kept<" if place != column else "" for place in (1, 2, 3)]
    text = "".join(piece + other for piece, other in zip(pieces, [*others, ""], strict=True))
    path.write_text(before + mark + text, encoding="utf-8")
    assert {row["business_unit_id"] for row in isolated(altered)} == {"claims"}
    assert "corporate" in {row["isolated_unit_id"] for row in isolated(altered)}


def test_an_invoice_on_the_page_that_should_be_kept_is_found(altered: Rendered):
    altered.edit(
        "pharmacy", "html",
        ("<bdi>AWS invoiced</bdi>", '<bdi>Amazon</bdi><span class="sub"><bdi>INV-2026-05-1</bdi></span>'),
    )  # fmt: skip
    assert invoice_total("INV-2026-05-1") in totals_shown(
        altered.folder, altered.inputs, "pharmacy"
    )


def test_statements_that_print_all_break_the_control_unless_those_told_of_agree(tmp_path):
    """Two units with a cost center each."""
    made = estate(
        business({"a": ("Ann", ["Web"]), "b": ("Bob", ["Cloud commitments"])}), periods=()
    )
    inputs = uncorrected(made, published_totals=ALL)
    folder, notebooks = tmp_path / "statements", tmp_path / "notebooks"
    folder.mkdir()
    write_embedded(inputs, folder, notebooks)
    found = isolated(Rendered(inputs, folder, notebooks))
    assert [(row["business_unit_id"], row["isolated_unit_id"]) for row in found] == [
        ("a", "b"),
        ("b", "a"),
    ]
    params = read_params(
        write_params(
            tmp_path / "params", acceptances_csv=accepted(statements_isolate_no_unit="a b")
        ),
        PERIOD,
    )
    engine = Engine(threads=1)
    for name, table in read_statements(folder, inputs).items():
        engine.register(name, table)
    [outcome] = [
        one for one in run_group(engine, "statements", params=params) if one.name == ISOLATION
    ]
    engine.close()
    assert outcome.holds and [one.subject for one in outcome.accepted] == ["b", "a"]


@pytest.mark.parametrize("medium", ["html", "pdf"])
def test_an_amount_that_finance_keeps_is_found_in_any_text(altered: Rendered, medium: str):
    """Where nobody is named, and in the PDF alone too; a total that is printed may be in any text."""
    charges = read_charges(altered.inputs)
    untagged, support = charges.pools["untagged"].amount, charges.pools["aws-support"].amount
    said = "All amounts are in USD, at amortized cost."
    says = f"{said} {shown(untagged)}, {shown(support)}, {shown(charges.total)}"
    if medium == "html":
        altered.edit("claims", "html", (said, says))
    else:
        altered.set_pdf("claims", (said, says))
    assert [tuple(row.values()) for row in altered.broken()[OWN]] == [
        ("claims", medium, "total of the pool untagged", shown(untagged))
    ]


def test_what_is_kept_of_two_units_is_looked_for():
    """The company's total, and those of all pools that are not of equal parts."""
    charges = read_charges(estate(business(units("claims", "pharmacy"))))
    assert kept_totals(charges) == {
        "the pool aws-support": charges.pools["aws-support"].amount,
        # 1,234.56 of it is passed on to a later pool.
        "what cost centers pay of the pool aws-support": charges.pools["aws-support"].amount
        - Decimal("1234.56"),
        "the pool shared-network": charges.pools["shared-network"].amount,
        "the pool untagged": charges.pools["untagged"].amount,
        "all business units": charges.total,
    }


# --- shares only ---------------------------------------------------------------------------------


def test_shares_only_prints_the_rounded_share_of_what_would_be_printed_and_no_weight():
    protected = statements(uncorrected(estate()))
    for unit_id, one in statements(uncorrected(estate(), published_totals=SHARES)).items():
        full = {pool.pool_id: pool for pool in protected[unit_id].pools}
        said = "".join(part.markdown() for part in sections_of(one))
        for pool in one.pools:
            before = full[pool.pool_id]
            assert (pool.weight, pool.total_weight, pool.pool_total) == (None, None, None)
            assert pool.is_kept == before.is_kept and pool.amount == before.amount
            if before.is_kept or before.total_weight is None:
                assert pool.share is None
                continue
            assert pool.share is not None and before.weight is not None
            exact = before.weight / before.total_weight
            assert abs(pool.share - exact) <= Decimal("0.0005")
            assert pool.share == pool.share.quantize(Decimal("0.001"))
            assert f"{100 * pool.share:.1f}%" in said
            assert before.pool_total is not None and shown(before.pool_total) not in said
            if before.allocation_key == "direct_spend":
                assert shown(before.total_weight) not in said
        assert one.tie_out.charged is None and one.tie_out.invoices == () and one.steps == ()
        assert "All weights" not in said and "Your weight" not in said
        assert "rounded to a tenth of a percent" in said or not one.pools


def test_of_two_units_shares_only_prints_the_share_of_equal_parts_alone():
    """Of two, the rest of a share is the other's."""
    inputs = uncorrected(estate(business(units("claims", "corporate"))), published_totals=SHARES)
    shares = {
        pool.pool_id for one in statements(inputs).values() for pool in one.pools if pool.share
    }
    assert shares == {"security", "untagged"}, "untagged is claims' alone: its share is all of it"


def test_shares_only_leaves_weights_out_of_the_csv(tmp_path):
    inputs = replace(estate(), published_totals=SHARES)
    write_lines(inputs, read_charges(inputs), "claims", tmp_path / "statement.csv")
    with (tmp_path / "statement.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["weight"], row["total_weight"]) for row in rows} == {("", "")}
    assert any(row["kind"] == "allocated" for row in rows)


def test_a_share_that_is_kept_is_found_on_the_page(tmp_path, altered: Rendered):
    inputs = replace(altered.inputs, published_totals=SHARES)
    folder, notebooks = tmp_path / "shares", tmp_path / "notebooks"
    folder.mkdir()
    write_embedded(inputs, folder, notebooks)
    made = Rendered(inputs, folder, notebooks)
    assert not any(made.broken().values()), "all controls on statements hold"
    assert totals_shown(folder, inputs, "claims") == read_charges(inputs).published.shares - {
        UNTAGGED
    }
    path = made.file("claims", "html")
    before, mark, after = path.read_text(encoding="utf-8").partition(">untagged<")
    assert mark and ">kept<" in after
    path.write_text(before + mark + after.replace(">kept<", ">45.6%<", 1), encoding="utf-8")
    assert "corporate" in {row["isolated_unit_id"] for row in isolated(made)}


def test_weights_is_another_word_for_protected_and_shares_are_ratified(tmp_path):
    policy = ALWAYS["policy.toml"]
    plain, weights, shares = (
        read_params(write_params(tmp_path / name, policy_toml=policy + more), PERIOD)
        for name, more in (
            ("plain", ""),
            ("weights", 'published_totals = "weights"\n'),
            ("shares", 'published_totals = "shares"\n'),
        )
    )
    assert weights.policy.published_totals == PROTECTED and shares.policy.published_totals == SHARES
    assert rules_digest(weights) == rules_digest(plain) != rules_digest(shares)
