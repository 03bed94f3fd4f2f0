"""What the origin of a trial says of the trial before it."""

from __future__ import annotations

import pytest

from tuner.recipe.origins import ancestor, copy_of, repeated, rerun_of


def test_there_and_back() -> None:
    assert (repeated(rerun_of(9)), ancestor(rerun_of(9))) == (9, 9)
    assert (repeated(copy_of(12)), ancestor(copy_of(12))) == (None, 12)


@pytest.mark.parametrize(
    "origin", ["", "sampled", "baseline", "enqueued", "rerun of", "rerun of x", "copy of 1 2"]
)
def test_others_have_none(origin: str) -> None:
    assert (repeated(origin), ancestor(origin)) == (None, None)
