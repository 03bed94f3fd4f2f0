"""Texts that fit in so many cells: cut, wrapped, and short names of searched parameters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import takewhile

from rich.cells import cell_len, chop_cells

from tuner.results.format import sanitize_text

_SHORT_SETTINGS = {
    "weight_decay": "wd",
    "batch_size": "batch",
    "label_smoothing": "smooth",
    "max_grad_norm": "clip",
    "accumulation": "accum",
    "adam_beta1": "β1",
    "adam_beta2": "β2",
    "adam_epsilon": "eps",
}
_PREFIXES = {"lr": "", "times": "×", "layer_decay": "ξ ", "weight_decay": "wd "}
_OUTER_BLANKS = re.compile("^ +| +$")
_JOINER = "\u200d"
_CHARACTERS_PER_CELL = 8
"""More than any letter has marks: of a very long text, no more than this is measured."""
_SHORT_WORDS = {"embeddings": "emb", "classifier": "cls", "the": "", "weight": "w", "bias": "b"}


def fit_text(text: str, width: int) -> str:
    """Return text in exactly `width` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    text = text[: _CHARACTERS_PER_CELL * (width + 1)]
    cells = cell_len(text)
    if cells > width:
        text = _cut_to_width(text, width - 1) + "…"
        cells = cell_len(text)
    return text + " " * (width - cells)


def _cut_to_width(text: str, width: int) -> str:
    """Never split a letter from the marks that belong to it."""
    if text.isascii():
        return text[:width]
    text_start = ""
    for grapheme in _split_graphemes(text):
        width -= cell_len(grapheme)
        if width < 0:
            break
        text_start += grapheme
    return text_start


def _split_graphemes(text: str) -> Iterator[str]:
    """Yield what a reader sees as one character: a letter with its marks, joined emoji, a flag."""
    grapheme = ""
    for character in text:
        if grapheme and not _continues_grapheme(grapheme, character):
            yield grapheme
            grapheme = ""
        grapheme += character
    if grapheme:
        yield grapheme


def _continues_grapheme(grapheme: str, character: str) -> bool:
    joined = _JOINER in (character, grapheme[-1]) or "\U0001f3fb" <= character <= "\U0001f3ff"
    flag = (
        len(grapheme) == 1
        and _is_regional_indicator(grapheme)
        and _is_regional_indicator(character)
    )
    return joined or flag or unicodedata.category(character) in ("Mn", "Mc", "Me")


