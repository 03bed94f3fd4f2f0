"""Where a trial comes from: the words for it in study, log and screens, and its ancestor."""

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
    """Name the origin of a trial that repeats another one on another seed."""
    return f"{_RERUN} {number}"


def copy_origin(number: int) -> str:
    """Name the origin of a trial whose values were edited from another trial's."""
    return f"{_COPY} {number}"


def is_outside_space(origin: str, fixed: Collection[str]) -> bool:
    """Tell whether a trial with these values of its own lies outside of the searched space.

    The search itself may try a configuration again on another seed: that is a point all the same.
    """
    return bool(set(fixed) - ({SEED} if origin == SAMPLED else set()))


def is_planned_origin(origin: str) -> bool:
    """Tell whether the search chose the trial, so that the plan's budgets apply to it."""
    return origin in (BASELINE, MIDDLE, SAMPLED)


@lru_cache
def repeated_trial_number(origin: str) -> int | None:
    """Return the trial that a re-run repeats, None if the origin is not a re-run."""
    return _match_trial_number(_RERUN, origin)


def ancestor_trial_number(origin: str) -> int | None:
    """Return the trial whose values were repeated or edited, None if there is none."""
    return _match_trial_number(f"{_RERUN}|{_COPY}", origin)


def _match_trial_number(words: str, origin: str) -> int | None:
    match = re.fullmatch(rf"(?:{words}) (\d+)", origin, re.ASCII)
    return None if match is None else int(match[1])
