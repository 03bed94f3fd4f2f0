"""The limit: matrix products of a model's own shapes, forward and backward, and nothing else."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from kit import child

_FORWARD_AND_BACKWARD = 6


def main() -> None:
    """Repeat one layer's products for about `seconds`; answer operations a second."""
    request = child.read_request()
    cuda = request["device"] == "cuda"
    if not cuda:
        torch.set_num_threads(request["threads"])
    products = Products(request, torch.bfloat16 if cuda else torch.float32)
    for _ in range(3):
        products.multiply_layer()
    child.wait_for_start()
    child.send_answer({"flops": products.measure_rate(request["seconds"])})


class Products:
    """Four matrices of hidden × hidden and two of hidden × intermediate, on real tokens."""

    def __init__(self, request: dict[str, Any], dtype: torch.dtype) -> None:
        self._cuda = request["device"] == "cuda"
        hidden, intermediate, rows = (
            request["hidden"],
            request["intermediate"],
            request["tokens"],
        )
        tensor_options: dict[str, Any] = {"dtype": dtype, "device": request["device"]}
        self._sizes = [(hidden, hidden)] * 4 + [(hidden, intermediate), (intermediate, hidden)]
        self._inputs = {
            size: torch.randn(rows, size, **tensor_options) for size in (hidden, intermediate)
        }
        self._weights = [
            torch.randn(output_size, size, **tensor_options) for size, output_size in self._sizes
        ]

    def multiply_layer(self) -> None:
        """Output, input's gradient and weight's gradient of each matrix."""
        for (size, output_size), weight in zip(self._sizes, self._weights, strict=True):
            inputs, gradient = self._inputs[size], self._inputs[output_size]
            torch.mm(inputs, weight.T)
            torch.mm(gradient, weight)
            torch.mm(gradient.T, inputs)

    def measure_rate(self, seconds: float) -> float:
        """Operations a second, the median of short measurements over so many seconds."""
        rows = len(next(iter(self._inputs.values())))
        elements = sum(weight.numel() for weight in self._weights)
        rates: list[float] = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until or not rates:
            started = time.perf_counter()
            for _ in range(10):
                self.multiply_layer()
            if self._cuda:
                torch.cuda.synchronize()
            passed = time.perf_counter() - started
            rates.append(10 * _FORWARD_AND_BACKWARD * elements * rows / passed)
        return statistics.median(rates)


if __name__ == "__main__":
    main()
