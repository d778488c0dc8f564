"""What an installation consists of may be handed on by a company, and the page says under which licences."""

from __future__ import annotations

from tests.licences.listed import PAGE, allowed, licence_of, packages, page, parts


def test_every_package_of_an_installation_may_be_handed_on():
    found = {one: licence_of(one) for one in packages()}
    assert len(found) > 100
    others = {one: licence for one, licence in found.items() if not parts(licence) <= allowed()}
    assert not others


def test_a_package_that_only_tests_may_have_would_be_found():
    for one in ("beancount", "beanquery"):
        assert one in packages("requirements-dev.lock")
        assert not parts(licence_of(one)) <= allowed()


def test_an_expression_is_taken_apart():
    assert parts("(MIT OR Apache-2.0) AND BSD-3-Clause") == {"MIT", "Apache-2.0", "BSD-3-Clause"}


def test_the_page_is_what_the_packages_state():
    """Written by `python -m tests.licences.listed`."""
    assert PAGE.read_text(encoding="utf-8") == page()
