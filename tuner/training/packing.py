"""Batches without padding: all sequences of a batch in one row, each attending to itself alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tuner.training.batches import Indices, MicroBatch
from tuner.training.spans import HostSpans, Spans
from tuner.training.tokens import TokenizedSplit

ATTENTION = "tuner_spans"


class NotPackable(Exception):
    """The model cannot run packed; the message says why."""


@dataclass(frozen=True, slots=True)
class PackedMicroBatch:
    """Sequences one after the other in a row of 1 × tokens."""

    inputs: dict[str, Tensor]
    spans: Spans
    labels: Tensor

    def compute_logits(self, model: nn.Module) -> Tensor:
        scores: Tensor = model(**self.inputs, spans=self.spans).logits
        return scores


class PackedLayout:
    """A split as packed micro-batches; each is a whole batch.

    In bf16, long sequences attend in `long_dtype`; see HostSpans.
    """

    def __init__(
        self,
        split: TokenizedSplit,
        position_offset: int,
        device: torch.device,
        long_dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        self._tokens = torch.from_numpy(split.tokens).to(device)
        self._types = torch.from_numpy(split.types).to(device) if len(split.types) else None
        self._starts = np.ascontiguousarray(split.offsets[:-1])
        self._labels = torch.from_numpy(split.labels).to(device)
        self._lengths = np.ascontiguousarray(split.lengths)
        self._position_offset = position_offset
        self._device, self._long_dtype = device, long_dtype

    def iter_micro_batches(
        self, rows: Indices, overhead: int
    ) -> Iterator[tuple[Indices, MicroBatch]]:
        """Yield all rows as one micro-batch: there is no padding that cutting could save."""
        del overhead
        yield np.arange(len(rows)), self._build_packed_batch(rows)

    def _build_packed_batch(self, rows: Indices) -> PackedMicroBatch:
        # Position of each token within its sequence: 0 1 2 | 0 1 | 0 1 2 3 …
        lengths = self._lengths[rows]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        # Where each token lies in the split's flat array.
        where = torch.from_numpy(np.repeat(self._starts[rows], lengths) + within).to(self._device)
        # Given explicitly: a model would count on through the whole row.
        positions = torch.from_numpy(within + self._position_offset).to(self._device)
        inputs = {"input_ids": self._tokens[where].long()[None], "position_ids": positions[None]}
        if self._types is not None:
            inputs["token_type_ids"] = self._types[where].long()[None]
        spans = HostSpans.from_lengths(lengths.tolist(), self._device, self._long_dtype)
        row_numbers = torch.from_numpy(np.array(rows)).to(self._device)
        return PackedMicroBatch(inputs, spans, self._labels[row_numbers])


def register_span_attention() -> None:
    """Make our attention known to transformers under the name `ATTENTION`."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(ATTENTION, _span_attention)
    AttentionMaskInterface.register(ATTENTION, _no_attention_mask)


# Sequences attend within their spans; a mask would be a square of the whole packed row.
def _no_attention_mask(*_: Any, **__: Any) -> None:
    return None


