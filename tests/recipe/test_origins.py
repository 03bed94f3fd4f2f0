"""What the origin of a trial says of the trial before it."""

from __future__ import annotations

import pytest

from tuner.recipe.origins import (
    ancestor_trial_number,
    copy_origin,
    repeated_trial_number,
    rerun_origin,
)


def test_there_and_back() -> None:
    assert (repeated_trial_number(rerun_origin(9)), ancestor_trial_number(rerun_origin(9))) == (
        9,
        9,
    )
    assert (repeated_trial_number(copy_origin(12)), ancestor_trial_number(copy_origin(12))) == (
        None,
        12,
    )


@pytest.mark.parametrize(
    "origin", ["", "sampled", "baseline", "enqueued", "rerun of", "rerun of x", "copy of 1 2"]
)
def test_others_have_none(origin: str) -> None:
    assert (repeated_trial_number(origin), ancestor_trial_number(origin)) == (None, None)
