"""Which arithmetic a session's trainers use: the type, and the library of the matrix products."""

from __future__ import annotations

from typing import Literal

import msgspec

Precision = Literal["fp32", "bf16"]
# "torch": whichever library torch itself calls; "onednn": oneDNN, which torch carries.
Products = Literal["torch", "onednn"]
# "keep": those given, or none; "prefer": others where a machine lacks them; "plain": what torch
# does by itself.
KernelsRule = Literal["keep", "prefer", "plain"]

TORCH, ONEDNN, BF16 = "torch fp32", "onednn fp32", "bf16"
ATTENTION_FP32, ATTENTION_BF16 = "attention fp32", "attention bf16"
"""What is timed; a candidate that a machine lacks has no speed."""

# So much faster a candidate has to be. Without a margin the choice would fall one way today and the
# other tomorrow, and what is gained below it is not worth other bits.
MARGIN = 1.3


class Kernels(msgspec.Struct, frozen=True, kw_only=True):
    """The kernels of a session. Another choice gives other bits, so that a session keeps its own.

    precision  of the products of linear layers, and of what autocast converts
    products   the library of these products in fp32; in bf16 torch calls oneDNN itself
    attention  the type of the products within attention of long sequences, where layers are in
               bf16; short ones attend in fp32
    """

    precision: Precision = "fp32"
    products: Products = "torch"
    attention: Precision = "fp32"


# What torch does by itself, and what sessions of earlier versions were trained with on a CPU.
PLAIN_KERNELS = Kernels()


class KernelsChoice(Kernels, frozen=True, kw_only=True):
    """Kernels with how they were chosen: by which settings, on what, and by which speeds.

    `device` is "cpu", "cuda" or "mps". `speeds` are GFLOP/s a thread by candidate, empty where
    nothing was measured; `notes` say what fell away, and why.
    """

    requested_precision: str = "auto"
    requested_kernels: str = "auto"
    device: str = "cpu"
    processor: str = ""
    torch: str = ""
    speeds: dict[str, float] = {}
    notes: list[str] = []

    @property
    def kernels(self) -> Kernels:
        """The kernels alone, which are equal where the same arithmetic was chosen."""
        return Kernels(precision=self.precision, products=self.products, attention=self.attention)

    @property
    def machine(self) -> tuple[str, str, str]:
        """What bits depend on besides the kernels: device, processor and version of torch."""
        return self.device, self.processor, self.torch


def kernels_by_speed(precision: str, speeds: dict[str, float]) -> Kernels:
    """Choose by what was measured; `precision` is the recipe's."""
    products: Products = "onednn" if speed_ratio(speeds, ONEDNN, TORCH) >= MARGIN else "torch"
    is_faster = speed_ratio(speeds, BF16, TORCH, ONEDNN) >= MARGIN
    if precision == "fp32" or (precision == "auto" and not is_faster):
        return Kernels(products=products)
    attention = speed_ratio(speeds, ATTENTION_BF16, ATTENTION_FP32)
    return Kernels(precision="bf16", attention="bf16" if attention >= MARGIN else "fp32")


def speed_ratio(speeds: dict[str, float], candidate: str, *others: str) -> float:
    """Return how many times as fast as the best of the others a candidate is; 0 if it is absent."""
    best = max((speeds[other] for other in others if other in speeds), default=0.0)
    return speeds.get(candidate, 0.0) / best if best else 0.0


def deciding_ratios(precision: str, speeds: dict[str, float]) -> list[float]:
    """Return the ratios on which side of the margin makes a difference to the choice."""
    chosen = kernels_by_speed(precision, speeds)
    inner = (
        speed_ratio(speeds, ATTENTION_BF16, ATTENTION_FP32)
        if chosen.precision == "bf16"
        else speed_ratio(speeds, ONEDNN, TORCH)
    )
    return [inner, speed_ratio(speeds, BF16, TORCH, ONEDNN)] if precision == "auto" else [inner]


def plain_kernels(precision: str, *, auto_bf16: bool = False) -> Kernels:
    """Return what torch does by itself; `auto_bf16` says that "auto" means bf16 on this device."""
    if precision == "bf16" or (precision == "auto" and auto_bf16):
        return Kernels(precision="bf16", attention="bf16")
    return PLAIN_KERNELS
