"""Which arithmetic a session computes with, in words."""

from __future__ import annotations

from tuner.recipe.kernels import BF16, ONEDNN, TORCH, KernelsChoice, speed_ratio
from tuner.results.format import format_decimals, format_speed


def describe_kernels(choice: KernelsChoice) -> str:
    """Return "bf16 products, 2.0 × as fast as fp32 (205 against 100 GFLOP/s); long texts …".

    Speeds are those of a thread; notes on what this machine lacks come last.
    """
    return "; ".join([_products_text(choice), *_attention_text(choice), *choice.notes])


def _products_text(choice: KernelsChoice) -> str:
    speeds = choice.speeds
    if not speeds:
        return f"{choice.precision} products as torch does them"
    if choice.precision == "bf16":
        return f"bf16 products, {_advantage_text(choice, BF16, 'fp32', TORCH, ONEDNN)}"
    if choice.products == "onednn":
        advantage = _advantage_text(choice, ONEDNN, "torch does them", TORCH)
        return f"fp32 products by oneDNN, {advantage}"
    others = {"oneDNN": ONEDNN, "bf16": BF16}
    slower = [
        f"{name} {format_speed(speeds[key])}" for name, key in others.items() if key in speeds
    ]
    beside = f"; {', '.join(slower)}" if slower else ""
    return f"fp32 products as torch does them ({format_speed(speeds[TORCH])} GFLOP/s{beside})"


def _advantage_text(choice: KernelsChoice, chosen: str, named: str, *others: str) -> str:
    ratio = speed_ratio(choice.speeds, chosen, *others)
    best = max(choice.speeds.get(other, 0.0) for other in others)
    speeds = f"{format_speed(choice.speeds[chosen])} against {format_speed(best)} GFLOP/s"
    return f"{format_decimals(ratio, 1)} × as fast as {named} ({speeds})"


def _attention_text(choice: KernelsChoice) -> list[str]:
    """Say in which type attention is computed; in fp32 there is no choice."""
    return [f"long texts attend in {choice.attention}"] if choice.precision == "bf16" else []
