"""Packed rows of a few fixed lengths, put together on the device.

A host that builds batches waits for the device or makes it wait. Here a batch is made of row
numbers by operations that never need a result from the device and whose shapes follow from the
number of rows and the length of the packed row alone, so that a CUDA graph can record them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tuner.training.batches import Indices, MicroBatch, copy_to_device
from tuner.training.packing import PackedMicroBatch
from tuner.training.tokens import TokenizedSplit
from tuner.training.varlen import DeviceSpans, Kernel, SequenceBounds

# Lengths are multiples of this many tokens: matrix products have tiles of 64 or 128 rows, and a
# coarser grid means fewer shapes to record.
GRAIN = 64
# Of the standard deviation of a batch's total length. A CUDA graph has one shape, so batches are
# rounded up to a few lengths: finer steps waste less of a row, coarser ones need fewer recordings.
# With 0.8 some seven lengths hold 99 of 100 batches, and 6 % of a packed row is filler (RTE,
# batches of 16).
_STEP = 0.8


@dataclass(frozen=True, slots=True)
class ResidentSplit:
    """A split's arrays on the device, as in TokenizedSplit, and its lengths on the host too."""

    tokens: Tensor
    types: Tensor | None
    starts: Tensor
    lengths: Tensor
    labels: Tensor
    host_lengths: Indices

    @classmethod
    def from_split(cls, split: TokenizedSplit, device: torch.device) -> ResidentSplit:
        lengths = np.ascontiguousarray(split.lengths)
        return cls(
            tokens=torch.from_numpy(split.tokens).to(device),
            types=torch.from_numpy(split.types).to(device) if len(split.types) else None,
            starts=torch.from_numpy(np.ascontiguousarray(split.offsets[:-1])).to(device),
            lengths=torch.from_numpy(lengths).to(device),
            labels=torch.from_numpy(split.labels).to(device),
            host_lengths=lengths,
        )


class StaticLayout:
    """A split as packed rows whose lengths are multiples of a step.

    What a row has left over holds filler sequences, no longer than the split's longest, in which
    text of the split is repeated. None of their labels and hidden states reaches the loss. `kernel`
    is as in DeviceSpans; `grain`, in tokens, divides every packed row's length.
    """

    def __init__(
        self,
        resident: ResidentSplit,
        position_offset: int,
        kernel: Kernel | None = None,
        grain: int = GRAIN,
    ) -> None:
        self._resident = resident
        self._position_offset = position_offset
        self._kernel = kernel
        self._grain = grain
        self._longest = int(resident.host_lengths.max())
        self._spread = float(resident.host_lengths.std())

    @property
    def device(self) -> torch.device:
        return self._resident.tokens.device

    def iter_micro_batches(
        self, rows: Indices, overhead: int
    ) -> Iterator[tuple[Indices, MicroBatch]]:
        """Yield all rows as one micro-batch, hardly longer than they are together."""
        del overhead
        packed_length = _round_up_to_multiple(self._total_tokens(rows), self._grain)
        yield (
            np.arange(len(rows)),
            self.build_micro_batch(copy_to_device(np.array(rows), self.device), packed_length),
        )

    def static_length(self, rows: Indices) -> int:
        """Return the length of the packed row for a batch: one of a few for its number of rows."""
        # The lengths of a random batch add up with a deviation of spread × √rows.
        step = _STEP * self._spread * len(rows) ** 0.5
        return _round_up_to_multiple(
            self._total_tokens(rows), self._grain * max(1, round(step / self._grain))
        )

    def _total_tokens(self, rows: Indices) -> int:
        return int(self._resident.host_lengths[rows].sum())

    def build_micro_batch(self, rows: Tensor, packed_length: int) -> PackedMicroBatch:
        """Pack the rows of these numbers (int64, on the device) into 1 × `packed_length` tokens."""
        data, device = self._resident, self.device
        # Everything from here on has a shape that is known on the host, and no value comes back to
        # it: no .item(), no boolean indexing, no repeat_interleave without output_size.
        ends = data.lengths[rows].cumsum(0)
        # Enough filler for the shortest batch possible, of one token a row. What a batch does not
        # need is clamped to length 0 at the end of the row.
        filler_count = -(-(packed_length - len(rows)) // self._longest)
        filler_ends = ends[-1] + self._longest * torch.arange(1, filler_count + 1, device=device)
        bounds = torch.cat([ends.new_zeros(1), ends, filler_ends.clamp(max=packed_length)])
        places = torch.arange(packed_length, device=device)
        # The sequence of each token. right=True skips sequences of length 0.
        owners = torch.searchsorted(bounds[1:], places, right=True)
        within = places - bounds[owners]
        # Filler repeats the split's first tokens: valid ids, so that embeddings and norms stay
        # finite.
        starts = torch.cat([data.starts[rows], ends.new_zeros(filler_count)])
        where = starts[owners] + within
        inputs = {
            "input_ids": data.tokens[where].long()[None],
            "position_ids": (within + self._position_offset)[None],
        }
        if data.types is not None:
            inputs["token_type_ids"] = data.types[where].long()[None]
        return PackedMicroBatch(
            inputs, self._build_device_spans(bounds, owners, len(rows)), data.labels[rows]
        )

    def _build_device_spans(self, bounds: Tensor, owners: Tensor, rows: int) -> DeviceSpans:
        ends = bounds.to(torch.int32)
        heads = torch.arange(rows + 1, dtype=torch.int32, device=self.device)
        return DeviceSpans(
            first=bounds[:rows],
            is_filler=owners >= rows,
            # `max_seqlen` is the split's longest row, not the batch's: the kernel's launch is part
            # of the recording and has to suit every batch that is replayed through it.
            all_sequences=SequenceBounds(ends, self._longest),
            real_sequences=SequenceBounds(ends[: rows + 1], self._longest),
            first_tokens=SequenceBounds(heads, 1),
            kernel=self._kernel,
        )


def _round_up_to_multiple(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
