"""From rows to what the model takes: padded micro-batches of about equal length.

Another way to lay rows out (all in one packed row, say) is another class with `iter_micro_batches`;
the loop and the evaluation only know that a micro-batch computes its rows' logits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tuner.training.tokens import TokenizedSplit

Indices = npt.NDArray[np.int64]
# Where padding goes; None: nowhere, because rows of equal length alone go together.
PaddingSide = Literal["left", "right"]


class MicroBatch(Protocol):
    """Some rows on the device. `labels` are their class numbers, in the order of the logits."""

    @property
    def labels(self) -> torch.Tensor: ...

    def compute_logits(self, model: nn.Module) -> torch.Tensor:
        """Return unnormalised scores, rows × classes."""
        ...


class Layout(Protocol):
    """A split on the device that is cut into micro-batches on request."""

    def iter_micro_batches(
        self, rows: Indices, overhead: int
    ) -> Iterator[tuple[Indices, MicroBatch]]:
        """Yield (positions in `rows`, micro-batch) until all rows are covered.

        `overhead` is what one more micro-batch costs, in tokens of arithmetic.
        """
        ...


def copy_to_device(array: npt.NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy an array to the device without making the host wait."""
    # Only a copy from pinned memory is asynchronous; from pageable memory CUDA waits.
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


@dataclass(frozen=True, slots=True)
class PaddedMicroBatch:
    """Rows padded to the longest of them."""

    inputs: dict[str, torch.Tensor]
    labels: torch.Tensor

    def compute_logits(self, model: nn.Module) -> torch.Tensor:
        scores: torch.Tensor = model(**self.inputs).logits
        return scores


class PaddedLayout:
    """Length-sorted micro-batches, each padded on one side to its own longest row.

    Without a side nothing is padded: a micro-batch holds rows of one length.
    """

    def __init__(
        self,
        split: TokenizedSplit,
        pad: int,
        device: torch.device,
        side: PaddingSide | None = "right",
    ) -> None:
        self._tokens = torch.from_numpy(split.tokens).to(device)
        self._types = torch.from_numpy(split.types).to(device) if len(split.types) else None
        self._starts = torch.from_numpy(np.ascontiguousarray(split.offsets[:-1])).to(device)
        self._labels = torch.from_numpy(split.labels).to(device)
        self._lengths = np.ascontiguousarray(split.lengths)
        self._pad = pad
        self._device = device
        self._side = side

    def iter_micro_batches(
        self, rows: Indices, overhead: int
    ) -> Iterator[tuple[Indices, MicroBatch]]:
        """Cut `rows` where sorting by length saves more padding than `overhead`, in tokens."""
        lengths = self._lengths[rows]
        # Stable, so that rows of one length keep the order that the seed gave them.
        order = np.argsort(lengths, kind="stable")
        ascending = lengths[order].tolist()
        cuts = (
            cheapest_cuts(ascending, overhead) if self._side else cuts_at_length_changes(ascending)
        )
        for start, end in cuts:
            positions = order[start:end]
            yield positions, self.build_micro_batch(rows[positions])

    def build_micro_batch(self, rows: Indices) -> PaddedMicroBatch:
        """Pad these rows to the longest of them."""
        lengths = self._lengths[rows]
        longest = int(lengths.max())
        row_numbers = copy_to_device(rows, self._device)
        columns = torch.arange(longest, device=self._device)
        # Without padding no mask: most attention kernels have a faster path then.
        if int(lengths.min()) == longest:
            where = self._starts[row_numbers, None] + columns
            inputs = {"input_ids": self._tokens[where].long()}
        else:
            sizes = copy_to_device(lengths, self._device)[:, None]
            if self._side == "left":
                columns = columns - (longest - sizes)
            mask = (columns >= 0) & (columns < sizes)
            # Outside of the mask the index is 0: a place that exists, whose token is replaced
            # below.
            where = (self._starts[row_numbers, None] + columns) * mask
            inputs = {
                "input_ids": self._tokens[where].masked_fill(~mask, self._pad).long(),
                "attention_mask": mask.long(),
            }
        if self._types is not None:
            types = self._types[where].long()
            inputs["token_type_ids"] = (
                types * inputs["attention_mask"] if "attention_mask" in inputs else types
            )
        return PaddedMicroBatch(inputs, self._labels[row_numbers])


class SingleRowLayout:
    """Every row by itself, as a pipeline gives a single text to a model.

    This defines what a row's prediction is; other layouts have to give the same.
    """

    def __init__(self, split: TokenizedSplit, device: torch.device) -> None:
        self._unpadded_layout = PaddedLayout(split, 0, device, side=None)

    def iter_micro_batches(
        self, rows: Indices, overhead: int
    ) -> Iterator[tuple[Indices, MicroBatch]]:
        del overhead
        for position in range(len(rows)):
            micro_batch = self._unpadded_layout.build_micro_batch(rows[[position]])
            mask = torch.ones_like(micro_batch.inputs["input_ids"])
            inputs = micro_batch.inputs | {"attention_mask": mask}
            yield np.array([position]), PaddedMicroBatch(inputs, micro_batch.labels)


def cuts_at_length_changes(ascending: Sequence[int]) -> list[tuple[int, int]]:
    """Return (start, end) of each run of equal lengths."""
    lengths = np.asarray(ascending, dtype=np.int64)
    bounds = [0, *(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(lengths)]
    return list(itertools.pairwise(bounds))


def cheapest_cuts(lengths: Sequence[int], overhead: int) -> list[tuple[int, int]]:
    """Cut ascending lengths into (start, end) with the least padded tokens + overhead for each cut.

    Exact, by dynamic programming over the last cut; O(n²) for n lengths.
    """
    ascending = np.asarray(lengths, dtype=np.int64)
    # All padding together costs less than one cut.
    if ascending[-1] * len(lengths) - ascending.sum() <= overhead:
        return [(0, len(lengths))]
    costs = np.zeros(len(lengths) + 1, dtype=np.int64)
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    counts = np.arange(len(lengths), 0, -1, dtype=np.int64)
    for end in range(1, len(lengths) + 1):
        # The last span is start:end, padded to its longest row, for every possible start at once.
        tries = costs[:end] + ascending[end - 1] * counts[len(lengths) - end :] + overhead
        starts[end] = int(np.argmin(tries))
        costs[end] = tries[starts[end]]
    spans = []
    end = len(lengths)
    while end:
        spans.append((int(starts[end]), end))
        end = int(starts[end])
    return spans[::-1]


def cuts_within_budget(lengths: Any, budget: int) -> Iterator[tuple[int, int]]:
    """Cut ascending lengths into (start, end) of at most `budget` padded tokens, or of one row."""
    start = 0
    for end, length in enumerate(lengths):
        if end > start and (end + 1 - start) * length > budget:
            yield start, end
            start = end
    if start < len(lengths):
        yield start, len(lengths)
