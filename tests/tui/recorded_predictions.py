"""Predictions and texts of rows for recorded sessions, as a trainer would have written them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

import msgspec
import numpy as np

from tuner.session.folder import Session

SUBJECTS = ("The city", "A spokesman", "The company", "Her brother", "The new bridge", "Nobody")
VERBS = ("announced", "denied", "paid for", "asked about", "never saw", "was proud of")
OBJECTS = ("the plan", "a second bridge", "all of it", "the results", "the fire of 1906")
ODD = (
    "[bold red]x[/]",
    "\x1b[31mred\x1b[0m \x07",
    "日本語の文章",
    "[link=x]a[/link]\tb",
    "\u202eb",
)


@cache
def gold_of(counts: tuple[int, ...]) -> list[int]:
    """Make the gold labels of all rows, so many of each label, well mixed."""
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    random.Random("gold").shuffle(labels)
    return labels


def write_answers(
    session: Session, trial: int, evaluation: int, confusion: Sequence[Sequence[int]]
) -> None:
    """Answers that make up the matrix: hard rows are hard for every trial, with some luck."""
    gold = gold_of(tuple(map(sum, confusion)))
    luck = random.Random(f"answers {trial}")
    hardness = [
        random.Random(f"hard {row}").random() + luck.gauss(0, 0.2) for row in range(len(gold))
    ]
    predicted = [0] * len(gold)
    for label, counts in enumerate(confusion):
        rows = sorted((r for r, g in enumerate(gold) if g == label), key=hardness.__getitem__)
        order = [
            label,
            *(other_label for other_label in range(len(counts)) if other_label != label),
        ]
        answers = [answer for answer in order for _ in range(counts[answer])]
        for row, answer in zip(rows, answers, strict=True):
            predicted[row] = answer
    write_predictions(session, trial, evaluation, gold, predicted, len(confusion))


def write_predictions(
    session: Session,
    trial: int,
    evaluation: int,
    gold: Sequence[int],
    predicted: Sequence[int],
    classes: int,
    rows: Sequence[int] | None = None,
) -> None:
    """Write the file of one evaluation, with made-up probabilities."""
    sure = [0.55 + 0.4 * random.Random(f"{trial} {row}").random() for row in range(len(gold))]
    shares = np.full((len(gold), classes), 0.0)
    for row, answer in enumerate(predicted):
        shares[row] = (1 - sure[row]) / max(1, classes - 1)
        shares[row, answer] = sure[row]
    path = session.trial_folder(trial) / f"predictions-{evaluation}.npz"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    np.savez_compressed(
        path,
        rows=np.arange(len(gold), dtype=np.int32) if rows is None else np.array(rows, np.int32),
        gold=np.array(gold, np.int32),
        predicted=np.array(predicted, np.int32),
        probabilities=shares.astype(np.float16),
    )


def write_texts(
    session: Session, labels: Sequence[str], gold: Sequence[int], *, odd: bool = False
) -> None:
    """cache/validation.jsonl with two columns."""
    head = {
        "columns": ["premise", "hypothesis"],
        "labels": list(labels),
        "rows": len(gold),
        "kept": len(gold),
    }
    rows = [
        {"row": row, "gold": label, "texts": [_text(row, 0, odd), _text(row, 1, odd)]}
        for row, label in enumerate(gold)
    ]
    session.cache_folder.mkdir(mode=0o700, exist_ok=True)
    content = b"\n".join(map(msgspec.json.encode, [head, *rows])) + b"\n"
    (session.cache_folder / "validation.jsonl").write_bytes(content)


def _text(row: int, column: int, odd: bool) -> str:
    if odd:
        return ODD[(row + column) % len(ODD)] * (1 + row % 3)
    rng = random.Random(f"text {row} {column}")
    words = [rng.choice(part) for part in (SUBJECTS, VERBS, OBJECTS)]
    more = (
        f" {rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)}." if not column else ""
    )
    return f"{' '.join(words)}.{more}"
