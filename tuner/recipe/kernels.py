"""Which arithmetic a session's trainers use: the type, and the library of the matrix products."""

from __future__ import annotations

from typing import Literal

import msgspec

Precision = Literal["fp32", "bf16"]
# "torch": whichever library torch itself calls; "onednn": oneDNN, which torch carries.
Products = Literal["torch", "onednn"]


class Kernels(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The kernels of a session. Another choice gives other bits, so that a session keeps its own.

    precision  of the products of linear layers, and of what autocast converts
    products   the library of these products in fp32; in bf16 torch calls oneDNN itself
    attention  the type of the small products within attention
    speeds     what was measured, GFLOP/s by candidate; empty where nothing was
    """

    precision: Precision = "fp32"
    products: Products = "torch"
    attention: Precision = "fp32"
    speeds: dict[str, float] = {}


# What torch does by itself, and what sessions of earlier versions were trained with.
PLAIN_KERNELS = Kernels()
