"""A tokenizer adapted to its model: no text gives control tokens, and what it gives is embedded.

Whatever is changed here is changed in the tokenizer itself, so that it is saved with the model and
a plain pipeline encodes a text as tuner did.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value
from tuner.results.format import format_full_count
from tuner.training.model import input_embedding, position_offset

_PAD_STAND_INS = ("eos_token", "sep_token", "bos_token", "cls_token", "mask_token")
_ROLES = (*_PAD_STAND_INS, "pad_token")
_NEW_PAD = "[PAD]"


@contextmanager
def truncation_restored(tokenizer: Any) -> Iterator[None]:
    """Restore a tokenizer's truncation afterwards.

    A fast tokenizer keeps the truncation that it was called with, and saves it, too: a best model's
    tokenizer would depend on whether the rows were tokenized before or came from the cache.
    """
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    before: dict[str, Any] | None = getattr(backend, "truncation", None)
    yield
    if before is not None:
        backend.enable_truncation(**before)
    elif backend is not None:
        backend.no_truncation()


def control_tokens(tokenizer: Any) -> list[str]:
    """List the tokens that mean begin, end, padding or the like to a model."""
    tokens = (getattr(tokenizer, role, None) for role in _ROLES)
    return sorted({str(token) for token in tokens if token})


def control_token_ids(tokenizer: Any) -> list[int]:
    """Return the ids of the control tokens, without one that stands for unknown words as well."""
    ids = {int(tokenizer.convert_tokens_to_ids(token)) for token in control_tokens(tokenizer)}
    return sorted(ids - {tokenizer.unk_token_id})


def encode_control_tokens_as_text(tokenizer: Any) -> None:
    """Let "</s>" in a text be those four characters, never the token that ends texts.

    Special tokens that have no such role (markers that somebody added) and ordinary added tokens
    are still recognised in texts. A tokenizer written in Python can only give up all of them or
    none: the special ones go with the control tokens, and where there are ordinary ones, none goes.
    """
    if is_fast_tokenizer(tokenizer):
        _demote_marker_tokens(tokenizer)
        _split_special_tokens(tokenizer)
        tokenizer.backend_tokenizer.encode_special_tokens = True
        _break_vocabulary_entries(tokenizer)
    elif set(tokenizer.get_added_vocab()) <= {*map(str, tokenizer.all_special_tokens)}:
        _split_special_tokens(tokenizer)


def is_fast_tokenizer(tokenizer: Any) -> bool:
    """Return whether it comes from the tokenizers library, rather than being written in Python."""
    return getattr(tokenizer, "backend_tokenizer", None) is not None


def tokens_taken_for_text(tokenizer: Any) -> list[str]:
    """List the special tokens that are encoded as text where they are written out."""
    if is_fast_tokenizer(tokenizer) or not tokenizer.split_special_tokens:
        return control_tokens(tokenizer)
    return sorted(map(str, tokenizer.all_special_tokens))


def _split_special_tokens(tokenizer: Any) -> None:
    tokenizer.split_special_tokens = True
    # What is saved is what the tokenizer was made with.
    tokenizer.init_kwargs["split_special_tokens"] = True


def _demote_marker_tokens(tokenizer: Any) -> None:
    """Make special tokens without a role ordinary added ones: only special ones are given up."""
    role_tokens = {*control_tokens(tokenizer), str(tokenizer.unk_token)}
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    markers = [t for t in state["added_tokens"] if t["special"] and t["content"] not in role_tokens]
    if not markers:
        return
    for token in markers:
        token["special"] = False
    backend = type(tokenizer.backend_tokenizer)
    tokenizer._tokenizer = backend.from_str(json.dumps(state))


def _break_vocabulary_entries(tokenizer: Any) -> None:
    """Put a space into control tokens that a word or unigram model has in its vocabulary.

    Otherwise it would find "</s>" there. The space is what the tokenizer's own normalizer makes of
    one.
    """
    from tokenizers import normalizers

    leaking = [
        token for token in control_tokens(tokenizer) if _encodes_as_control_token(tokenizer, token)
    ]
    if not leaking:
        return
    backend = tokenizer.backend_tokenizer
    own_normalizers = [backend.normalizer] if backend.normalizer is not None else []
    space = (
        own_normalizers[0].normalize_str("a b").partition("a")[2].rpartition("b")[0]
        if own_normalizers
        else " "
    )
    breaks = [normalizers.Replace(token, token[0] + space + token[1:]) for token in leaking]
    backend.normalizer = normalizers.Sequence([*own_normalizers, *breaks])


def _encodes_as_control_token(tokenizer: Any, token: str) -> bool:
    """Return whether some text with this token's string in it gives a control token."""
    control = set(control_token_ids(tokenizer))
    texts = (token, f"a{token}b", f"a {token} b", token + token, token.upper(), token.lower())
    encode = tokenizer.backend_tokenizer.encode
    return any(control & set(encode(text, add_special_tokens=False).ids) for text in texts)


