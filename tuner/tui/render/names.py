"""Short names of searched parameters, for column heads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

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
_WORDS = {"embeddings": "emb", "classifier": "cls", "the": "", "weight": "w", "bias": "b"}


def fit(text: str, width: int) -> str:
    """Text in exactly `width` cells: padded, or cut with an ellipsis."""
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)


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
    return group if dot and prefix in ("lr", "weight_decay") else None


def short_group(group: str) -> str:
    """A group's name in few letters: "layers 0-5" is L0–5."""
    if found := re.fullmatch(r"layers?[ ._]*(\d+)(?:-(\d+))?", group):
        first, last = found.groups()
        return f"L{first}" + (f"–{last}" if last else "")
    words = [_WORDS.get(word, word) for word in re.split(r"[ ._]+", plain(group))]
    return " ".join(word for word in words if word) or plain(group)


def short_names(names: Sequence[str], width: int = 9) -> dict[str, str]:
    """A short name for each flat name, all different where that is possible in `width` cells."""
    short: dict[str, str] = {}
    for name in names:
        candidate = fit(_short(name), width).rstrip()
        if candidate in short.values():
            candidate = fit(f"{len(short) + 1}:{candidate}", width).rstrip()
        short[name] = candidate
    return short


def _short(name: str) -> str:
    group = group_of(name)
    if group is None:
        return _KNOWN.get(name, plain(name))
    return short_group(group) if name.startswith("lr.") else f"wd {short_group(group)}"
