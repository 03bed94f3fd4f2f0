"""Spelling suggestions: the valid name that is nearest to what somebody typed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

_LETTERS_COMPARED = 300
_MIN_SIMILARITY = 0.55


def nearest_spelling(
    word: str,
    valid: Iterable[str],
    aliases: Mapping[str, str] | None = None,
    min_similarity: float = _MIN_SIMILARITY,
) -> str | None:
    """Return the entry of `valid` most like `word`, or None if none is similar.

    `aliases` maps lower-case names that mean an entry without looking like it to that entry.
    """
    by_folded = {name.casefold(): name for name in valid}
    folded = word.strip().casefold()[:_LETTERS_COMPARED]
    if aliases and folded in aliases:
        return aliases[folded]
    likely = [name for name in by_folded if _has_similar_length(folded, name)]
    close = difflib.get_close_matches(folded, likely, n=1, cutoff=min_similarity)
    # Short words with letters exchanged ("rl") are less alike to difflib than they are to people.
    exchanged = [name for name in by_folded if sorted(name) == sorted(folded)]
    return next((by_folded[name] for name in (*exchanged, *close)), None)


def _has_similar_length(word: str, name: str) -> bool:
    """Tell whether one is about as long as the other or part of it: `optimizer` is not `time`."""
    short, long = sorted((word, name), key=len)
    return 2 * len(short) >= len(long) or (len(short) > 1 and short in long)


def spelling_hint(word: str, valid: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """Write the end of an error message: the nearest spelling, or else all that are valid."""
    names = list(valid)
    best = nearest_spelling(word, names, aliases)
    if best is not None:
        return f"did you mean {quote_value(best)}?"
    return (
        "valid are " + ", ".join(quote_value(name) for name in names) if names else "there are none"
    )


def quote_value(value: object) -> str:
    """Write a value on one short line, safe to print: strings quoted, controls escaped."""
    written = repr(value)
    if isinstance(value, str):
        inner = written[1:-1].replace("\\'", "'") if written[0] == "'" else written[1:-1]
        written = f'"{inner}"'
    elif isinstance(value, bool):
        written = "true" if value else "false"
    return written if len(written) <= 80 else written[:77] + "…" + written[-1]
