"""Frozen dataclasses as JSON text and back, in one form: what was read is what was written.

An object per dataclass with its fields in their order, a list per tuple, decimals as text with the
digits that they have. Floats have no place here, so that no amount can become another one on the
way. A field that a later version added (`LATER` in its metadata) is left out where it has its default, so
that what earlier versions wrote is read, and written again as it was.

    >>> @dataclass(frozen=True)
    ... class Share:
    ...     pool_id: str
    ...     amount: Decimal
    >>> text = to_json(Share("untagged", Decimal("10.50")))
    >>> text
    '{\\n "pool_id": "untagged",\\n "amount": "10.50"\\n}'
    >>> from_json(Share, text)
    Share(pool_id='untagged', amount=Decimal('10.50'))
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from json import JSONEncoder
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from chargeback.signing import LATER

Value = TypeVar("Value")

__all__ = ["LATER", "from_json", "to_json"]


def to_json(value: Any) -> str:
    """A dataclass of texts, whole numbers, truth values, decimals, None, tuples and dataclasses.

    Raises:
        TypeError: something else is in it, such as a float or a decimal that is no number.
    """
    return _text(value, "\n")


def from_json(kind: type[Value], text: str) -> Value:
    """The inverse of `to_json`.

    Args:
        kind: the dataclass; its type hints say what must be where.

    Raises:
        ValueError: the text is not what `to_json` writes; says where and what was expected.
    """
    value: Value = _read(kind, json.loads(text), (None, kind.__name__))
    if to_json(value) != text:
        raise ValueError(f"{kind.__name__} is not written in its one form")
    return value


#: A text in quotes, as `json.dumps` writes it.
_quoted = JSONEncoder(ensure_ascii=False).encode


def _text(value: Any, line: str) -> str:
    """A value as `json.dumps` with an indent of one writes it.

    Args:
        line: what a line of what it stands in begins with: a line break and blanks.
    """
    if value is None:
        return "null"
    kind: Any = type(value)
    if kind is str:
        return _quoted(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    within = line + " "
    if is_dataclass(value):
        parts = [
            f"{key}: {_text(part, within)}"
            for key, part in (
                (key, getattr(value, name))
                for key, name, later, default in _fields(kind)
                if not (later and getattr(value, name) == default)
            )
        ]
        return f"{{{within}{(',' + within).join(parts)}{line}}}" if parts else "{}"
    if isinstance(value, tuple):
        parts = [_text(one, within) for one in value]
        return f"[{within}{(',' + within).join(parts)}{line}]" if parts else "[]"
    if isinstance(value, Decimal) and value.is_finite():
        return f'"{value}"'
    raise TypeError(f"{value!r} has no exact form in JSON")


@cache
def _fields(kind: Any) -> tuple[tuple[str, str, bool, Any], ...]:
    """The fields of a dataclass: quoted, by name, whether a later version added it, and its default."""
    return tuple(
        (_quoted(one.name), one.name, bool(one.metadata.get(LATER)), one.default)
        for one in fields(kind)
    )


#: Where something stands: where what it is part of stands, and the part. It is put into words when it is wrong.
Where = tuple[Any, str]


def _read(kind: Any, value: Any, where: Where) -> Any:
    """A value of JSON as what its type hint says."""
    if kind is str and type(value) is str:
        return value
    if kind is Decimal:
        return _decimal(value, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        [known] = [one for one in arguments if one is not NoneType]
        return None if value is None else _read(known, value, where)
    if origin is tuple:
        _expect(isinstance(value, list), "a list", value, where)
        of = arguments[0]
        return tuple([_read(of, one, (where, f"[{at}]")) for at, one in enumerate(value)])
    if is_dataclass(origin or kind):
        hints, later = _members(kind)
        _expect(isinstance(value, dict), "an object", value, where)
        names = hints.keys()
        if value.keys() != names or list(value) != list(names):
            there = [name for name in hints if name in value or name not in later]
            _expect(list(value) == there, f"the keys {', '.join(hints)}", list(value), where)
        return (origin or kind)(
            **{name: _read(hints[name], one, (where, f".{name}")) for name, one in value.items()}
        )
    _expect(type(value) is kind, kind.__name__, value, where)
    return value


@cache
def _members(kind: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """The type of each field, and which fields a later version added."""
    later = {one.name for one in fields(get_origin(kind) or kind) if one.metadata.get(LATER)}
    return _hints(kind), frozenset(later)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The type of each field; a generic dataclass such as `Listed[Row]` with its own arguments."""
    origin = get_origin(kind)
    hints = get_type_hints(origin or kind)
    if origin is None:
        return hints
    given = dict(zip(origin.__parameters__, get_args(kind), strict=True))
    return {
        name: hint[tuple(given[one] for one in hint.__parameters__)]
        if getattr(hint, "__parameters__", ())
        else hint
        for name, hint in hints.items()
    }


def _decimal(value: Any, where: Where) -> Decimal:
    _expect(isinstance(value, str), "a decimal as text", value, where)
    try:
        found = Decimal(value)
    except InvalidOperation:
        found = Decimal("NaN")
    _expect(found.is_finite(), "a decimal as text", value, where)
    return found


def _expect(holds: bool, expected: str, found: Any, where: Where) -> None:
    if not holds:
        raise ValueError(f"{_place(where)}: expected {expected}, found {found!r}")


def _place(where: Where) -> str:
    """Where something stands, in words."""
    before, part = where
    return f"{_place(before)}{part}" if before else part
