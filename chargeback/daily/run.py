"""The daily run: look at a day, write the state, send what has to be said, and show it, in this order.

    look        the delivery, its controls, hygiene and drift        reads only
    carry out   1. the state of the run, in one step                 nothing was sent before this
                2. the messages that have not arrived                each remembered once it arrived
                3. the files of the day
    publish     BOOKS/daily/<date>/ (publish.py)                     replacing an earlier run of that day

The notebook calls the first two. Wherever a run is interrupted, the same command makes up for it, and running
it again changes nothing. A run on an older day than the latest one shows that day and adds it to the history;
it leaves cases and messages alone. When a service does not accept messages, the day is published all the same,
and the run ends with exit code 6.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

from chargeback.core.books_folders import named_books
from chargeback.core.errors import Refusal, unreachable
from chargeback.core.paths import named_params, named_report
from chargeback.core.period import check_day_text
from chargeback.daily.anomalies.alerts import look_for_anomalies, spent_amounts
from chargeback.daily.cases import UNTAGGED, CaseKey, follow
from chargeback.daily.costs import daily_costs
from chargeback.daily.day_files import write_files
from chargeback.daily.drift import drift_window, find_drift, window_days
from chargeback.daily.freshness import freshness
from chargeback.daily.hygiene import tag_hygiene
from chargeback.daily.kept_costs import KeptRollups, keep_costs
from chargeback.daily.publish import UNSENT, YES
from chargeback.daily.sending import channels, send_pending, sent_messages
from chargeback.daily.settings import Settings, read_settings
from chargeback.daily.state import AccountDay, Latest, SentMessages, State
from chargeback.daily.tickets import plan_tickets
from chargeback.daily.today import Today
from chargeback.params import read_params

#: How often a run looks again because another one was quicker.
TRIES = 5


def look(
    day_text: str, report: str, params_folder: str, books: str, folder: str, dry: str = ""
) -> Today:
    """A day as the delivery and the state show it; changes nothing.

    Args:
        folder: where a run works; empty when somebody only looks.
        dry: "yes" for a run that only says what it would do.

    Raises:
        Refusal: (exit 2) the day or the params cannot be used; (exit 4) the delivery breaks a control; (exit 6)
            the delivery or the state cannot be read.
    """
    from chargeback.pages.table_view import (
        show_whole_tables,
    )  # pandas, which the verb does not need

    show_whole_tables()
    day = check_day_text(day_text)
    params = read_params(named_params(params_folder), f"{day:%Y-%m}")
    delivered, kept = Path(named_report(report)), named_books(books)
    settings = read_settings(params.folder, kept)
    channels(settings)  # what they refuse is refused before anything is written
    is_dry = dry == YES
    keeps = bool(folder) and not is_dry
    rollups = KeptRollups(kept.daily_used)
    costs = daily_costs(delivered, params, day, rollups)
    hygiene = tag_hygiene(costs, params)
    window = drift_window(day, params)
    before, earlier, sent = remembered(settings, window.first, window.month_start - timedelta(1))
    seen = window_days(hygiene, window)
    drift = find_drift(delivered, costs, hygiene, [*earlier, *seen], params)
    if keeps:
        rollups.keep()
        keep_costs(kept.daily_used, costs, params)
    anomalies = look_for_anomalies(costs, delivered, params, kept, keeps)
    today = Today(
        day, params, settings, costs, hygiene, anomalies,
        freshness(day, params.daily, kept, costs.day), tuple(seen), drift,
        tuple(anomalies.findings(params.policy.currency, params.accounts)),
        (UNTAGGED, *anomalies.checked), before, sent_messages=sent, is_dry=is_dry,
    )  # fmt: skip
    return followed(today, before)


def remembered(
    settings: Settings, first: date, last: date
) -> tuple[Latest, list[AccountDay], dict[CaseKey, SentMessages]]:
    """The latest run, the figures of some days, and how far messages have come.

    Looking does not make a file that is not there.
    """
    if not settings.state and not settings.state_file.is_file():
        return Latest(), [], {}
    state = settings.open_state()
    try:
        latest = state.latest()
        days = state.account_days(first, last) if first <= last else []
        return latest, days, sent_messages(state, latest.cases)
    finally:
        state.close()


def followed(today: Today, before: Latest) -> Today:
    """The day with its cases, as they follow from those of the latest run."""
    today = replace(today, before=before)
    if today.is_older:
        return replace(today, cases=before.cases)
    names, policy = today.costs.product_names, today.params.daily
    tickets = plan_tickets(today.drift, before.cases, today.day, today.params, names)
    cases = follow(
        before.cases, [*tickets.findings, *today.alerts], today.checked,
        tickets.left | spent_amounts(before.cases.values()), today.day, policy.ticket_due_days,
        tickets.endings,
    )  # fmt: skip
    return replace(today, cases=cases, waiting=tickets.waiting)


def carry_out(today: Today, folder: str) -> Today:
    """Write the state, send the messages and write the day's files; nothing without a folder.

    A dry run writes the day's files, and nothing else.

    Raises:
        Refusal: (exit 6) the state cannot be written; nothing was sent then.
    """
    if not folder:
        return today
    if today.is_dry:
        write_files(today, Path(folder))
        return today
    state = today.settings.open_state()
    try:
        today = written(today, state)
        try:
            send_pending(state, channels(today.settings))
        except Refusal as refusal:
            today = replace(today, unsent=refusal)
            (Path(folder) / UNSENT).write_text(json.dumps(asdict(refusal)))
        today = replace(today, sent_messages=sent_messages(state, today.cases))
    finally:
        state.close()
    write_files(today, Path(folder))
    return today


def written(today: Today, state: State) -> Today:
    """The day once the state has it; looks again where another run was quicker."""
    for _ in range(TRIES):
        cases = None if today.is_older else today.cases.values()
        if state.write_run(today.day, today.seen, cases, today.before):
            return today
        today = followed(today, state.latest())
    raise unreachable(
        "other daily runs kept writing first", f"to write within {TRIES} tries", "none held",
        todo=["wait until the other runs are done, then run it again"],
    )  # fmt: skip
