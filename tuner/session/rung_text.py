"""How a trial compared with the others at a rung, in words."""

from __future__ import annotations

from tuner.results.format import format_percent, format_score
from tuner.session.events import Rung


def rung_comparison_text(rung: Rung) -> str:
    """Write "compared at 33 %: 0.5412 < cutoff 0.6034, rank 7 of 9".

    The share is the rung's. The trial was evaluated there or, with few evaluations, soon after it.
    """
    compared_at = f"compared at {format_percent(rung.share)}"
    rank = f"rank {rung.rank} of {rung.among}"
    if rung.cutoff is None:
        return f"{compared_at}: {format_score(rung.value)}, {rank}"
    cutoff = f"cutoff {format_score(rung.cutoff)}"
    if rung.one_label:
        return f"{compared_at}: one label for every row; {cutoff}, {rank}"
    sign = "<" if rung.value < rung.cutoff else ">" if rung.value > rung.cutoff else "="
    return f"{compared_at}: {format_score(rung.value)} {sign} {cutoff}, {rank}"
