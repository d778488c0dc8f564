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
    return json.dumps(_written(value), ensure_ascii=False, indent=1)


def from_json(kind: type[Value], text: str) -> Value:
    """The inverse of `to_json`.

    Args:
        kind: the dataclass; its type hints say what must be where.

    Raises:
        ValueError: the text is not what `to_json` writes; says where and what was expected.
    """
    value: Value = _read(kind, json.loads(text), kind.__name__)
    if to_json(value) != text:
        raise ValueError(f"{kind.__name__} is not written in its one form")
    return value


def _written(value: Any) -> Any:
    if is_dataclass(value):
        return {
            one.name: _written(getattr(value, one.name))
            for one in fields(value)
            if not (one.metadata.get(LATER) and getattr(value, one.name) == one.default)
        }
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if value is None or type(value) in (str, int, bool):
        return value
    raise TypeError(f"{value!r} has no exact form in JSON")


def _read(kind: Any, value: Any, where: str) -> Any:
    """A value of JSON as what its type hint says."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        [known] = [one for one in arguments if one is not NoneType]
        return None if value is None else _read(known, value, where)
    if origin is tuple:
        _expect(isinstance(value, list), "a list", value, where)
        return tuple(_read(arguments[0], one, f"{where}[{at}]") for at, one in enumerate(value))
    if is_dataclass(origin or kind):
        hints = _hints(kind)
        _expect(isinstance(value, dict), "an object", value, where)
        later = {one.name for one in fields(origin or kind) if one.metadata.get(LATER)}
        there = [name for name in hints if name in value or name not in later]
        _expect(list(value) == there, f"the keys {', '.join(hints)}", list(value), where)
        return (origin or kind)(
            **{name: _read(hints[name], value[name], f"{where}.{name}") for name in there}
        )
    if kind is Decimal:
        return _decimal(value, where)
    _expect(type(value) is kind, kind.__name__, value, where)
    return value


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


def _decimal(value: Any, where: str) -> Decimal:
    _expect(isinstance(value, str), "a decimal as text", value, where)
    try:
        found = Decimal(value)
    except InvalidOperation:
        found = Decimal("NaN")
    _expect(found.is_finite(), "a decimal as text", value, where)
    return found


def _expect(holds: bool, expected: str, found: Any, where: str) -> None:
    if not holds:
        raise ValueError(f"{where}: expected {expected}, found {found!r}")
