"""What the rows of train and validation cannot show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tuner.results.format import format_score
from tuner.results.intervals import wilson_interval
from tuner.training.data import LabelledRows
from tuner.training.listing import quote_first

FEW_ROWS = 100
_FEW_OF_A_CLASS = 5


def few_rows_warning(split: str, rows: int) -> str:
    """Say how little an accuracy on so many rows tells; "" where they are enough."""
    if rows >= FEW_ROWS:
        return ""
    low, high = wilson_interval(rows // 2, rows)
    return (
        f"the {split} has only {rows} rows: an accuracy near 50 % could be anything "
        f"from {format_score(low)} to {format_score(high)}"
    )


def validation_warnings(rows: LabelledRows) -> Iterator[str]:
    """Yield what validation cannot show, one line for each kind of problem."""
    division, labels = rows.division, rows.labels
    train = Counter(rows.train_classes[division.train].tolist())
    validation = Counter(rows.validation_classes[division.validation].tolist())
    unseen = [number for number in sorted(validation) if not train[number]]
    if unseen:
        count = sum(validation[number] for number in unseen)
        names = quote_first([labels[number] for number in unseen])
        yield f"validation has {count} rows of {names}, train has none"
    absent = [number for number in sorted(train) if not validation[number]]
    if absent:
        many = f"{len(absent)} of {len(labels)} labels: " if len(absent) > 1 else ""
        yield f"validation has no row of {many}{quote_first([labels[n] for n in absent])}"
    little = few_rows_warning("validation", len(division.validation))
    scarce = sum(0 < validation[number] < _FEW_OF_A_CLASS for number in train)
    if little:
        yield f"{little}; more validation rows would tell trials apart"
    if scarce > len(labels) / 2:
        yield (
            f"{scarce} of {len(labels)} labels have fewer than {_FEW_OF_A_CLASS} validation rows: "
            "one row moves the scores of single labels, and f1_macro, a lot"
        )
