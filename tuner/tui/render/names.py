"""Short names of searched parameters, for column heads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import takewhile

from rich.cells import cell_len

from tuner.results.format import plain

_KNOWN = {
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
_SIGNS_IN_A_CELL = 8
"""More than any letter has marks: of a text without end, no more than this many are measured."""
_WORDS = {"embeddings": "emb", "classifier": "cls", "the": "", "weight": "w", "bias": "b"}


def fit(text: str, width: int) -> str:
    """Text in exactly `width` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    text = text[: _SIGNS_IN_A_CELL * (width + 1)]
    cells = cell_len(text)
    if cells > width:
        text = _beginning(text, width - 1) + "…"
        cells = cell_len(text)
    return text + " " * (width - cells)


def _beginning(text: str, width: int) -> str:
    """As many letters as fit in `width` cells, none without the marks that belong to it."""
    if text.isascii():
        return text[:width]
    kept = ""
    for letter in _letters(text):
        width -= cell_len(letter)
        if width < 0:
            break
        kept += letter
    return kept


def _letters(text: str) -> Iterator[str]:
    """What a reader takes for one sign: a letter with its marks, joined pictures, a flag."""
    letter = ""
    for sign in text:
        if letter and not _goes_on(letter, sign):
            yield letter
            letter = ""
        letter += sign
    if letter:
        yield letter


def _goes_on(letter: str, sign: str) -> bool:
    joined = _JOINER in (sign, letter[-1]) or "\U0001f3fb" <= sign <= "\U0001f3ff"
    flag = len(letter) == 1 and _is_half_a_flag(letter) and _is_half_a_flag(sign)
    return joined or flag or unicodedata.category(sign) in ("Mn", "Mc", "Me")


def _is_half_a_flag(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def wrapped(text: str, width: int) -> list[str]:
    """Text in lines of at most `width` cells, broken at spaces."""
    lines = [""]
    for word in text.split():
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > width:
            lines.append("")
        lines[-1] = fit(f"{lines[-1]} {word}".strip(), width).rstrip()
    return lines


def group_of(name: str) -> str | None:
    """The layer group that a flat name such as "lr.head" is about."""
    prefix, dot, group = name.partition(".")
    return group if dot and prefix in _PREFIXES else None


def short_group(group: str) -> str:
    """A group's name in few letters: "layers 0-5" is L0–5."""
    if found := re.fullmatch(r"layers?[ ._]*(\d+)(?:-(\d+))?", group):
        first, last = found.groups()
        return f"L{first}" + (f"–{last}" if last else "")
    words = [_WORDS.get(word, word) for word in re.split(r"[ ._]+", plain(group))]
    return " ".join(word for word in words if word) or plain(group)


def short_names(names: Sequence[str], width: int = 9) -> dict[str, str]:
    """A short name for each flat name, all different where that is possible in `width` cells."""
    return dict(zip(names, distinct([_short(name) for name in names], width), strict=True))


def distinct(names: Sequence[str], width: int) -> list[str]:
    """The names in at most `width` cells each, cut so that those that differ still do.

    Cut at the end; where that leaves two alike, the end stays, or what follows the common
    beginning, or blanks at the ends are shown; where nothing else tells them apart, they are
    numbered. A name that fits is not cut.
    """
    # Two spellings of an accent look the same, so they are made the same, and told apart then.
    names = [unicodedata.normalize("NFC", name) for name in names]
    cut = [fit(name, width).rstrip() for name in names]
    for alike in _alike(cut):
        for shortened in (_with_ends, _without_beginning, _with_blanks_shown):
            candidate = shortened([names[index] for index in alike], width)
            others = {text for index, text in enumerate(cut) if index not in alike}
            if len(set(candidate)) == len(alike) and others.isdisjoint(candidate):
                break
        else:
            candidate = [fit(f"{index + 1}:{names[index]}", width).rstrip() for index in alike]
            candidate[0] = cut[alike[0]]
        for index, text in zip(alike, candidate, strict=True):
            cut[index] = text
    return cut


def _alike(texts: Sequence[str]) -> list[list[int]]:
    places: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        places.setdefault(text, []).append(index)
    return [found for found in places.values() if len(found) > 1]


def _with_ends(names: Sequence[str], width: int) -> list[str]:
    tail = max((width - 1) // 2, 1)
    return [
        name.rstrip()
        if cell_len(name) <= width
        else _beginning(name, width - tail - 1) + "…" + _end(name, tail)
        for name in names
    ]


def _without_beginning(names: Sequence[str], width: int) -> list[str]:
    first, last = min(names), max(names)
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    common = sum(1 for _ in alike)
    while common and first[common - 1].isalnum():
        common -= 1
    return [
        name.rstrip() if cell_len(name) <= width else "…" + fit(name[common:], width - 1).rstrip()
        for name in names
    ]


def _with_blanks_shown(names: Sequence[str], width: int) -> list[str]:
    shown = (_OUTER_BLANKS.sub(lambda blanks: "␣" * len(blanks[0]), name) for name in names)
    return [fit(name, width).rstrip() for name in shown]


def _end(text: str, width: int) -> str:
    kept = ""
    for letter in reversed(list(_letters(text[-_SIGNS_IN_A_CELL * width :]))):
        width -= cell_len(letter)
        if width < 0:
            break
        kept = letter + kept
    return kept


def _short(name: str) -> str:
    group = group_of(name)
    if group is None:
        return _KNOWN.get(name, plain(name))
    return _PREFIXES[name.partition(".")[0]] + short_group(group)
