"""Which action is possible in which state, and the sentence where it is not."""

from __future__ import annotations

import pytest

from tuner.errors import TunerError
from tuner.session.lifecycle import (
    ALLOWED_STATES,
    is_allowed,
    reason_not_allowed,
    refuse_unless_allowed,
)
from tuner.session.view import SessionState


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("action", ALLOWED_STATES)
def test_every_refusal_has_its_sentence_and_nothing_else_has(
    action: str, state: SessionState
) -> None:
    reason = reason_not_allowed(action, "reviews", state)
    assert bool(reason) is not is_allowed(action, state)
    if reason:
        assert reason.startswith("reviews ")
        with pytest.raises(TunerError, match="reviews "):
            refuse_unless_allowed(action, "reviews", state)
    else:
        refuse_unless_allowed(action, "reviews", state)


@pytest.mark.parametrize(
    ("action", "state", "sentence"),
    [
        ("pause", SessionState.PAUSED, "x is not running, it is paused: nothing to pause"),
        ("prune", SessionState.PAUSING, "x is not running, it is pausing: nothing to prune"),
        ("enqueue", SessionState.STOPPED, "x was stopped for good: it accepts no more trials"),
        ("delete", SessionState.RUNNING, "x is running: pause it first"),
        ("start", SessionState.RUNNING, "x is already running"),
        ("start", SessionState.PAUSED, "x was already started"),
        ("resume", SessionState.DRAFT, "x was never started"),
    ],
)
def test_the_sentences(action: str, state: SessionState, sentence: str) -> None:
    assert reason_not_allowed(action, "x", state) == sentence
