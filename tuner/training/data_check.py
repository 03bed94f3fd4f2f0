"""What can be known about the data before any training time is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tuner.errors import TunerError
from tuner.recipe.findings import Finding, FindingLevel
from tuner.recipe.nearest import quote_value
from tuner.recipe.types import Recipe
from tuner.results.format import count_in_words, format_full_count, format_percent
from tuner.results.metrics import check_metric_name
from tuner.training.coverage import validation_warnings
from tuner.training.data import LabelledRows, read_labelled_rows
from tuner.training.listing import list_first
from tuner.training.rows import Rows, count_duplicates
from tuner.training.sealed import has_sealed_test, inspect_sealed_rows

_RARE = 0.1
_SHOWN_LABELS = 8


class Findings:
    """What a check has found, in order."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.test_rows: int | None = None

    def add_finding(self, level: FindingLevel, topic: str, text: str) -> None:
        """Add a finding, unless another topic has the same text."""
        if all(finding.text != text for finding in self.findings):
            self.findings.append(Finding(level, topic, text))

    def has_error_in(self, *topics: str) -> bool:
        return any(f.level == "error" and f.topic in topics for f in self.findings)

    @contextmanager
    def errors_as_findings(self, topic: str) -> Iterator[None]:
        """Turn a TunerError into a finding, so that the other topics are still checked."""
        try:
            yield
        except TunerError as error:
            self.add_finding("error", topic, str(error))


def count_rows_by_split(rows: LabelledRows | None) -> dict[str, int]:
    if rows is None:
        return {}
    division = rows.division
    counts = {"train": len(division.train), "validation": len(division.validation)}
    return counts if division.sealed is None else counts | {"test": len(division.sealed)}


def read_and_check_data(recipe: Recipe, report: Findings) -> LabelledRows:
    """Read the data and add what there is to say about it. TunerError where it cannot be read."""
    rows = read_labelled_rows(recipe.data)
    counts = ", ".join(f"{count} {name}" for name, count in count_rows_by_split(rows).items())
    report.add_finding("ok", "data", f"rows: {counts}")
    for line in rows.reading_decisions():
        report.add_finding("ok", "data", line)
    for warning in (*rows.scheme.warnings, *validation_warnings(rows)):
        report.add_finding("warning", "data", warning)
    _check_sealed_test(recipe, rows, report)
    _check_label_balance(rows, report)
    _check_empty_and_shared_texts(rows, report)
    with report.errors_as_findings("recipe"):
        check_metric_name(recipe.search.metric, rows.labels)
    return rows


def _check_sealed_test(recipe: Recipe, rows: LabelledRows, report: Findings) -> None:
    """Check whether the sealed rows can be scored, without revealing anything about a score."""
    if not has_sealed_test(recipe.data):
        return
    test_report = inspect_sealed_rows(recipe.data, rows)
    if test_report.sealed is None:
        report.add_finding("error", "data", test_report.problem)
        return
    report.test_rows = test_report.sealed.rows
    report.add_finding(
        "ok",
        "data",
        f"test: {count_in_words(test_report.sealed.rows, 'row')} sealed, with the labels of train",
    )
    for warning in test_report.warnings:
        report.add_finding("warning", "data", warning)


def _check_label_balance(rows: LabelledRows, report: Findings) -> None:
    division, labels = rows.division, rows.labels
    train = Counter(rows.train_classes[division.train].tolist())
    shares = {labels[number]: count / len(division.train) for number, count in train.items()}
    balance = [
        f"{quote_value(label)} {format_percent(share, 1)}"
        for label, share in sorted(shares.items())
    ]
    text = f"{len(labels)} classes in train: {list_first(balance, _SHOWN_LABELS)}"
    report.add_finding("ok", "data", text)
    rare = [label for label, share in shares.items() if share < _RARE / len(labels)]
    if rare:
        fewest = quote_value(min(rare, key=lambda label: shares[label]))
        text = (
            f"{fewest} is rare"
            if len(rare) == 1
            else f"{len(rare)} classes are rare, the rarest is {fewest}"
        )
        report.add_finding("warning", "data", f"{text}; f1_macro or mcc says more than accuracy")


def _check_empty_and_shared_texts(rows: LabelledRows, report: Findings) -> None:
    division = rows.division
    parts = (
        ("train", _select_rows(rows.train, division.train.tolist())),
        ("validation", _select_rows(rows.validation, division.validation.tolist())),
    )
    for name, part in parts:
        # Rows without any text are told of once they are tokenized.
        lacking = [row for row in zip(*part.texts, strict=True) if _lacks_one_text(row)]
        if lacking:
            rows_have = (
                "1 row has" if len(lacking) == 1 else f"{format_full_count(len(lacking))} rows have"
            )
            report.add_finding("warning", "data", f"{name}: {rows_have} one of two texts empty")
    shared = count_duplicates(parts[0][1], parts[1][1])
    if shared:
        text = f"{shared} of {len(parts[1][1])} validation rows are in train too"
        report.add_finding("warning", "data", f"{text}: their score says nothing about new texts")


def _lacks_one_text(row: tuple[str, ...]) -> bool:
    filled = [bool(text.strip()) for text in row]
    return any(filled) and not all(filled)


def _select_rows(rows: Rows, numbers: list[int]) -> Rows:
    texts = tuple([column[number] for number in numbers] for column in rows.texts)
    return Rows(rows.source, texts, [rows.labels[number] for number in numbers], rows.names)
