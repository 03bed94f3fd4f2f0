"""Where a trial comes from: the words that study, log and screens keep of it, and its ancestor."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

BASELINE = "baseline"
MIDDLE = "middle"
ENQUEUED = "enqueued"
SAMPLED = "sampled"

SEED = "seed"
"""The flat name of a trial's own seed."""

_RERUN, _COPY = "rerun of", "copy of"


def rerun_origin(number: int) -> str:
    """The origin of a trial that repeats another one on another seed."""
    return f"{_RERUN} {number}"


def copy_origin(number: int) -> str:
    """The origin of a trial that somebody asked for by editing the values of another one."""
    return f"{_COPY} {number}"


def is_outside_space(origin: str, fixed: Collection[str]) -> bool:
    """Whether a trial with these values of its own is no point of the searched space.

    The search itself may try a configuration again on another seed: that is a point all the same.
    """
    return bool(set(fixed) - ({SEED} if origin == SAMPLED else set()))


def is_planned_origin(origin: str) -> bool:
    """Whether the search chose the trial, not a person: the plan's budgets hold for it."""
    return origin in (BASELINE, MIDDLE, SAMPLED)


@lru_cache
def repeated_trial_number(origin: str) -> int | None:
    """The trial that a re-run repeats, None for a trial that is no re-run."""
    return _match_trial_number(_RERUN, origin)


def ancestor_trial_number(origin: str) -> int | None:
    """The trial whose values were repeated or edited, None for one that has none."""
    return _match_trial_number(f"{_RERUN}|{_COPY}", origin)


def _match_trial_number(words: str, origin: str) -> int | None:
    match = re.fullmatch(rf"(?:{words}) (\d+)", origin, re.ASCII)
    return None if match is None else int(match[1])
