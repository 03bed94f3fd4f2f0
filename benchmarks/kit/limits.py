"""The limit: the matrix products of a model's shapes alone, by kernel and by how they are run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kit import report
from kit.arithmetic import Shape
from kit.processes import Contender, run_copies
from tuner.pool.local import trainer_environment
from tuner.recipe.kernels import BF16, MARGIN

Rates = dict[str, list[float]]


class Limits:
    """Operations a second, round by round, by "KERNEL, WAY"."""

    def __init__(self, device: str, shape: Shape, tokens: int, seconds: float) -> None:
        self._request = {
            "device": device,
            "hidden": shape.hidden,
            "intermediate": shape.intermediate,
            "tokens": tokens,
            "seconds": seconds,
        }
        self.rates: Rates = {}

    def measure_way(self, threads: int, copies: int) -> dict[str, Any]:
        """Return as "flops" the rate of every kernel, of all copies together."""
        contender = Contender(
            "contenders.products",
            self._request | {"threads": threads},
            trainer_environment(threads),
            copies,
        )
        answers = [answer["flops"] for answer in run_copies(contender)]
        return {
            "flops": {kernel: sum(answer[kernel] for answer in answers) for kernel in answers[0]}
        }

    def add_rates(self, way: str, rates: Mapping[str, Any]) -> None:
        """Note one way's rates of a round."""
        for kernel, rate in rates.items():
            self.rates.setdefault(f"{kernel}, {way}", []).append(float(rate))

    def rate_of_precision(self, precision: str) -> float:
        """Return the best rate in a precision: of all kernels and ways, by the median."""
        return max(
            (
                report.median(rates)
                for name, rates in self.rates.items()
                if (name.startswith(BF16)) == (precision == BF16)
            ),
            default=float("nan"),
        )

    def best_rate(self) -> float:
        """Return the best rate in any precision."""
        return max(report.median(rates) for rates in self.rates.values())

    def has_fast_bf16(self) -> bool:
        """Whether bf16 is so much faster that everybody who knows would use it: tuner's margin."""
        return self.rate_of_precision(BF16) >= MARGIN * self.rate_of_precision("fp32")

    def as_text(self) -> str:
        """Name every kernel and way with its rate."""
        return ", ".join(
            f"{name} {report.median(rates) / 1e9:.0f}" for name, rates in self.rates.items()
        )
