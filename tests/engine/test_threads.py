"""The number of threads is a person's choice, and a wrong one is refused."""

from __future__ import annotations

import os

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.engine import thread_count


@pytest.mark.parametrize(("text", "count"), [("3", 3), ("", os.cpu_count())])
def test_threads_are_those_named_or_one_per_core(text, count, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_THREADS", text)
    assert thread_count() == count


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_other_texts_are_refused(text, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_THREADS", text)
    with pytest.raises(Refusal) as stopped:
        thread_count()
    assert stopped.value.exit_code == BAD_USAGE
    assert repr(text) in stopped.value.found
