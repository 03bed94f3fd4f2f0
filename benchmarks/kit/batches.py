"""Which rows are trained on: those that tuner itself would take, handed to everybody."""

from __future__ import annotations

from tuner.training.data_order import DataOrder


def rows_of_steps(count: int, batch_size: int, steps: int, seed: int) -> list[int]:
    """Return the rows of a trial's first `steps` full batches, in order; an epoch at most."""
    timetable = DataOrder(
        rows=count,
        rows_per_update=batch_size,
        epochs=1,
        evaluations_per_epoch=1,
        seed=seed,
    )
    whole = min(steps, count // batch_size)
    return [int(row) for step in range(whole) for row in timetable.rows_of_update(step)]
