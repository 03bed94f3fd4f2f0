"""Session folders built by hand, event by event, and a way to call the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuner.session import events as e
from tuner.session.folder import Session, create_session
from tuner.session.writer import EventWriter

RECIPE = """
[model]
name = "tiny"

[data]
train = "train.jsonl"
validation = 0.1
text = "text"
label = "label"

[training]
epochs = { low = 1, high = 4 }

[[groups]]
name = "body"
part = "layers"
lr = { low = 1e-6, high = 1e-4, scale = "log" }

[[groups]]
name = "head"
part = "head"
lr = { low = 1e-5, high = 1e-3, scale = "log" }

[[groups]]
name = "the rest"
rest = true
lr = "frozen"

[search]
trials = 6
"""
LABELS = ["bad", 'good "quoted", and more']


def create_draft(root: Path, name: str = "draft") -> Session:
    """Make a session that was never started."""
    return create_session(root, name, RECIPE)


def worker_started() -> e.WorkerStarted:
    """Return the start of a worker that is long gone."""
    return e.WorkerStarted(pid=2**22 - 1, host="somewhere", versions={}, devices=["cpu"])


def session_started() -> e.SessionStarted:
    """Return the start of a search of six trials for accuracy."""
    return e.SessionStarted(trials=6, metric="accuracy", direction="maximize")


def data_read_event() -> e.DataRead:
    """Ninety training rows, twenty to validate."""
    rows = {"train": 90, "validation": 20}
    return e.DataRead(
        rows=rows,
        labels=LABELS,
        parameters=1000,
        groups={"body": 900, "head": 100},
        batches="padded",
        threads=2,
    )


def trial_started_event(trial: int, origin: str = "sampled") -> e.TrialStarted:
    """Return the start of a trial with three values."""
    params = {"lr.body": 1e-5 * (trial + 1), "lr.head": 1e-4, "epochs": 2}
    return e.TrialStarted(
        trial=trial, generation=0, params=params, seed=trial, device="cpu", origin=origin
    )


def evaluated_event(trial: int, right: int, step: int = 10, total_steps: int = 20) -> e.Evaluated:
    """Return an evaluation on twenty rows, `right` of them predicted correctly."""
    confusion = [[right // 2, 10 - right // 2], [10 - (right - right // 2), right - right // 2]]
    return e.Evaluated(
        trial=trial,
        epoch=step / 10,
        share=step / total_steps,
        step=step,
        of=total_steps,
        metrics={"accuracy": right / 20, "loss": 0.5},
        confusion=confusion,
        gradient_norms={"body": 1.0, "head": 2.0},
        train_loss=0.6,
    )


def trial_completed_event(trial: int, right: int) -> e.TrialCompleted:
    """Return the end of a trial whose last evaluation was kept."""
    return e.TrialCompleted(
        trial=trial, value=right / 20, epoch=2.0, step=20, seconds=12.5, memory=3 << 20
    )


def whole_trial_events(trial: int, right: int, origin: str = "sampled") -> list[e.Event]:
    """Return the events of a trial from its start to its end."""
    ends = [
        evaluated_event(trial, right - 2),
        evaluated_event(trial, right, step=20),
        trial_completed_event(trial, right),
    ]
    return [trial_started_event(trial, origin), *ends]


def search_events(ending: e.Event) -> list[e.Event]:
    """Four trials: the baseline, a better one, a pruned one and a collapsed one, and the ending."""
    pruned = e.TrialPruned(trial=2, reason='below the cutoff, "0.70"', value=0.5, seconds=3.0)
    rung = e.Rung(
        trial=2, share=1 / 3, kept=False, value=0.5, cutoff=0.7, rank=3, among=3, rule="halving"
    )
    collapsed = e.TrialCollapsed(
        trial=3, reason="one label twice running", label="bad", seconds=4.0
    )
    return [
        *(worker_started(), session_started(), data_read_event()),
        *whole_trial_events(0, 14, "baseline"),
        e.BestChanged(trial=0, value=0.7),
        *whole_trial_events(1, 16),
        e.BestChanged(trial=1, value=0.8),
        *(trial_started_event(2), evaluated_event(2, 10), rung, pruned),
        *(trial_started_event(3), evaluated_event(3, 10), collapsed),
        ending,
    ]


def create_finished_session(root: Path, name: str = "done") -> Session:
    """Make a session that came to its end."""
    return record_session(root, name, search_events(e.SessionFinished(reason="6 trials")))


def record_session(root: Path, name: str, events: Sequence[e.Event]) -> Session:
    """Make a session with these events in its log."""
    session = create_draft(root, name)
    with EventWriter(session.events_path) as writer:
        for event in events:
            writer.append_event(event)
    return session
