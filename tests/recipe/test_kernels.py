"""Which kernels are taken by which speeds."""

from __future__ import annotations

import pytest

from tuner.recipe.kernels import (
    ATTENTION_BF16,
    ATTENTION_FP32,
    BF16,
    ONEDNN,
    PLAIN_KERNELS,
    TORCH,
    Kernels,
    KernelsChoice,
    kernels_by_speed,
    plain_kernels,
)
from tuner.results.kernels_text import describe_kernels

# GFLOP/s a thread, as measured on processors of two generations.
ZEN_4 = {TORCH: 95.0, ONEDNN: 100.0, BF16: 205.0, ATTENTION_FP32: 23.0, ATTENTION_BF16: 25.0}
ZEN_5 = {TORCH: 114.0, ONEDNN: 252.0, BF16: 490.0, ATTENTION_FP32: 23.0, ATTENTION_BF16: 86.0}
SLOW_BF16 = {TORCH: 100.0, ONEDNN: 80.0, BF16: 20.0}
WITHOUT_ONEDNN = {TORCH: 40.0, BF16: 100.0}


@pytest.mark.parametrize(
    ("precision", "speeds", "chosen"),
    [
        ("auto", ZEN_4, Kernels(precision="bf16", attention="fp32")),
        ("auto", ZEN_5, Kernels(precision="bf16", attention="bf16")),
        ("fp32", ZEN_4, PLAIN_KERNELS),
        ("fp32", ZEN_5, Kernels(products="onednn")),
        ("auto", SLOW_BF16, PLAIN_KERNELS),
        ("bf16", SLOW_BF16, Kernels(precision="bf16")),
        ("auto", WITHOUT_ONEDNN, Kernels(precision="bf16")),
        ("auto", {TORCH: 100.0, ONEDNN: 129.0, BF16: 166.0}, PLAIN_KERNELS),
        ("auto", {TORCH: 100.0, ONEDNN: 130.0, BF16: 168.0}, Kernels(products="onednn")),
    ],
)
def test_a_candidate_has_to_be_clearly_faster(
    precision: str, speeds: dict[str, float], chosen: Kernels
) -> None:
    assert kernels_by_speed(precision, speeds) == chosen


def test_what_torch_does_by_itself_follows_the_recipe_and_the_device() -> None:
    assert plain_kernels("auto") == plain_kernels("fp32", auto_bf16=True) == PLAIN_KERNELS
    half = Kernels(precision="bf16", attention="bf16")
    assert plain_kernels("auto", auto_bf16=True) == plain_kernels("bf16") == half


@pytest.mark.parametrize(
    ("kernels", "speeds", "notes", "sentence"),
    [
        (Kernels(precision="bf16"), ZEN_4, [],
         "bf16 products, 2.0 × as fast as fp32 (205 against 100 GFLOP/s); "
         "long texts attend in fp32"),
        (Kernels(products="onednn"), ZEN_5, [],
         "fp32 products by oneDNN, 2.2 × as fast as torch does them (252 against 114 GFLOP/s)"),
        (PLAIN_KERNELS, SLOW_BF16, [],
         "fp32 products as torch does them (100 GFLOP/s; oneDNN 80.0, bf16 20.0)"),
        (PLAIN_KERNELS, {}, ["for a reason"], "fp32 products as torch does them; for a reason"),
    ],
)  # fmt: skip
def test_a_choice_in_words(
    kernels: Kernels, speeds: dict[str, float], notes: list[str], sentence: str
) -> None:
    choice = KernelsChoice(
        precision=kernels.precision, products=kernels.products, attention=kernels.attention,
        speeds=speeds, notes=notes,
    )  # fmt: skip
    assert choice.kernels == kernels
    assert describe_kernels(choice) == sentence
