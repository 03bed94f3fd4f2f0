"""The sealed test rows: whether they can be scored, found out without scoring them.

Their labels are compared with those of train and their texts are hashed; nothing is tokenized.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from tuner.errors import TunerError
from tuner.recipe.findings import TestReport, TestRows
from tuner.recipe.nearest import show
from tuner.recipe.types import DataSection
from tuner.results.format import score as score_text
from tuner.results.intervals import wilson
from tuner.training.data import LabelledRows, read_labelled
from tuner.training.files import digest, replaced_file
from tuner.training.labels import LabelValue, class_numbers, label_texts
from tuner.training.rows import Rows, checked_path, is_hub, read_rows
from tuner.training.split import Indices

FEW_ROWS = 100
_SHOWN_LABELS = 5
_WAY_OUT = (
    "`tuner test` could not score it: set data.test to a file with labels, or remove that key"
)
_NOTHING_SEALED = "data: nothing is sealed as test; set data.holdout or data.test"
_NO_LABEL = ("", "-1", "-100", "None", "nan", "?")


@dataclass(frozen=True, slots=True)
class SealedRows:
    """The test rows: those `numbers` of a file's rows, with their `classes`."""

    rows: Rows
    numbers: Indices
    classes: Indices

    def texts(self) -> list[tuple[str, ...]]:
        """The texts of each test row, one a column."""
        return _texts(self.rows, self.numbers)


def is_sealed(section: DataSection) -> bool:
    """Whether a recipe keeps rows for `tuner test`."""
    return section.test is not None or section.holdout > 0


def read_sealed(section: DataSection, labels: Sequence[str]) -> SealedRows:
    """Read the test rows; raises TunerError where there are none, or none that can be scored."""
    if section.test is not None:
        return _read_test_file(section, section.test, labels)
    return _sealed_share(read_labelled(section))


def inspect_sealed(section: DataSection, labelled: LabelledRows) -> TestReport:
    """Whether the test rows can be scored, and what will be wrong with the score."""
    try:
        sealed = (
            _sealed_share(labelled)
            if section.test is None
            else _read_test_file(section, section.test, labelled.labels)
        )
    except TunerError as error:
        return TestReport(problem=f"{error}; {_WAY_OUT}")
    texts = sealed.texts()
    hashes = row_hashes(texts)
    names = [(labelled.labels[number],) for number in sealed.classes]
    with_labels = [text + label for text, label in zip(texts, names, strict=True)]
    rows = TestRows(
        source=section.test or "",
        rows=len(texts),
        digest=_digest(row_hashes(with_labels)),
        texts=_digest(hashes),
    )
    return TestReport(rows, list(_warnings(sealed, texts, labelled)))


def load_test_report(section: DataSection, data_key: str, session: Path) -> TestReport | None:
    """The report, read once for each content; None where nothing is sealed.

    `data_key` stands for the content of train and validation.
    """
    if not is_sealed(section):
        return None
    try:
        path = session / "cache" / f"test-{_content_key(section, data_key)}.json"
        if path.is_file():
            return msgspec.json.decode(path.read_bytes(), type=TestReport)
        report = inspect_sealed(section, read_labelled(section))
    except TunerError as error:
        return TestReport(problem=f"{error}; {_WAY_OUT}")
    if not report.problem:
        with replaced_file(path) as temporary:
            temporary.write_bytes(msgspec.json.encode(report))
    return report


def row_hashes(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A name for the content of each row, 16 hexadecimal digits."""
    return [hashlib.blake2b(json.dumps(row).encode(), digest_size=8).hexdigest() for row in rows]


def _digest(hashes: Sequence[str]) -> str:
    """A name for these rows in whatever order."""
    return hashlib.blake2b("".join(sorted(hashes)).encode(), digest_size=16).hexdigest()


def _content_key(section: DataSection, data_key: str) -> str:
    source = section.test or ""
    known_by_name = not source or is_hub(source)
    content = source if known_by_name else digest(checked_path(source, "test", section))
    parts = [data_key, source, content]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _sealed_share(labelled: LabelledRows) -> SealedRows:
    sealed = labelled.division.sealed
    if sealed is None:
        raise TunerError(_NOTHING_SEALED)
    return SealedRows(labelled.validation, sealed, labelled.validation_classes[sealed])


def _read_test_file(section: DataSection, source: str, labels: Sequence[str]) -> SealedRows:
    rows = read_rows(source, "test", section)
    where = f"data.test: {rows.source}"
    _refuse_unlabelled(rows.labels, labels, where)
    names = label_texts(rows.labels, rows.names, where)
    if set(names).isdisjoint(labels):
        raise TunerError(
            f"{where}: its labels ({_some(sorted(set(names)))}) are none of those in train "
            f"({_some(labels)})"
        )
    numbers = np.arange(len(rows), dtype=np.int64)
    return SealedRows(rows, numbers, class_numbers(names, labels, where))


def _refuse_unlabelled(values: Sequence[LabelValue], labels: Sequence[str], where: str) -> None:
    """A value that says "no label" in every row: the public test files of GLUE are like that."""
    only = {str(value).strip() for value in values}
    if only.issubset(_NO_LABEL) and only.isdisjoint(labels):
        said = " or ".join("null" if value == "None" else show(value) for value in sorted(only))
        raise TunerError(f"{where}: none of its {len(values)} rows has a label (all are {said})")


def _some(labels: Sequence[str]) -> str:
    shown = ", ".join(map(show, labels[:_SHOWN_LABELS]))
    return f"{shown}, …" if len(labels) > _SHOWN_LABELS else shown


def _warnings(
    sealed: SealedRows, texts: Sequence[tuple[str, ...]], labelled: LabelledRows
) -> Iterator[str]:
    count, division = len(texts), labelled.division
    for name, rows, numbers in (
        ("train", labelled.train, division.train),
        ("validation", labelled.validation, division.validation),
    ):
        seen = set(_texts(rows, numbers))
        shared = sum(text in seen for text in texts)
        if shared:
            yield (
                f"{shared} of {count} test rows are in {name} too: "
                "their score says nothing about new texts"
            )
    if count < FEW_ROWS:
        low, high = wilson(count // 2, count)
        yield (
            f"the test has {count} rows only: an accuracy in the middle would be known "
            f"no better than {score_text(low)}…{score_text(high)}"
        )
    present = len(set(sealed.classes.tolist()))
    if present < len(labelled.labels):
        yield f"the test has rows of {present} of {len(labelled.labels)} labels only"
    empty = sum(any(not part.strip() for part in text) for text in texts)
    if empty:
        yield f"the test has {empty} rows with an empty text"


def _texts(rows: Rows, numbers: Indices) -> list[tuple[str, ...]]:
    return [tuple(column[number] for column in rows.texts) for number in numbers.tolist()]