# --- the model's side


def count_embedded_ids(model: Any, config: Any) -> int | None:
    """Count the ids that have embeddings; None where the model does not look them up in a table."""
    embedding = input_embedding(model)
    vocabulary = getattr(config, "vocab_size", None)
    if isinstance(embedding, nn.Embedding) and embedding.num_embeddings == vocabulary:
        return int(embedding.num_embeddings)
    return None


def adapt_tokenizer(tokenizer: Any, model: Any, config: Any, name: str) -> list[str]:
    """Adapt padding and token types to a model, which may be one without weights.

    Returns what is worth a warning. Raises TunerError where there is nothing to pad with.
    """
    embedded = count_embedded_ids(model, config)
    warnings = [
        *_adapt_padding_token(tokenizer, model, config, embedded, name),
        *_check_vocabulary_size(tokenizer, embedded, name),
    ]
    _adapt_token_types(tokenizer, model, config)
    return warnings


def _adapt_padding_token(
    tokenizer: Any, model: Any, config: Any, embedded: int | None, name: str
) -> list[str]:
    if tokenizer.pad_token is not None:
        return _resolve_padding_mismatch(tokenizer, model, config)
    warning = "the tokenizer has no padding token: {} stands in"
    stand_in = next((t for role in _PAD_STAND_INS if (t := getattr(tokenizer, role, None))), None)
    if stand_in is not None:
        tokenizer.pad_token = stand_in
        return [warning.format(quote_value(str(stand_in)))]
    if embedded is not None and len(tokenizer) < embedded:
        tokenizer.add_special_tokens({"pad_token": _NEW_PAD})
        return [warning.format(f"{quote_value(_NEW_PAD)}, with an embedding that no token has,")]
    if tokenizer.unk_token is not None:
        tokenizer.pad_token = tokenizer.unk_token
        return [warning.format(quote_value(str(tokenizer.unk_token)))]
    raise TunerError(
        f"model.name: {name}: its tokenizer has no padding token and no other special token to "
        "stand in; set tokenizer.pad_token, resize the model's embeddings where it is new, and "
        "save both"
    )


def _resolve_padding_mismatch(tokenizer: Any, model: Any, config: Any) -> list[str]:
    """Choose between two padding ids.

    The model's is used where it counts positions by it, else the tokenizer's.
    """
    tokenizer_id, model_id = tokenizer.pad_token_id, getattr(config, "pad_token_id", None)
    if model_id is None or model_id == tokenizer_id:
        return []
    used = tokenizer_id
    token = tokenizer.convert_ids_to_tokens(model_id) if model_id < len(tokenizer) else None
    if position_offset(model) and token is not None:
        tokenizer.pad_token, used = token, model_id
    return [f"the tokenizer pads with id {tokenizer_id}, the model with {model_id}: {used} is used"]


def _check_vocabulary_size(tokenizer: Any, embedded: int | None, name: str) -> list[str]:
    if embedded is None:
        return []
    pad = tokenizer.pad_token_id
    if pad >= embedded:
        raise TunerError(
            f"model.name: {name}: the padding token {quote_value(tokenizer.pad_token)} has id "
            f"{pad}, {explain_missing_embedding(embedded)}"
        )
    size = format_full_count(len(tokenizer))
    if len(tokenizer) > embedded:
        first = tokenizer.convert_ids_to_tokens(embedded)
        return [
            f"the tokenizer has {size} tokens, {explain_missing_embedding(embedded)}; "
            f"no row has {quote_value(first)} or a later one, but nothing can be predicted for a "
            "new text with one"
        ]
    if 2 * len(tokenizer) < embedded:
        return [
            f"the tokenizer has {size} tokens, the model embeds {format_full_count(embedded)}: is "
            "it another model's?"
        ]
    return []


def explain_missing_embedding(embedded: int) -> str:
    """Say how many ids have an embedding, and the likely reason why others lack one."""
    return (
        f"the model has embeddings for {format_full_count(embedded)} only (was a token added "
        "without model.resize_token_embeddings(len(tokenizer))?)"
    )


def _adapt_token_types(tokenizer: Any, model: Any, config: Any) -> None:
    """Drop token types for a model that takes none, or that has one type only."""
    names = list(tokenizer.model_input_names)
    if "token_type_ids" not in names:
        return
    model_takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
    if model_takes_types and getattr(config, "type_vocab_size", None) not in (0, 1):
        return
    names.remove("token_type_ids")
    tokenizer.model_input_names = names
    tokenizer.init_kwargs["model_input_names"] = names
