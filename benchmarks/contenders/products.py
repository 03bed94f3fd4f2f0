"""The limit: matrix products of a model's own shapes, forward and backward, and nothing else."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kit import child
from tuner.recipe.kernels import BF16, ONEDNN, TORCH
from tuner.training.kernel_speeds import onednn_problem
from tuner.training.products import multiply_by_onednn

_FORWARD_AND_BACKWARD = 6
Linear = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    """Repeat one layer's products for about `seconds` a kernel; answer operations a second."""
    request = child.read_request()
    if request["device"] != "cuda":
        torch.set_num_threads(request["threads"])
    kernels = {
        name: Products(request, linear, dtype)
        for name, (linear, dtype) in kernels_of_device(request["device"]).items()
    }
    for products in kernels.values():
        for _ in range(3):
            products.multiply_layer()
    child.wait_for_start()
    child.send_answer(
        {
            "flops": {
                name: products.measure_rate(request["seconds"])
                for name, products in kernels.items()
            }
        }
    )


def kernels_of_device(device: str) -> dict[str, tuple[Linear, torch.dtype]]:
    """Return what can multiply matrices: on a CPU torch's own choice, oneDNN in fp32, and bf16."""
    if device == "cuda":
        return {BF16: (functional.linear, torch.bfloat16)}
    kernels: dict[str, tuple[Linear, torch.dtype]] = {TORCH: (functional.linear, torch.float32)}
    if not onednn_problem():
        kernels[ONEDNN] = (multiply_by_onednn, torch.float32)
    return kernels | {BF16: (functional.linear, torch.bfloat16)}


class Products:
    """Four matrices of hidden × hidden and two of hidden × intermediate, on real tokens."""

    def __init__(self, request: dict[str, Any], linear: Linear, dtype: torch.dtype) -> None:
        self._linear, self._cuda = linear, request["device"] == "cuda"
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
            self._linear(inputs, weight)
            self._linear(gradient, weight.t())
            self._linear(gradient.t(), inputs.t())

    @torch.no_grad()
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
