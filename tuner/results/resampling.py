"""Metrics of many resamples of the same rows at once.

Rows of one kind (the same gold label, the same prediction) are counted, not listed: drawing how
often each kind comes is drawing the rows with replacement, and its cost does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tuner.results.metrics import PER_LABEL

RESAMPLES = 2000
"""Draws behind every interval and p-value, all seeded: the same rows give the same figures."""
CONFIDENCE = 0.95
_CHUNK = 250
_MOST_DRAWN_ROWS = 20_000_000
_MOST_AT_ONCE = 1_000_000


def draws_of_kinds(counts: Any, rows: int, seed: int = 0) -> Iterator[Any]:
    """Yield chunks of draws × kinds: how often each kind comes among so many rows."""
    import numpy as np

    generator = np.random.Generator(np.random.PCG64(seed))
    # Drawing n rows with replacement and counting their kinds is one multinomial draw: the rows
    # themselves need not be drawn, and a million rows cost what ten do. PCG64 by name, for the
    # stream of numpy's default generator may change, and figures would with it.
    shares = counts / counts.sum()
    for start in range(0, RESAMPLES, _CHUNK):
        yield generator.multinomial(rows, shares, size=min(_CHUNK, RESAMPLES - start))


def means_of_draws(values: Any, seed: int = 0) -> Any:
    """Return the mean of each resample of the values; fewer resamples of very many values."""
    import numpy as np

    generator = np.random.Generator(np.random.PCG64(seed))
    # Losses are all different, so that no kinds can be counted here. Of very many rows 200 draws
    # do: an end of the interval is then known to about a twentieth of the interval's width.
    draws = max(200, min(RESAMPLES, _MOST_DRAWN_ROWS // len(values)))
    at_once = max(1, min(draws, _MOST_AT_ONCE // len(values)))
    sizes = [min(at_once, draws - start) for start in range(0, draws, at_once)]
    index_chunks = (generator.integers(0, len(values), (size, len(values))) for size in sizes)
    return np.concatenate([values[rows].mean(axis=1) for rows in index_chunks])


def percentile_interval(draws: Any) -> tuple[float, float]:
    """Return the interval that holds the middle `CONFIDENCE` of the draws."""
    import numpy as np

    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def metric_of_draws(
    weights: Any, gold: Any, predicted: Any, metric: str, labels: Sequence[str]
) -> Any:
    """Return a metric of every draw, as `results.metrics` defines it.

    weights: draws × kinds; gold, predicted: label numbers of the kinds.
    """
    import numpy as np

    one_hot = np.eye(max(len(labels), int(gold.max()) + 1, int(predicted.max()) + 1))
    # BLAS multiplies floats only; counts of rows are exact in them up to 2**53.
    weights = np.asarray(weights, dtype=np.float64)
    golds, predictions = weights @ one_hot[gold], weights @ one_hot[predicted]
    correct = weights @ (one_hot[gold] * (gold == predicted)[:, None])
    rows = weights.sum(axis=1)
    if metric == "accuracy":
        return correct.sum(axis=1) / rows
    if metric == "mcc":
        # A draw in which one side has a single label has no spread: 0, as for a matrix.
        shared = correct.sum(axis=1) * rows - (golds * predictions).sum(axis=1)
        spread = (rows**2 - (golds**2).sum(axis=1)) * (rows**2 - (predictions**2).sum(axis=1))
        return np.divide(shared, np.sqrt(spread), out=np.zeros(len(rows)), where=spread > 0)
    both = golds + predictions
    f1 = np.divide(2 * correct, both, out=np.zeros(both.shape), where=both > 0)
    if metric == "f1_macro":
        return f1.sum(axis=1) / (both > 0).sum(axis=1)
    return f1[:, labels.index(metric.removeprefix(PER_LABEL))]
