"""How many rows of a batch fit into memory at once, by estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_FLOAT = 4
# Of what is free, so much is for activations; the rest is for what the estimate leaves out.
_ACTIVATION_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Activations:
    """What a token leaves behind for the backward pass, in bytes, in rows of `longest`.

    After Korthikanti et al. 2022 (Reducing Activation Recomputation in Large Transformer Models):
    34 × hidden and 5 × heads × length at 16 bits a number, twice that at 32.
    `per_token_checkpointed` is with gradient checkpointing: what lies between layers, and one
    layer's activations at a time.
    """

    longest: int
    per_token: int
    per_token_checkpointed: int

    @classmethod
    def from_model_config(cls, config: Any, longest: int) -> Activations:
        """Estimate from a transformers configuration; zeros where it does not state its shape."""
        layers = int(getattr(config, "num_hidden_layers", 0) or 0)
        hidden = int(getattr(config, "hidden_size", 0) or 0)
        heads = int(getattr(config, "num_attention_heads", 0) or 0)
        # The paper counts 16-bit numbers, and attention without a fused kernel: an upper bound for
        # bf16, about right for fp32 (2 ×).
        layer = 2 * (34 * hidden + 5 * heads * longest)
        return cls(longest, layers * layer, layers * hidden * _FLOAT + layer)

    def rows_that_fit(self, available_bytes: int, *, checkpointing: bool) -> int:
        """Return how many of the longest rows fit at once."""
        bytes_per_row = self.longest * (
            self.per_token_checkpointed if checkpointing else self.per_token
        )
        return int(available_bytes * _ACTIVATION_SHARE) // max(1, bytes_per_row)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """The micro-batch size (None: the whole batch), and whether to use gradient checkpointing."""

    rows: int | None = None
    checkpointing: bool = False

    @classmethod
    def fastest_that_fits(
        cls, activations: Activations, batch: int, available_bytes: int
    ) -> MemoryPlan:
        """Return the fastest plan for batches of so many rows in so many bytes, by estimate."""
        # Splitting a batch costs little (launches, less parallel work); checkpointing costs a
        # second forward pass, about a third more time. So micro-batches shrink to one row first.
        if activations.rows_that_fit(available_bytes, checkpointing=False) >= batch:
            return cls()
        rows = activations.rows_that_fit(available_bytes, checkpointing=False)
        if rows >= 1:
            return cls(rows)
        rows = activations.rows_that_fit(available_bytes, checkpointing=True)
        return cls(min(batch, max(1, rows)), checkpointing=True)

    def micro_batch_size(self, batch: int) -> int:
        """Return how many rows of a batch of so many go through the model together."""
        return batch if self.rows is None else min(batch, self.rows)

    def next_smaller_plan(self, batch: int) -> MemoryPlan | None:
        """Return the plan after an allocation failed; None where nothing is left to try.

        Half the rows come first: gradient checkpointing costs a second forward pass.
        """
        rows = self.micro_batch_size(batch)
        if rows > 1:
            return MemoryPlan(rows // 2, self.checkpointing)
        return None if self.checkpointing else MemoryPlan(1, checkpointing=True)

    def describe_plan(self) -> str:
        """Describe the plan in a line for the log; "" where nothing is special."""
        if self.rows is None:
            return ""
        line = f"memory is short: micro-batches of {self.rows} rows, gradients accumulated"
        return f"{line}; gradient checkpointing is on" if self.checkpointing else line
