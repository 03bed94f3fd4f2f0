"""Small searches with predictions in the folder, told by the shares of rows that trials get."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from tests.cli import recorded_sessions
from tests.session.event_logs import plain_recipe
from tuner.results.metrics import compute_metrics, confusion_matrix, direction_of_metric
from tuner.session import events as e
from tuner.session.folder import Session

LABELS = ("no", "yes")


def search(
    root: Path,
    trials: Sequence[Sequence[float]],
    *,
    metric: str = "accuracy",
    gold: Sequence[int] = (50, 50),
    origins: Mapping[int, str] | None = None,
    recipe: Mapping[str, object] | None = None,
    searched: bool = True,
    stored: bool = True,
) -> Session:
    """Make a search of complete trials, each with its chance of a correct row for each label."""
    origin_by_number = {0: "baseline"} if origins is None else origins
    begun = e.SessionStarted(
        trials=len(trials),
        metric=metric,
        direction=direction_of_metric(metric),
        recipe=plain_recipe(**(recipe or {})),
    )
    read = msgspec.structs.replace(recorded_sessions.data_read_event(), labels=list(LABELS))
    events: list[e.Event] = [recorded_sessions.worker_started(), begun, read]
    answers = [_answers(number, recalls, gold) for number, recalls in enumerate(trials)]
    for number, (labels, predicted, losses) in enumerate(answers):
        events += _trial(
            number,
            metric,
            labels,
            predicted,
            losses,
            origin_by_number.get(number, "sampled"),
            searched,
        )
    events.append(e.SessionFinished(reason=""))
    session = recorded_sessions.record_session(root, "search", events)
    for number, (labels, predicted, losses) in enumerate(answers):
        if stored:
            _store(session, number, labels, predicted, losses)
    return session


def _answers(
    trial: int, recalls: Sequence[float], gold: Sequence[int]
) -> tuple[list[int], list[int], list[float]]:
    labels = [label for label, count in enumerate(gold) for _ in range(count)]
    rng, luck = random.Random(7), random.Random(trial)
    hardness = [0.7 * rng.random() + 0.3 * luck.random() for _ in labels]
    order = sorted(range(len(labels)), key=hardness.__getitem__)
    predicted = [1 - label for label in labels]
    for label, (recall, count) in enumerate(zip(recalls, gold, strict=True)):
        rows = [row for row in order if labels[row] == label]
        for row in rows[: round(recall * count)]:
            predicted[row] = label
    losses = [0.1 + hardness[row] + (p != labels[row]) for row, p in enumerate(predicted)]
    return labels, predicted, losses


def _trial(
    number: int, metric: str, gold: list[int], predicted: list[int], losses: list[float],
    origin: str, searched: bool,
) -> list[e.Event]:  # fmt: skip
    confusion = confusion_matrix(gold, predicted, len(LABELS))
    values = {**compute_metrics(confusion, LABELS), "loss": sum(losses) / len(losses)}
    evaluated = msgspec.structs.replace(
        recorded_sessions.evaluated_event(number, 0, step=20), metrics=values, confusion=confusion
    )
    ended = msgspec.structs.replace(
        recorded_sessions.trial_completed_event(number, 0), value=values[metric]
    )
    begun = recorded_sessions.trial_started_event(number, origin)
    params = begun.params if searched else {}
    return [msgspec.structs.replace(begun, params=params), evaluated, ended]


def _store(
    session: Session, trial: int, gold: list[int], predicted: list[int], losses: list[float]
) -> None:
    right = np.exp(-np.array(losses))
    shares = np.stack([right, 1 - right], axis=1)
    shares[np.array(gold) == 1] = shares[np.array(gold) == 1][:, ::-1]
    path = session.trial_folder(trial) / "predictions-0.npz"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    np.savez_compressed(
        path,
        rows=np.arange(len(gold), dtype=np.int32),
        gold=np.array(gold, np.int32),
        predicted=np.array(predicted, np.int32),
        probabilities=shares.astype(np.float16),
    )