def _is_regional_indicator(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def wrap_at_spaces(text: str, width: int) -> list[str]:
    """Break text into lines of at most `width` cells; a longer word is cut."""
    lines = [""]
    for word in text.split():
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > width:
            lines.append("")
        lines[-1] = fit_text(f"{lines[-1]} {word}".strip(), width).rstrip()
    return lines


def fold_at_words(text: str, width: int) -> list[str]:
    """Fold text into lines of at most `width` cells; longer words are broken, nothing is cut."""
    lines = [""]
    for word in text.split():
        # A word of marks that have no width is in no cell at all.
        pieces = chop_cells(word, max(width, 2)) or [word]
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(pieces[0]) <= width:
            lines[-1] += f" {pieces.pop(0)}"
        lines += pieces
    return lines[1:] if len(lines) > 1 and not lines[0] else lines


def pack_into_lines(
    pieces: Sequence[str], between: str, width: int, *, head: str = "", indent: str = ""
) -> list[str]:
    """Join pieces in lines of at most `width` cells, none of them broken.

    The first line begins with the head, on a line of its own where no piece fits beside it.
    """
    lines = [head] if pieces else []
    for index, piece in enumerate(pieces):
        longer = lines[-1] + (between if index else "") + piece
        if cell_len(longer) <= width or not lines[-1].strip():
            lines[-1] = longer
        else:
            lines.append(f"{indent}{piece}")
    return [fit_text(line, width).rstrip() for line in lines]


def right_align_text(text: str, width: int) -> str:
    fitted = fit_text(text, width)
    return " " * (len(fitted) - len(fitted.rstrip())) + fitted.rstrip()


def group_of_setting(name: str) -> str | None:
    """Return the layer group of a flat name such as "lr.head", None for other settings."""
    prefix, dot, group = name.partition(".")
    return group if dot and prefix in _PREFIXES else None


def short_group_name(group: str) -> str:
    """Shorten a group's name: "layers 0-5" becomes L0–5."""
    if layer_match := re.fullmatch(r"layers?[ ._]*(\d+)(?:-(\d+))?", group):
        first, last = layer_match.groups()
        return f"L{first}" + (f"–{last}" if last else "")
    words = [_SHORT_WORDS.get(word, word) for word in re.split(r"[ ._]+", sanitize_text(group))]
    return " ".join(word for word in words if word) or sanitize_text(group)


def short_setting_names(names: Sequence[str], width: int = 9) -> dict[str, str]:
    """Map flat names to short ones, all different where that is possible in `width` cells."""
    return dict(
        zip(
            names,
            shorten_distinctly([_short_setting_name(name) for name in names], width),
            strict=True,
        )
    )


def shorten_distinctly(names: Sequence[str], width: int) -> list[str]:
    """Cut names to at most `width` cells each, so that those that differ still do.

    Cut at the end; where that leaves two alike, the end is kept, or what follows the common
    start, or outer blanks are shown; where nothing else tells them apart, they are numbered.
    A name that fits is not cut.
    """
    # Two spellings of an accent look alike: normalised first, so that they count as alike below.
    names = [unicodedata.normalize("NFC", name) for name in names]
    cut = [fit_text(name, width).rstrip() for name in names]
    for alike in _indices_of_duplicates(cut):
        for shortened in (_keep_both_ends, _drop_common_start, _show_outer_blanks):
            candidate = shortened([names[index] for index in alike], width)
            others = {text for index, text in enumerate(cut) if index not in alike}
            if len(set(candidate)) == len(alike) and others.isdisjoint(candidate):
                break
        else:
            candidate = [fit_text(f"{index + 1}:{names[index]}", width).rstrip() for index in alike]
            candidate[0] = cut[alike[0]]
        for index, text in zip(alike, candidate, strict=True):
            cut[index] = text
    return cut


def _indices_of_duplicates(texts: Sequence[str]) -> list[list[int]]:
    places: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        places.setdefault(text, []).append(index)
    return [indices for indices in places.values() if len(indices) > 1]


def _keep_both_ends(names: Sequence[str], width: int) -> list[str]:
    tail = max((width - 1) // 2, 1)
    return [
        name.rstrip()
        if cell_len(name) <= width
        else _cut_to_width(name, width - tail - 1) + "…" + _end_in_width(name, tail)
        for name in names
    ]


def _drop_common_start(names: Sequence[str], width: int) -> list[str]:
    first, last = min(names), max(names)
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    common = sum(1 for _ in alike)
    while common and first[common - 1].isalnum():
        common -= 1
    return [
        name.rstrip()
        if cell_len(name) <= width
        else "…" + fit_text(name[common:], width - 1).rstrip()
        for name in names
    ]


def _show_outer_blanks(names: Sequence[str], width: int) -> list[str]:
    visible = (_OUTER_BLANKS.sub(lambda blanks: "␣" * len(blanks[0]), name) for name in names)
    return [fit_text(name, width).rstrip() for name in visible]


def _end_in_width(text: str, width: int) -> str:
    text_end = ""
    for grapheme in reversed(list(_split_graphemes(text[-_CHARACTERS_PER_CELL * width :]))):
        width -= cell_len(grapheme)
        if width < 0:
            break
        text_end = grapheme + text_end
    return text_end


def _short_setting_name(name: str) -> str:
    group = group_of_setting(name)
    if group is None:
        return _SHORT_SETTINGS.get(name, sanitize_text(name))
    return _PREFIXES[name.partition(".")[0]] + short_group_name(group)
