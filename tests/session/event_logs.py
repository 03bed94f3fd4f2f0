"""Event logs made up for the tests: every kind of event, some trials that end in every way."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tuner.session import events as e
from tuner.session.codec import encode_event_line


def evaluation(trial: int, step: int, accuracy: float, total_steps: int = 30) -> e.Evaluated:
    right = round(accuracy * 50)
    return e.Evaluated(
        trial=trial,
        epoch=step / 10,
        share=step / total_steps,
        step=step,
        of=total_steps,
        metrics={"accuracy": accuracy, "loss": 1.0 - accuracy},
        confusion=[[right, 50 - right], [50 - right, right]],
        gradient_norms={"head": 1.5},
        train_loss=0.7,
    )


def one_label(trial: int, step: int, accuracy: float, total_steps: int = 30) -> e.Evaluated:
    """All rows answered with the first label, which so many of them have."""
    right = round(accuracy * 100)
    evaluated_event = evaluation(trial, step, accuracy, total_steps)
    return msgspec.structs.replace(
        evaluated_event, confusion=[[right, 0], [100 - right, 0]], updates=10
    )


def trial_started(trial: int, resumed_at: int = 0) -> e.TrialStarted:
    return e.TrialStarted(
        trial=trial,
        generation=0,
        params={"lr.head": 1e-3 / (trial + 1)},
        seed=trial,
        device="cpu",
        resumed_at=resumed_at,
    )


def step(trial: int, step_number: int) -> e.Step:
    return e.Step(
        trial=trial,
        step=step_number,
        of=30,
        loss=1.0 / (step_number + 1),
        learning_rates={"head": 1e-3},
        examples_per_second=99.0,
        memory=1000 + step_number,
    )


def session_start() -> list[e.AnyEvent]:
    return [
        e.WorkerStarted(pid=7, host="here", versions={"tuner": "1"}, devices=["cpu"]),
        e.DataRead(
            rows={"train": 9},
            labels=["no", "yes"],
            parameters=10,
            groups={"head": 10},
            device="cpu",
            batches="packed",
            threads=4,
        ),
        e.SessionStarted(trials=6, metric="accuracy", direction="maximize"),
    ]


def slots_chosen() -> e.SlotsChosen:
    return e.SlotsChosen(
        slots=2,
        threads=2,
        measured={1: 9.0, 2: 12.1},
        reason="2 trials side by side × 2 threads: 12.1 examples/s",
        cores=4,
        device="cpu",
    )


def story() -> list[e.AnyEvent]:
    """List the events of a session with a crash and a pause in it, every kind among them."""
    events: list[e.AnyEvent] = [
        e.SessionCreated(schema=1, name="demo", tuner="1"),
        *session_start(),
        slots_chosen(),
        trial_started(0),
        step(0, 5),
        evaluation(0, 10, 0.6),
        step(0, 15),
        evaluation(0, 20, 0.8),
        evaluation(0, 30, 0.7),
        e.TrialCompleted(trial=0, value=0.8, epoch=2.0, step=20, seconds=9.0, memory=5),
        e.BestChanged(trial=0, value=0.8),
        trial_started(1),
        evaluation(1, 10, 0.5),
        e.Rung(
            trial=1, share=1 / 3, kept=False, value=0.5, cutoff=0.6, rank=2, among=2, rule="halving"
        ),
        e.TrialPruned(trial=1, reason="pruned at 33 %", seconds=3.0),
        trial_started(2),
        step(2, 8),
        step(2, 9),
        *session_start(),
        trial_started(2, resumed_at=8),
        e.TrialRetried(trial=2, cause="died", error="signal 9", attempt=1),
        evaluation(2, 10, 0.5),
        e.TrialCollapsed(trial=2, reason="one label", label="yes"),
        trial_started(3),
        e.TrialFailed(trial=3, cause="out of memory", error="too much", lines=["a", "b"]),
        e.CommandDone(id="c1", result="done"),
        e.Log(level="warning", text="odd"),
        trial_started(4),
        evaluation(4, 10, 0.81),
        e.SessionPaused(reason="asked to"),
        *session_start(),
        trial_started(4, resumed_at=10),
        e.TrialCompleted(trial=4, value=0.8, epoch=1.0, step=10, seconds=9.0),
        e.Importance(values={"lr.head": 1.0}, method="PED-ANOVA", trials=2),
        e.GenerationOpened(generation=1, changes={}, carried=2),
        e.SessionFinished(reason="all trials have ended"),
        e.TestSealed(source="old.csv", rows=4, digest="d0", texts="t0"),
        e.TestReplaced(source="test.csv"),
        e.TestSealed(source="test.csv", rows=10, digest="d1", texts="t1"),
        e.TestScored(
            trial=0, n=10, metrics={"accuracy": 0.9}, confusion=[[9, 1], [0, 0]], opened=1
        ),
    ]
    return [_with_seq_and_time(event, seq) for seq, event in enumerate(events)]


def _with_seq_and_time(event: e.AnyEvent, seq: int) -> e.AnyEvent:
    dated: e.AnyEvent = msgspec.structs.replace(event, seq=seq, time=1_000_000.0 + seq)
    return dated


def plain_recipe(**keys: object) -> dict[str, object]:
    """Return the shortest recipe that can be read, with these keys over its own."""
    recipe: dict[str, object] = {
        "data": {"train": "a.csv", "validation": "b.csv", "text": ["t"], "label": "l"},
        "groups": [{"name": "all", "rest": True, "lr": 1e-5}],
        "model": {"name": "m"},
    }
    for name, value in keys.items():
        section = recipe.get(name)
        both = isinstance(value, dict) and isinstance(section, dict)
        recipe[name] = {**section, **value} if both else value  # type: ignore[dict-item]
    return recipe


def write(path: Path, events: list[e.AnyEvent]) -> bytes:
    content = b"".join(encode_event_line(event) for event in events)
    path.write_bytes(content)
    return content
