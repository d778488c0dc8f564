"""Groups that are cut short or elsewhere are never taken for all of them."""

from __future__ import annotations

from typing import Any

import pytest

from chargeback.portal.groups import UnknownGroups, read_groups


def test_groups_are_sorted_and_named_once():
    assert read_groups({"groups": ["b", "a", "b"]}, "groups") == ("a", "b")
    assert read_groups({"groups": []}, "groups") == ()
    assert read_groups({"roles": ["viewer"], "_claim_names": {"groups": "src1"}}, "roles") == (
        "viewer",
    )
    assert read_groups({"roles": ["viewer"], "hasgroups": True}, "roles") == ("viewer",)
    ids = [f"00000000-0000-0000-0000-{number:012}" for number in range(99)]
    assert read_groups({"groups": ids}, "groups") == tuple(ids)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        # Microsoft Entra, above 200 groups, in both of its ways.
        ({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}, "so many groups"),
        ({"_claim_names": {"groups": "src1"}, "groups": ["a"]}, "so many groups"),
        ({"hasgroups": True}, "so many groups"),
        ({"hasgroups": "true", "groups": ["a"]}, "so many groups"),
        ({"_claim_names": "groups"}, "so many groups"),
        # Okta, which stops at 100.
        ({"groups": [f"g{number}" for number in range(100)]}, "may not be all"),
        ({"groups": ["g"] * 100}, "may not be all"),
        ({}, "no claim 'groups'"),
        ({"groups": "finops-claims"}, "no list of names"),
        ({"groups": None}, "no list of names"),
        ({"groups": [1]}, "no list of names"),
        ({"groups": [["a"]]}, "no list of names"),
        ({"groups": [""]}, "no list of names"),
        ({"groups": ["g" * 257]}, "no list of names"),
        ({"groups": {"a": 1}}, "no list of names"),
    ],
)
def test_groups_that_cannot_be_told_are_refused(claims: dict[str, Any], said: str):
    with pytest.raises(UnknownGroups, match=said) as refused:
        read_groups(claims, "groups")
    assert len(refused.value.said) == 2, "what is wrong, and what to do"
