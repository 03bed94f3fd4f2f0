"""What a model is given: rows of tokens from a tokenizer that is adapted to the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value
from tuner.recipe.types import Recipe
from tuner.results.format import format_full_count, format_percent, format_row_number
from tuner.training.data import SessionData, load_session_data, remove_stale_files, tokenizer_key
from tuner.training.model import ModelSource, build_empty_model, load_model_config, position_limit
from tuner.training.text_facts import RowCount, TextFacts, template_token_ids
from tuner.training.tokenizer import (
    adapt_tokenizer,
    count_embedded_ids,
    encode_control_tokens_as_text,
    explain_missing_embedding,
)
from tuner.training.tokens import TokenizedSplit

_MUCH_UNKNOWN = 0.2


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """The adapted tokenizer and its limits.

    `embedded` counts the ids that have an embedding, `types` the token types; None: any.
    `max_length` is in tokens, special ones included. `warnings` say what was not as it should be.
    """

    tokenizer: Any
    max_length: int
    embedded: int | None
    types: int | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreparedData:
    """A session's rows for a model. `warnings` and `notes` are lines for the log."""

    data: SessionData
    inputs: ModelInputs
    warnings: list[str]
    notes: list[str]


def prepare_session_data(
    recipe: Recipe, source: ModelSource, tokenizer: Any, session: Path
) -> PreparedData:
    """Adapt the tokenizer to the model, and tokenize the session's rows.

    Raises TunerError for data or a tokenizer that this model cannot be trained with.
    """
    unadapted_key = tokenizer_key(tokenizer)
    inputs = adapt_inputs_to_model(
        source, tokenizer, len(recipe.data.text), recipe.model.max_length
    )
    remove_stale_files(session / "cache")
    data = load_session_data(
        recipe, tokenizer, inputs.max_length, session, unadapted_key=unadapted_key
    )
    warnings = list(inputs.warnings)
    for name, split, where in data.splits_with_sources(recipe.data):
        refuse_unembedded_tokens(inputs, split, source, where)
        if name == "train" and data.facts.texts[name].unknown_share == 1.0:
            raise TunerError(
                f"model.name: {source.name}: its tokenizer knows no token of {where}: is its "
                "vocabulary missing, or another model's?"
            )
        warnings += text_warnings(data.facts.texts[name], name, where, len(split), inputs)
    return PreparedData(data, inputs, warnings, list(data.facts.notes))


def adapt_inputs_to_model(
    source: ModelSource, tokenizer: Any, columns: int, max_length: int
) -> ModelInputs:
    """Adapt the tokenizer to the model of `source`, for texts of so many columns.

    Raises TunerError where they cannot work together.
    """
    config = load_model_config(source, ["0", "1"])
    model = build_empty_model(source, config)
    warnings = adapt_tokenizer(tokenizer, model, config, source.name)
    encode_control_tokens_as_text(tokenizer)
    most = position_limit(model, config, tokenizer)
    if most is not None and max_length > most:
        warnings.append(
            f"model.max_length is {max_length}, but the model has {most} positions: "
            f"rows are cut at {most}"
        )
        max_length = most
    special = template_token_ids(tokenizer, columns)
    if max_length <= len(special):
        raise TunerError(
            f"model.max_length is {max_length}, but every row has {len(special)} special tokens: "
            "no text would be left"
        )
    _refuse_missing_end_token(tokenizer, config, special, source)
    embedded = count_embedded_ids(model, config)
    types = getattr(config, "type_vocab_size", None)
    return ModelInputs(tokenizer, max_length, embedded, types or None, tuple(warnings))


def _refuse_missing_end_token(
    tokenizer: Any, config: Any, special: list[int], source: ModelSource
) -> None:
    """Raise TunerError where an encoder-decoder never sees the end token, at which it predicts."""
    end = getattr(config, "eos_token_id", None)
    if getattr(config, "is_encoder_decoder", False) and end is not None and end not in special:
        raise TunerError(
            f"model.name: {source.name} predicts at the end token (config.eos_token_id = {end}), "
            f"but its tokenizer does not end texts with it (eos_token "
            f"{quote_value(tokenizer.eos_token)}): give the tokenizer a template that does, and "
            "save it"
        )


def refuse_unembedded_tokens(
    inputs: ModelInputs, split: TokenizedSplit, source: ModelSource, where: str
) -> None:
    """Raise TunerError where a row has a token, or a token type, that the model cannot embed."""
    if inputs.embedded is not None and (
        beyond := _rows_with_values_from(split.tokens, inputs.embedded, split)
    ):
        size, token = len(inputs.tokenizer), int(split.tokens[split.tokens >= inputs.embedded][0])
        raise TunerError(
            f"model.name: {source.name}: its tokenizer has {format_full_count(size)} tokens, "
            f"{explain_missing_embedding(inputs.embedded)}; {_count_rows_that_have(beyond)} such "
            f"tokens, the first is row {format_row_number(beyond[0])} of {where} with "
            f"{quote_value(inputs.tokenizer.convert_ids_to_tokens(token))}"
        )
    if inputs.types is not None and (
        beyond := _rows_with_values_from(split.types, inputs.types, split)
    ):
        raise TunerError(
            f"model.name: {source.name}: its tokenizer gives token type {int(split.types.max())}, "
            f"the model has {inputs.types} types (config.type_vocab_size); "
            f"{_count_rows_that_have(beyond)} it, "
            f"the first is row {format_row_number(beyond[0])} of {where}"
        )


def _rows_with_values_from(values: Any, limit: int, split: TokenizedSplit) -> list[int]:
    """Return the numbers of the rows with a value of at least `limit`, ascending."""
    positions = np.flatnonzero(values >= limit)
    rows = np.unique(np.searchsorted(split.offsets, positions, side="right") - 1)
    return sorted(split.rows[rows].tolist())


def _count_rows_that_have(rows: list[int]) -> str:
    return "1 row has" if len(rows) == 1 else f"{format_full_count(len(rows))} rows have"


def text_warnings(
    facts: TextFacts, split: str, where: str, rows: int, inputs: ModelInputs
) -> Iterator[str]:
    """Yield what is odd about the texts of a split of so many rows, a line each."""

    def describe_rows(kind: RowCount) -> str:
        rows_of_kind = "1 row" if kind.count == 1 else f"{format_full_count(kind.count)} rows"
        return (
            f"{split}: {rows_of_kind} (the first is row {format_row_number(kind.first)} of {where})"
        )

    if facts.cut.count:
        share = format_percent(facts.cut.count / max(1, rows), 1)
        yield f"{describe_rows(facts.cut)}, {share}, cut at {inputs.max_length} tokens"
    if facts.no_tokens.count:
        yield f"{describe_rows(facts.no_tokens)} without any token left out: the texts are empty"
    if facts.no_text.count:
        yield f"{describe_rows(facts.no_text)} without text: the model only sees special tokens"
    if facts.all_unknown.count:
        yield f"{describe_rows(facts.all_unknown)} with only unknown tokens"
    if facts.unknown_share > _MUCH_UNKNOWN:
        yield (
            f"{split}: {format_percent(facts.unknown_share)} of all tokens are unknown to the "
            "tokenizer: is it one for this language?"
        )
    if facts.halves.count:
        yield f'{describe_rows(facts.halves)} with half a character (a lone surrogate), read as "?"'
    if facts.control.count:
        yield f"{describe_rows(facts.control)} with special tokens in the text, encoded as text"
    if facts.leaked.count:
        yield (
            f"{describe_rows(facts.leaked)} with special tokens in the text that this tokenizer "
            "cannot encode as text: the model takes them for its own"
        )