def _span_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    spans: Spans | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers calls it: 1 × heads × tokens × head size, each."""
    # transformers hands unknown keyword arguments down to the attention function; models that do
    # not cannot run packed, and the proof says so before a trial depends on it.
    if spans is None or attention_mask is not None:
        raise NotPackable("its layers do not pass the spans on")
    # What spans do not express: a local window, logit caps, attention sinks, causality.
    limits = [
        name for name in ("sliding_window", "softcap", "s_aux") if others.get(name) is not None
    ]
    if limits or getattr(module, "is_causal", False):
        raise NotPackable(f"its attention is limited by {', '.join(limits) or 'a causal mask'}")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    return spans.attend(q, k, v, scale, dropout)[None], None


class Packing:
    """A model that is switched between packed rows and the padded batches that it came with.

    The encoder's output becomes the first hidden state of each sequence (sequences × 1 × size), so
    that the model's own pooler and head see a batch of sequences of one token. Where the last layer
    is built like BERT's, it computes those first states only.
    """

    def __init__(self, model: Any, *, first_token_only: bool = True) -> None:
        register_span_attention()
        self._model = model
        self._encoder, self._last = _encoder_and_last_layer(self._model)
        self._plain_attention = self._model.config._attn_implementation
        self._first_only = first_token_only and _is_bert_layer(self._last)
        self._hook: Any = None
        self.position_offset = 0

    @property
    def first_token_only(self) -> bool:
        """Return whether the last layer computes the first token of each sequence alone."""
        return self._first_only

    def switch_on_packing(self) -> None:
        self._model.config._attn_implementation = ATTENTION
        # A hook on the encoder, since the pooler and the head behind it differ from model to model:
        # all of them read hidden[:, 0].
        self._hook = self._encoder.register_forward_hook(self._pick_first_tokens, with_kwargs=True)
        if self._first_only:
            self._last.forward = MethodType(_first_token_forward, self._last)

    def switch_off_packing(self) -> None:
        self._model.config._attn_implementation = self._plain_attention
        if self._hook is not None:
            self._hook.remove()
            self._hook = None
        self._last.__dict__.pop("forward", None)

    @contextmanager
    def packing_switched_off(self) -> Iterator[None]:
        """Use padded batches meanwhile, and a configuration that other programs can read."""
        self.switch_off_packing()
        try:
            yield
        finally:
            self.switch_on_packing()

    def _pick_first_tokens(
        self, _module: nn.Module, _args: Any, kwargs: dict[str, Any], output: Any
    ) -> Any:
        if "spans" not in kwargs:
            raise NotPackable("its encoder does not receive the spans")
        # 1 × tokens × size becomes sequences × 1 × size: a batch of sequences that are one token
        # long.
        hidden = output.last_hidden_state
        if not self._first_only:
            hidden = hidden.index_select(1, kwargs["spans"].first)
        output.last_hidden_state = hidden.transpose(0, 1)
        return output


def _encoder_and_last_layer(model: Any) -> tuple[nn.Module, Any]:
    """Find the module that holds the list of all layers and returns their last hidden state."""
    layers = int(getattr(model.config, "num_hidden_layers", 0) or 0)
    base = getattr(model, "base_model", model)
    for module in base.modules():
        # The output of the base model itself comes too late: its pooler has read it by then.
        if module is base:
            continue
        for child in module.children():
            if isinstance(child, nn.ModuleList) and 0 < len(child) == layers:
                return module, child[-1]
    raise NotPackable("it has no list of layers in an encoder of its own")


def _is_bert_layer(layer: Any) -> bool:
    attention = getattr(layer, "attention", None)
    inner = getattr(attention, "self", None)
    parts = all(hasattr(inner, name) for name in ("query", "key", "value", "attention_head_size"))
    return parts and hasattr(attention, "output") and hasattr(layer, "feed_forward_chunk")


def _first_token_forward(
    layer: Any, hidden_states: Tensor, *_: Any, spans: Spans, **__: Any
) -> Tensor:
    """Run a BERT layer with the first tokens as its only queries: 1 × sequences × size."""
    inner = layer.attention.self
    shape = (-1, inner.attention_head_size)
    # Keys and values of all tokens, one query a sequence: the head reads nothing else of this
    # layer. The output projection, the residual and the feed-forward block see first tokens only,
    # which saves most of the layer's work.
    first = hidden_states.index_select(1, spans.first)
    mixed = spans.attend(
        inner.query(first)[0].unflatten(-1, shape),
        inner.key(hidden_states)[0].unflatten(-1, shape),
        inner.value(hidden_states)[0].unflatten(-1, shape),
        inner.scaling,
        inner.dropout.p if layer.training else 0.0,
    )
    attended = layer.attention.output(mixed.flatten(1)[None], first)
    output: Tensor = layer.feed_forward_chunk(attended)
    return output
