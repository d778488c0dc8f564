"""viewers.toml: who sees whose cost; what is granted, what is refused, and that nothing is seen by default."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback import cli
from chargeback.core.errors import BAD_USAGE, Refusal, keeping
from chargeback.core.paths import PARAMS
from chargeback.params.viewers import (
    AUDITOR,
    FINANCE,
    FINOPS,
    ROLES,
    VIEWER,
    Grant,
    Sight,
    Viewers,
    read_viewers,
)
from tests.params_folder import write_params

SHOP = 'business_units = ["shop"]'


def entry(group: str = "g", role: str = "viewer", sees: str = SHOP, **more: str) -> str:
    """One [[viewer]]; a keyword replaces or adds a line."""
    lines = {
        "group": f'group = "{group}"', "role": f'role = "{role}"', "sees": sees,
        "valid_from": 'valid_from = "2026-01"', "approved": 'approved = "CHG1"', **more,
    }  # fmt: skip
    return "[[viewer]]\n" + "\n".join(lines.values()) + "\n"


def written(folder: Path, *entries: str) -> Path:
    """A params folder with this policy; its units are shop (CC-1, CC-2) and core (CC-9)."""
    return write_params(folder, viewers_toml="\n".join(entries))


def read(folder: Path, *entries: str, period: str = "2026-05") -> Viewers:
    """The policy as it holds in a month."""
    return read_viewers(written(folder, *entries), period)


def refused(folder: Path, *entries: str) -> Refusal:
    """What the policy is refused with."""
    with pytest.raises(Refusal) as found:
        read(folder, *entries)
    assert found.value.exit_code == BAD_USAGE
    return found.value


def test_nobody_sees_anything_without_the_file(tmp_path):
    viewers = read_viewers(write_params(tmp_path), "2026-05")
    assert viewers == Viewers()
    assert viewers.sight(["g", "finops-team"]).nothing
    assert not viewers.sight(["g"]).covers("shop", "CC-1")
    assert not viewers.sight(["g"]).covers(None, None)


@pytest.mark.parametrize("groups", [[], ["other"], ["G"], ["g "], [""]])
def test_no_group_that_is_named_sees_nothing(groups, tmp_path):
    sight = read(tmp_path, entry("g", sees="all = true")).sight(groups)
    assert sight.nothing and not sight.everything
    assert not sight.covers("shop", "CC-1")


def test_a_unit_is_all_that_is_charged_to_it_whatever_the_cost_center(tmp_path):
    sight = read(tmp_path, entry()).sight(["g"])
    # A cost center that moved: what the unit paid for it stays with the unit.
    assert sight.covers("shop", "CC-1") and sight.covers("shop", "CC-9")
    assert not sight.covers("core", "CC-1")
    assert not sight.covers(None, None) and not sight.covers(None, "CC-1")
    assert sight.sees_unit("shop") and not sight.sees_unit("core")


def test_a_cost_center_is_seen_in_every_unit_that_it_was_in_and_is_no_unit(tmp_path):
    sight = read(tmp_path, entry(sees='cost_centers = ["CC-1"]')).sight(["g"])
    assert sight.covers("shop", "CC-1") and sight.covers("core", "CC-1")
    assert not sight.covers("shop", "CC-2")
    assert not sight.sees_unit("shop")


def test_all_is_what_nobody_is_charged_as_well(tmp_path):
    sight = read(tmp_path, entry(role="auditor", sees="all = true")).sight(["g"])
    assert sight.everything and sight.covers(None, None) and sight.covers("core", "CC-9")
    assert sight.sees_all_as(AUDITOR) and not sight.sees_all_as(FINANCE, FINOPS)


def test_groups_together_see_what_each_of_them_sees(tmp_path):
    viewers = read(
        tmp_path, entry("a"), entry("b", sees='cost_centers = ["CC-9"]'), entry("c", sees="all = true")
    )  # fmt: skip
    both = viewers.sight(["a", "b", "nobody's"])
    assert [both.covers(*one) for one in (("shop", "CC-1"), ("core", "CC-9"), ("core", "CC-8"))] == [
        True, True, False,
    ]  # fmt: skip
    assert viewers.groups == ("a", "b", "c")


def test_a_group_may_have_several_entries(tmp_path):
    viewers = read(tmp_path, entry("a"), entry("a", role="finops", sees="all = true"))
    assert len(viewers.sight(["a"]).grants) == 2
    assert viewers.groups == ("a",)


@pytest.mark.parametrize(
    ("dates", "seen"),
    [
        ({"valid_from": 'valid_from = "2026-05"'}, True),
        ({"valid_from": 'valid_from = "2026-06"'}, False),
        ({"valid_to": 'valid_to = "2026-05"'}, True),
        ({"valid_to": 'valid_to = "2026-04"'}, False),
    ],
)
def test_a_grant_holds_in_its_months_both_ends_among_them(dates, seen, tmp_path):
    assert read(tmp_path, entry(**dates)).sight(["g"]).covers("shop", "CC-1") is seen


@pytest.mark.parametrize(
    ("role", "answers"), [(VIEWER, True), (FINANCE, True), (FINOPS, False), (AUDITOR, False)]
)
def test_who_sees_a_unit_as_viewer_or_finance_answers_for_it(role, answers):
    sight = Sight((Grant("g", role, ("shop",)),))
    assert sight.answers_for("shop") is answers
    assert not sight.answers_for("core")
    assert not Sight((Grant("g", role, cost_centers=("CC-1",)),)).answers_for("shop")


def test_names_that_stand_twice_count_once(tmp_path):
    [grant] = read(tmp_path, entry(sees='business_units = ["shop", "shop"]')).grants
    assert grant.business_units == ("shop",)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (entry("  "), "the key 'group' is empty"),
        (entry(" g"), "a group is no name of one"),
        (entry("a\\u0009b"), "a group is no name of one"),
        (entry("a\\u2028b"), "a group is no name of one"),
        (entry(role="admin"), "this role does not exist"),
        (entry(sees="all = false"), "it is not clear what a group sees"),
        (entry(sees='all = "true"'), "it is not clear what a group sees"),
        (entry(sees=""), "it is not clear what a group sees"),
        (entry(sees="business_units = []"), "it is not clear what a group sees"),
        (entry(sees='all = true\ncost_centers = ["CC-1"]'), "it is not clear what a group sees"),
        (entry(sees='business_units = "shop"'), "business_units must be a list of texts"),
        (entry(sees='business_units = ["*"]'), "a group sees an unknown business unit"),
        (entry(sees='business_units = [""]'), "a group sees an unknown business unit"),
        (entry(sees='cost_centers = ["shop"]'), "a group sees an unknown cost center"),
        (entry(approved='approved = ""'), "the key 'approved' is empty"),
        (entry(approved=""), "the key 'approved' is missing"),
        (entry(unit='unit = "shop"'), "unknown key 'unit'"),
        (entry(valid_from=""), "the key 'valid_from' is missing"),
        ("[viewer]\n", "viewers.toml must hold [[viewer]] tables"),
        ("[[viewers]]\n", "unknown key 'viewers'"),
        ("[[viewer]]\ngroup = g\n", "viewers.toml is not readable TOML"),
    ],
)
def test_what_is_no_policy_is_refused(text, what, tmp_path):
    assert refused(tmp_path, text).what == what


def test_a_wrong_month_is_refused(tmp_path):
    assert "2026-13" in refused(tmp_path, entry(valid_from='valid_from = "2026-13"')).block()
    assert refused(tmp_path, entry(valid_to='valid_to = "2025-01"'))


def test_a_refusal_names_file_line_and_group(tmp_path):
    found = refused(tmp_path, entry("first"), entry("second", role="wiewer"))
    assert found.where == ["viewers.toml line 8, viewer 2 (second)"]
    assert found.todo == ["did you mean 'viewer'?"]


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    folder = written(
        tmp_path, entry("a", role="x"), entry("b", sees="all = 1"), entry(sees='cost_centers = ["CC-7"]')
    )  # fmt: skip
    with keeping() as found:
        read_viewers(folder, "2026-05")
    assert [one.what for one in found] == [
        "this role does not exist", "it is not clear what a group sees", "a group sees an unknown cost center",
    ]  # fmt: skip


def test_a_retired_cost_center_may_be_seen(tmp_path):
    folder = write_params(
        tmp_path, viewers_toml=entry(sees='cost_centers = ["CC-8"]'),
        cost_centers_csv=(
            "cost_center_id,name,business_unit_id,valid_from,valid_to\nCC-1,Web,shop,2026-01,\n"
            "CC-9,Platform,core,2026-01,\nCC-8,Old,core,2025-01,2025-12\n"
        ),
    )  # fmt: skip
    assert read_viewers(folder, "2026-05").sight(["g"]).covers("core", "CC-8")


def test_the_policy_of_the_sample_is_read_and_grants_each_unit_s_group_its_unit():
    viewers = read_viewers(PARAMS, "2026-05")
    assert viewers.sight(["finops-claims"]).sees_unit("claims")
    assert not viewers.sight(["finops-claims"]).sees_unit("members")
    assert viewers.sight(["internal-audit"]).everything


def test_nothing_of_it_is_part_of_what_a_close_decides_by(tmp_path):
    from chargeback.params import FILES

    assert "viewers.toml" not in FILES


ROWS = st.tuples(st.sampled_from([None, "a", "b"]), st.sampled_from([None, "1", "2"]))
GRANTS = st.builds(
    Grant, st.sampled_from(["g", "h"]), st.sampled_from(ROLES),
    st.sets(st.sampled_from(["a", "b"])).map(tuple), st.sets(st.sampled_from(["1", "2"])).map(tuple),
    st.booleans(),
)  # fmt: skip


@given(st.lists(GRANTS).map(tuple), ROWS)
def test_more_groups_see_no_less_and_together_what_each_sees(grants, row):
    viewers = Viewers(grants)
    alone = [viewers.sight([one]).covers(*row) for one in ("g", "h")]
    assert viewers.sight(["g", "h"]).covers(*row) is any(alone)
    assert not viewers.sight([]).covers(*row)


@pytest.fixture
def check(tmp_path, capsys):
    """Runs check-params on a report that closes; returns exit code and what it said."""
    from tests.params_folder import added
    from tests.reports import PERIOD, line_item, write_report

    report = write_report(tmp_path / "cur", [line_item(95.0, "CC-1")])

    def run(**files: str) -> tuple[int, str]:
        invoice = added("invoices.csv").replace("100.00", "95.00")
        folder = write_params(tmp_path / "params", invoices_csv=invoice, **files)
        code = cli.main(["check-params", PERIOD, "--cur", str(report), "--params", str(folder)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_check_params_says_what_is_wrong_in_it_with_the_rest(check):
    code, said = check(viewers_toml=entry(role="x") + entry(sees='cost_centers = ["CC-7"]'))
    assert code == BAD_USAGE
    assert "2 things are wrong in these params" in said
    assert "this role does not exist" in said and "a group sees an unknown cost center" in said


def test_check_params_says_that_nobody_sees_anything(check):
    code, said = check()
    assert code == 0
    assert "  viewers      no group sees anything: viewers.toml is not there\n" in said
    _, said = check(viewers_toml=entry(valid_from='valid_from = "2027-01"'))
    assert "viewers.toml grants nothing in this month" in said


def test_check_params_names_groups_of_the_register_that_do_not_see_their_unit(check):
    # The register has the groups shop and core; shop is granted its unit, core another one.
    code, said = check(viewers_toml=entry("shop") + entry("core"))
    assert code == 0
    assert "  viewers      2 groups of the identity provider see something\n" in said
    assert "business_units.csv line 3: core does not see core by viewers.toml" in said
    assert "shop does not see" not in said
    _, said = check(viewers_toml=entry("shop") + entry("core", sees="all = true"))
    assert "does not see" not in said
