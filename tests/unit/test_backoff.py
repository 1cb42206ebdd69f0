"""Pauses before something is tried again."""

import pytest

from aurora_lambda_runtime.database.backoff import Backoff


def test_the_first_retry_is_at_once_and_later_pauses_grow_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that lost once would wait longer than it takes, and one that loses often would burden the cluster."""
    monkeypatch.setattr("random.SystemRandom.uniform", lambda _self, _shortest, longest: longest)
    pauses = list(Backoff(retries=6, first_seconds=0.02, longest_seconds=0.25).pauses())
    assert pauses == [0.0, 0.02, 0.04, 0.08, 0.16, 0.25]
