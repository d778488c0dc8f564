"""How many examples a property is tried with: all it asks for, or a tenth while somebody is working.

    pytest --hypothesis-profile=dev

`make test` takes the profile `full`, which is also what pytest takes by itself; `make check` takes `dev`.
"""

from __future__ import annotations

from hypothesis import settings

FULL, LEAST = 100, 3

settings.register_profile("full", max_examples=FULL)
settings.register_profile("dev", max_examples=FULL // 10, deadline=None)


def examples(count: int) -> settings:
    """As many examples in the profile `full`, and in others their part of it; however long one takes."""
    part = -(-count * settings.default.max_examples // FULL)
    return settings(max_examples=max(min(count, LEAST), part), deadline=None)
