"""Every verb takes its options from the command line, else from the environment, and refuses by both names."""

from __future__ import annotations

import re

import pytest

from chargeback import cli as command_line
from chargeback.cli import main, read_command, verbs
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.options import NAMED, PREFIX, Option
from chargeback.core.paths import ROOT

OPTIONS = [(verb, option) for verb in verbs() for option in verb.options]
IDS = [f"{verb.name} {option.name}" for verb, option in OPTIONS]


def needed(verb: command_line.Verb, but: Option) -> dict[str, str]:
    """Variables that give a verb what it cannot do without."""
    return {PREFIX + one.variable: one.example for one in verb.options if one.needed and one != but}


def text_for(option: Option) -> str:
    """A value that an option takes."""
    if option.choices:
        return option.choices[-1]
    return "17" if isinstance(option.default, int) else "a 'value' $HOME -x"


@pytest.mark.parametrize("verb, option", OPTIONS, ids=IDS)
def test_an_option_is_taken_from_its_variable(verb, option):
    text = text_for(option)
    environment = {**needed(verb, option), PREFIX + option.variable: text, "OTHER": "kept"}
    found, options = read_command([verb.name], environment)
    assert found == verb
    assert str(getattr(options, option.attribute)) == text
    assert environment == {"OTHER": "kept"}, "what a verb starts must not read them again"


@pytest.mark.parametrize("verb, option", OPTIONS, ids=IDS)
def test_the_command_line_goes_first_and_blank_is_not_given(verb, option):
    text, other = text_for(option), "18" if isinstance(option.default, int) else "other"
    if text.startswith("a 'value'"):
        text = "first"
    place = [option.name, text] if option.name.startswith("--") else []
    if not place:  # those before it on the line
        before = [one for one in verb.options if not one.name.startswith("--")]
        place = ["x" if one != option else text for one in before[: before.index(option) + 1]]
    environment = {**needed(verb, option), PREFIX + option.variable: other}
    assert str(getattr(read_command([verb.name, *place], environment)[1], option.attribute)) == text
    environment = {**needed(verb, option), PREFIX + option.variable: text_for(option)}
    place = [" " if one == text else one for one in place]
    _, options = read_command([verb.name, *place], environment)
    assert str(getattr(options, option.attribute)) == text_for(option)


def test_a_variable_that_the_verb_does_not_take_is_ignored_and_forgotten():
    environment = {PREFIX + "PERIOD": "2026-05", PREFIX + "LINE": "a/b", PREFIX + "N": "no number"}
    _, options = read_command(["rules"], environment)
    assert options.period == "2026-05" and not hasattr(options, "line")
    assert environment == {}


NEEDED = [(verb, option) for verb, option in OPTIONS if option.needed]


@pytest.mark.parametrize("verb, option", NEEDED, ids=[f"{v.name} {o.name}" for v, o in NEEDED])
def test_a_verb_says_what_it_needs_with_an_example_that_works(verb, option):
    with pytest.raises(Refusal) as refused:
        read_command([verb.name], needed(verb, option))
    refusal = refused.value
    assert refusal.exit_code == BAD_USAGE
    assert refusal.what == f"{verb.name} needs {option.variable}="
    kind = "option" if option.name.startswith("--") else "argument"
    assert refusal.where == [f"{option.variable}= or the {kind} {option.name}"]
    made, own = refusal.todo
    assert made.startswith(f"for example: make {verb.name} ")
    given = dict(re.findall(r"([A-Z]+)=(\S+)", made))
    examples = {one.variable: one.example for one in verb.options if one.example}
    assert given == examples
    _, options = read_command(own.split()[2:], {})
    assert getattr(options, option.attribute) == option.example


REFUSED = {
    "nothing": ([], ["no verb is named", "monthly-close, draft", "chargeback --help"]),
    "no verb": (["close", "2026-05"], ["there is no such verb", "'close'", "chargeback --help"]),
    "a verb in capitals": (["Rules"], ["there is no such verb", "did you mean 'rules'?"]),
    "an unknown option": (
        ["monthly-close", "2026-05", "--bok", "b"],
        ["the command line cannot be read", "--bok b", "did you mean '--books'?"],
    ),
    "a period with dashes": (
        ["monthly-close", "--period", "2026-05"],
        ["the command line cannot be read", "period stands without --period"],
    ),
    "an option without its value": (
        ["verify", "--certificate"], ["--certificate: expected one argument", "chargeback verify --help"],
    ),
    "no number": (
        ["bench", "--line-items", "many"],
        ["N= is not a whole number", "'many'", "N= or the option --line-items"],
    ),
    "zero": (["sample", "--line-items", "0"], ["N= is not a whole number", "1 or more"]),
    "none of the choices": (
        ["bench", "--only", "verb"],
        ["ONLY= is none of its choices", "anomalies, compute, daily, growth", "did you mean 'verbs'?"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_command_line_that_is_none_is_one_block(name, capsys):
    arguments, words = REFUSED[name]
    assert main(arguments) == BAD_USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("STOPPED  ") and said.err.count("STOPPED") == 1
    assert "Traceback" not in said.err and "usage:" not in said.err
    for one in words:
        assert one in said.err, said.err


def test_bytes_that_are_no_text_are_refused_by_name():
    with pytest.raises(Refusal) as refused:
        read_command(
            ["rules", "2026-05"],
            {PREFIX + "PARAMS": b"m\xfcller".decode("utf-8", "surrogateescape")},
        )
    assert refused.value.what == "PARAMS= is not UTF-8 text"


@pytest.mark.parametrize(
    "name", ["AWS_PROFILE", "CHARGEBACK_SIGNING_KEY", "SHELL", "V", "PERIOD", "LAB"]
)
def test_variables_of_make_that_are_not_nearly_ours_pass(name):
    assert read_command(["rules", "2026-05"], {NAMED: name})[0].name == "rules"


def test_help_says_how_make_calls_each_option_and_where_the_codes_are(capsys):
    for verb in verbs():
        with pytest.raises(SystemExit) as ended:
            main([verb.name, "--help"])
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        for option in verb.options:
            assert f"{option.variable}=" in shown
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "Through make every code but 0 becomes 2" in shown
    assert ".venv/bin/chargeback" in shown
    for page in ("README.md", "docs/runbook.md", "Makefile"):
        assert ".venv/bin/chargeback" in (ROOT / page).read_text(encoding="utf-8"), page


def test_the_example_of_a_missing_period_names_the_verb(capsys):
    assert main(["audit"]) == BAD_USAGE
    assert "make audit PERIOD=2026-05" in capsys.readouterr().err
