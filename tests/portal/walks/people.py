"""Who signs in on the walks."""

from __future__ import annotations

#: Who may sign in at the provider, by login.
PEOPLE = {
    "ann": {
        "name": "Ann Shop",
        "email": "ann@insurer.example",
        "groups": ["shop-people", "everybody"],
    },
    "carl": {"name": "Carl Core", "email": "carl@insurer.example", "groups": ["core-people"]},
    "fay": {"name": "Fay Finance", "email": "fay@insurer.example", "groups": ["finance"]},
    "nil": {"name": "Nil Nobody", "email": "nil@insurer.example", "groups": ["everybody"]},
}
