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


def rerun_of(number: int) -> str:
    """The origin of a trial that repeats another one on another seed."""
    return f"{_RERUN} {number}"


def copy_of(number: int) -> str:
    """The origin of a trial that somebody asked for by editing the values of another one."""
    return f"{_COPY} {number}"


def is_off_space(origin: str, fixed: Collection[str]) -> bool:
    """Whether a trial with these values of its own is no point of the searched space.

    The search itself may try a configuration again on another seed: that is a point all the same.
    """
    return bool(set(fixed) - ({SEED} if origin == SAMPLED else set()))


def is_planned(origin: str) -> bool:
    """Whether the search chose the trial, not a person: the plan's budgets hold for it."""
    return origin in (BASELINE, MIDDLE, SAMPLED)


@lru_cache
def repeated(origin: str) -> int | None:
    """The trial that a re-run repeats, None for a trial that is no re-run."""
    return _number(_RERUN, origin)


def ancestor(origin: str) -> int | None:
    """The trial whose values were repeated or edited, None for one that has none."""
    return _number(f"{_RERUN}|{_COPY}", origin)


def _number(words: str, origin: str) -> int | None:
    found = re.fullmatch(rf"(?:{words}) (\d+)", origin, re.ASCII)
    return None if found is None else int(found[1])
