"""Where the time of a study's slots goes: what is not training steps, and at which price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit import report
from kit.sessions import Run
from tuner.session import events as e


@dataclass(frozen=True)
class StudyParts:
    """One round: a study's speed against that of its steps alone, and where its slots' time went.

    Speeds are in training examples a second of all slots together. `start` is from `tuner run` to
    the first trial, in seconds; `parts` are shares of the slots' time from the first trial's start
    to the last one's end.
    """

    start: float
    whole_speed: float
    steps_speed: float
    parts: dict[str, float]


def divide_study(
    run: Run, slots: int, examples: int, step_rows: int, copies: list[dict[str, Any]]
) -> StudyParts:
    """Divide a study of so many training examples among its parts.

    `copies` are the answers of contenders.tuner_parts, as many side by side as there are slots,
    whose steps took `step_rows` rows each.
    """
    starts = sorted(event.time for event in run.events_of_kind(e.TrialStarted))
    ends = sorted(event.time for event in run.events_of_kind(e.TrialCompleted))
    window, slot_seconds = ends[-1] - starts[0], slots * (ends[-1] - starts[0])
    waiting = sum(start - starts[0] for start in starts[:slots])
    idle = sum(ends[-1] - end for end in ends[-slots:])
    in_trials = sum(ends) - sum(starts)

    def mean_seconds(part: str) -> float:
        return float(sum(copy[part] for copy in copies)) / len(copies)

    evaluations, saved = (len(run.events_of_kind(k)) for k in (e.Evaluated, e.BestChanged))
    seconds = {
        "training steps": examples / step_rows * mean_seconds("steps"),
        "evaluations": evaluations * mean_seconds("evaluation"),
        "saving the best model": saved * mean_seconds("saving"),
    }
    rest = in_trials - sum(seconds.values())
    seconds |= {
        "the rest of the trials (restarts, decisions; less than 0: noise)": rest,
        "slots that wait for their first trial": waiting,
        "slots between two trials": slot_seconds - in_trials - waiting - idle,
        "slots without a trial at the end": idle,
    }
    return StudyParts(
        start=starts[0] - run.started,
        whole_speed=examples / window,
        steps_speed=sum(step_rows / copy["steps"] for copy in copies),
        parts={name: value / slot_seconds for name, value in seconds.items()},
    )


def show_parts(title: str, rounds: list[StudyParts]) -> None:
    """Print both speeds, the share of the one in the other, and the parts."""
    shares = [each.whole_speed / each.steps_speed for each in rounds]
    speeds = {
        "steps alone, examples/s": [each.steps_speed for each in rounds],
        "the whole study, examples/s": [each.whole_speed for each in rounds],
        "from `tuner run` to the first trial, s": [each.start for each in rounds],
    }
    lines = [
        (name, f"{report.median(all_):.1f}", report.spread(all_)) for name, all_ in speeds.items()
    ]
    lines.insert(2, ("the study's share", f"{report.median(shares):.0%}", report.spread(shares)))
    for name in rounds[0].parts:
        values = [each.parts[name] for each in rounds]
        lines.append((name, f"{report.median(values):.1%}", ""))
    report.print_table(
        title,
        ("", "median", "spread"),
        lines,
        "From the first trial's start to the last one's end. Steps, evaluations and saving were "
        "measured by themselves in the same round, in as many processes as there are slots.",
    )
