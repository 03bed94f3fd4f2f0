"""What makes training fast, each with a switch: a benchmark turns one off to see what it brings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Techniques:
    """All of them are exact within float error; users have no reason to turn one off.

    packed            rows of a batch one after the other, no padding (where the model allows it)
    first_token_only  the last layer computes what the head reads
    cheap_dropout     four masks' elements from one random number, on a CPU
    fused_optimizer   AdamW as one kernel
    used_rows         only the vocabulary's rows that the data has take part
    graphs            steps of a few fixed shapes recorded and replayed, on CUDA
    """

    packed: bool = True
    first_token_only: bool = True
    cheap_dropout: bool = True
    fused_optimizer: bool = True
    used_rows: bool = True
    graphs: bool = True


ALL = Techniques()
