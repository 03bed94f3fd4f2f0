"""Word embeddings of the tokens that the data has; all others wait until the model is saved.

A row that no batch asks for has no gradient, so that AdamW's moments stay zero and nothing but
weight decay moves it. Leaving those rows out is exact, and their decay is made up for on saving.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.training.data import SessionData
from tuner.training.model import input_embedding
from tuner.training.row_gradients import RowGradients


class UsedRowsEmbedding(nn.Embedding):
    """An embedding with some of its rows, which still takes the model's own ids.

    `place` gives for every id its row here; ids without one must not come.
    """

    place: Tensor
    row_gradients: RowGradients | None

    def forward(self, input: Tensor) -> Tensor:
        rows = self.place[input]
        if self.row_gradients is not None and self.row_gradients.is_free():
            return self.row_gradients.look_up_rows(rows)
        return functional.embedding(rows, self.weight, self.padding_idx)


class UsedVocabulary:
    """A model whose word embeddings hold the rows in use alone; see `shrink_to_used_rows`."""

    def __init__(self, name: str, embedding: nn.Embedding, used: Tensor) -> None:
        self.name = name
        self.full_size = embedding.num_embeddings
        self._embedding: Any = embedding
        self._padding = embedding.padding_idx
        self._used = used
        self._all_rows = embedding.weight.detach().cpu()
        # -1 for ids out of use: an id that should not come raises an index error instead of
        # silently taking another token's vector.
        place = torch.full((self.full_size,), -1, dtype=torch.int64)
        place[used] = torch.arange(len(used))
        device = embedding.weight.device
        self._place = place.to(device)
        self._shrink_embedding(nn.Parameter(self._all_rows[used].to(device)))

    def __len__(self) -> int:
        """Return the number of rows in use."""
        return len(self._used)

    @contextmanager
    def whole_embedding(self, decay: float) -> Iterator[None]:
        """Restore the whole embedding meanwhile, rows out of use times `decay`."""
        rows = self._embedding.weight
        weight = self._all_rows * decay
        weight[self._used] = rows.detach().cpu()
        # The class is exchanged in place, since the model and its hooks hold the module itself.
        self._embedding.__class__ = nn.Embedding
        self._embedding.num_embeddings, self._embedding.padding_idx = self.full_size, self._padding
        self._embedding.weight = nn.Parameter(weight)
        try:
            yield
        finally:
            self._shrink_embedding(rows)

    def _shrink_embedding(self, rows: nn.Parameter) -> None:
        embedding = self._embedding
        embedding.__class__ = UsedRowsEmbedding
        embedding.place, embedding.weight = self._place, rows
        embedding.num_embeddings = len(rows)
        if self._padding is not None:
            embedding.padding_idx = int(self._place[self._padding])
        # On a GPU recorded steps add to gradients of their own.
        on_host = rows.device.type == "cpu"
        embedding.row_gradients = RowGradients(rows, embedding.padding_idx) if on_host else None


def shrink_to_used_rows(
    model: Any, data: SessionData, pad: int, fresh: set[str]
) -> UsedVocabulary | None:
    """Cut a model's word embeddings down to the ids of the data and `pad`, or leave them.

    They are left where all are in use, where another module shares them, where every trial
    initialises them anew, or where the model has its own kind of embedding.
    """
    embedding = input_embedding(model)
    if type(embedding) is not nn.Embedding or embedding.max_norm is not None or embedding.sparse:
        return None
    names = [
        name
        for name, parameter in model.named_parameters(remove_duplicate=False)
        if parameter is embedding.weight
    ]
    padding_ids = {pad} if embedding.padding_idx is None else {pad, embedding.padding_idx}
    # The padding id as well: padded batches and filler look it up even where no text has it.
    used = np.union1d(np.union1d(data.train.tokens, data.validation.tokens), sorted(padding_ids))
    used = used[used < embedding.num_embeddings].astype(np.int64)
    if len(names) != 1 or names[0] in fresh or len(used) == embedding.num_embeddings:
        return None
    return UsedVocabulary(names[0], embedding, torch.from_numpy(used))
