"""How far a score can be trusted."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(correct: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share: (low, high) for `correct` of `n` at confidence `level`.

    (0, 1) where n is 0. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927).
    """
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} of {n}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = correct / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    high = 1.0 if correct == n else min(1.0, middle + half)
    return low, high
