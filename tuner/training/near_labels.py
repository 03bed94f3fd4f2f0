"""Labels that differ in what nobody sees or means: blanks, case, Unicode form."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tuner.recipe.nearest import quote_value


def normalized_label_key(label: str) -> str:
    """Return what labels share that differ in case, blanks, width or invisible characters only."""
    folded = unicodedata.normalize("NFKC", label).casefold()
    return " ".join(_without_invisible(folded).split())


def group_near_labels(labels: Iterable[str]) -> list[list[str]]:
    """Group labels that share a key, groups of at least two, each in order."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        groups[normalized_label_key(label)].append(label)
    return [group for group in groups.values() if len(group) > 1]


def merge_near_labels(counts: Mapping[str, int]) -> dict[str, str]:
    """Map each label to the most frequent one near it, without what is invisible."""
    merged = {label: label for label in counts}
    for group in group_near_labels(counts):
        usual = _clean_label_text(max(group, key=lambda label: counts[label]))
        merged |= dict.fromkeys(group, usual)
    return merged


def quote_label_visibly(label: str) -> str:
    """Quote a label, with escapes for what one cannot see in it."""
    plain = label == _clean_label_text(unicodedata.normalize("NFKC", label))
    return quote_value(label if plain else ascii(label)[1:-1]).replace("\\\\", "\\")


def _clean_label_text(label: str) -> str:
    return " ".join(_without_invisible(unicodedata.normalize("NFC", label)).split())


def _without_invisible(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) != "Cf")
