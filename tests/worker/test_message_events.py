"""Messages and events that tell the same fact name its fields alike."""

from __future__ import annotations

import dataclasses

import pytest

from tuner.pool import protocol as p
from tuner.session import events as e
from tuner.study.pruners import RungDecision
from tuner.worker.message_events import event_from


@pytest.mark.parametrize(
    ("event", "source", "others"),
    [
        (e.Step, p.Progress, set()),
        (e.Evaluated, p.Evaluated, set()),
        (e.DataRead, p.Ready, set()),
        (e.TrialCompleted, p.Completed, {"one_label", "share"}),
        (e.TestScored, p.Scored, {"trial", "opened", "texts", "sessions", "shared"}),
        (e.Rung, RungDecision, {"trial", "one_label"}),
    ],
)
def test_every_field_comes_from_the_message_or_is_named(
    event: type[e.Event], source: type, others: set[str]
) -> None:
    own_fields = {"seq", "time"} | others
    if dataclasses.is_dataclass(source):
        names = {field.name for field in dataclasses.fields(source)}
    else:
        names = set(source.__struct_fields__)  # type: ignore[attr-defined]
    assert set(event.__struct_fields__) - own_fields <= names


def test_other_fields_replace_those_of_the_message() -> None:
    message = p.Completed(trial=1, value=0.5, epoch=2.0, step=9, seconds=3.0, memory=4, saved=True)
    event = event_from(e.TrialCompleted, message, value=0.25, one_label=True)
    assert (event.trial, event.value, event.step, event.one_label) == (1, 0.25, 9, True)
    assert event.share == 1.0
