"""Options of a verb: what stands on the command line, else in the variable that make hands on.

In: a verb's options, the words of the command line, and the environment. Out: a value for each option. `make
PERIOD=2026-05` sets CHARGEBACK_PERIOD for the verb, so no text of a user ever stands in a shell's line, and a
value with quotes, blanks or dollars arrives as it is. What always holds: the command line goes first, blank
counts as not given, and whatever is refused is refused by the names of the variable and of the option.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import NoReturn

from chargeback.core.errors import Refusal, bad_params
from chargeback.core.text import suggestion

#: How a variable of make is called in the environment: CHARGEBACK_PERIOD is PERIOD=.
PREFIX = "CHARGEBACK_"

#: The names of the variables that stood on make's command line, separated by blanks.
NAMED = "CHARGEBACK_MAKE_VARIABLES"

#: What else make takes: options for JupyterLab (chargeback/review/lab.py), and Python for the environment.
OTHER_VARIABLES = ("LAB", "PYTHON")

#: How alike a variable of make and one of ours must be to be taken for a misspelling.
ALIKE = 0.8


@dataclass(frozen=True)
class Option:
    """An argument of a verb: a place on the line, or a name with two dashes.

    Args:
        default: when it is given nowhere; a number makes the option a whole number.
        variable: of make, such as "PERIOD".
        example: a value for the example of a refusal.
        needed: whether the verb cannot do without.
    """

    name: str
    help: str
    default: str | int | None = None
    choices: tuple[str, ...] = ()
    variable: str = ""
    example: str = ""
    needed: bool = False

    @property
    def attribute(self) -> str:
        """Its name among the options of a verb."""
        return self.name.lstrip("-").replace("-", "_")

    @property
    def called(self) -> str:
        """Its names, for a refusal."""
        kind = "option" if self.name.startswith("--") else "argument"
        return f"{self.variable}= or the {kind} {self.name}"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Let a verb's parser know it; nothing is required, because it may stand in the environment."""
        place = {} if self.name.startswith("--") else {"nargs": "?"}
        help_text = f"{self.help}; with make: {self.variable}="
        parser.add_argument(self.name, help=help_text, **place)  # type: ignore[arg-type]

    def value(self, given: str | None, environment: Mapping[str, str]) -> str | int | None:
        """What was given, checked; the default when nothing was.

        Raises:
            Refusal: (exit 2) it is not text, not a whole number, or none of the choices.
        """
        texts = (given, environment.get(PREFIX + self.variable))
        text = next((one for one in texts if one and one.strip()), None)
        if text is None:
            return self.default
        try:
            text.encode()
        except UnicodeEncodeError:
            raise bad_params(
                f"{self.variable}= is not UTF-8 text", "text in UTF-8", ascii(text), [self.called]
            ) from None
        if isinstance(self.default, int):
            return self.whole_number(text.strip())
        if self.choices and text not in self.choices:
            raise bad_params(
                f"{self.variable}= is none of its choices", "one of " + ", ".join(self.choices),
                repr(text), [self.called], suggestion(text, self.choices),
            )  # fmt: skip
        return text

    def whole_number(self, text: str) -> int:
        """The number that a text is, 1 or more."""
        digits = text.replace(",", "").replace("_", "")
        if not (digits.isascii() and digits.isdigit() and int(digits)):
            raise bad_params(
                f"{self.variable}= is not a whole number", f"1 or more, such as {self.default}",
                repr(text), [self.called],
            )  # fmt: skip
        return int(digits)


class Parser(argparse.ArgumentParser):
    """argparse that refuses as everything else does, instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        """Refuse a command line (exit 2)."""
        raise self.refusal(message)

    def refusal(self, message: str, todo: Iterable[str] = ()) -> Refusal:
        """Why a command line cannot be read, as a refusal."""
        return bad_params(
            "the command line cannot be read", " ".join(self.format_usage().split()).removeprefix("usage: "),
            message, [], [*todo, f"see: {self.prog} --help"],
        )  # fmt: skip


def take_values(
    verb: str,
    options: Iterable[Option],
    found: argparse.Namespace,
    environment: Mapping[str, str],
) -> None:
    """Give every option of a verb its value.

    Args:
        found: what argparse found on the command line; gets the values.

    Raises:
        Refusal: (exit 2) a value is missing or not valid.
    """
    options = tuple(options)
    for option in options:
        value = option.value(getattr(found, option.attribute), environment)
        if option.needed and value is None:
            raise missing(verb, option, options)
        setattr(found, option.attribute, value)


def missing(verb: str, option: Option, options: Iterable[Option]) -> Refusal:
    """That a verb cannot do without an option, with an example of the whole command both ways."""
    named = [one for one in options if one.example]
    with_make = " ".join(f"{one.variable}={one.example}" for one in named)
    without = " ".join(
        f"{one.name} {one.example}" if one.name.startswith("--") else one.example for one in named
    )
    return bad_params(
        f"{verb} needs {option.variable}=", option.help, "nothing", [option.called],
        [f"for example: make {verb} {with_make}", f"or: chargeback {verb} {without}"],
    )  # fmt: skip


def forget(options: Iterable[Option], environment: MutableMapping[str, str]) -> None:
    """Take the variables of options out of the environment, so that no process that is started reads them.

    Kernels, tests and other verbs that a verb runs are told everything explicitly.
    """
    for name in (NAMED, *(PREFIX + option.variable for option in options)):
        environment.pop(name, None)


def check_named(named: str, options: Iterable[Option]) -> None:
    """Refuse a variable on make's command line that is nearly one of ours, which make would ignore.

    Other variables pass, because make hands them on to every program: AWS_PROFILE=billing is one.

    Raises:
        Refusal: (exit 2) names it, and the one that was probably meant.
    """
    known = sorted({*(option.variable for option in options), *OTHER_VARIABLES})
    for name in named.split():
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=ALIKE)
        if near and name not in known:
            raise bad_params(
                f"make has no variable {name}=", ", ".join(f"{one}=" for one in known), f"{name}=",
                ["make's command line"], [f"did you mean {near[0]}=?"],
            )  # fmt: skip
