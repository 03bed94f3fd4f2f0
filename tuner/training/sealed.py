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
from tuner.recipe.nearest import quote_value
from tuner.recipe.types import DataSection
from tuner.results.format import count_in_words
from tuner.training.coverage import few_rows_warning
from tuner.training.data import LabelledRows, SessionData, read_labelled_rows
from tuner.training.files import atomic_file_write, file_digest
from tuner.training.labels import UNLABELLED, labels_as_texts
from tuner.training.listing import quote_first
from tuner.training.rows import Rows, read_source_rows
from tuner.training.sources import find_data_file, is_hub_source
from tuner.training.split import Indices

_WAY_OUT = (
    "`tuner test` could not score it: set data.test to a file with labels, or remove that key"
)
_NOTHING_SEALED = "data: nothing is sealed as test; set data.holdout or data.test"
_NO_LABEL = ("", "-1", "-100", "None", "nan", "?")
_OTHER_ROWS = "the rows are read differently than when this session began; start a new session"


@dataclass(frozen=True, slots=True)
class SealedRows:
    """The test rows: those `numbers` of a file's rows, with their `classes`."""

    rows: Rows
    numbers: Indices
    classes: Indices

    def texts_by_row(self) -> list[tuple[str, ...]]:
        return _texts_of_rows(self.rows, self.numbers)


def has_sealed_test(section: DataSection) -> bool:
    """Return whether a recipe keeps rows for `tuner test`."""
    return section.test is not None or section.holdout > 0


def read_sealed_rows(
    section: DataSection, labels: Sequence[str], data: SessionData | None = None
) -> SealedRows:
    """Read the test rows; raise TunerError where there are none, or none that can be scored.

    `data` is what the session trains and validates on.
    """
    labelled = read_labelled_rows(section)
    if list(labelled.labels) != list(labels):
        raise TunerError(f"data: {_OTHER_ROWS}")
    if section.test is not None:
        return _read_test_file(section, section.test, labelled)
    return _select_sealed_share(labelled, data)


def inspect_sealed_rows(
    section: DataSection, labelled: LabelledRows, data: SessionData | None = None
) -> TestReport:
    """Report whether the test rows can be scored, and what will be wrong with the score.

    `data` is what the session trains and validates on, once it does.
    """
    try:
        sealed = (
            _select_sealed_share(labelled, data)
            if section.test is None
            else _read_test_file(section, section.test, labelled)
        )
    except TunerError as error:
        return TestReport(problem=f"{error}; {_WAY_OUT}")
    texts = sealed.texts_by_row()
    hashes = hash_row_texts(texts)
    names = [(labelled.labels[number],) for number in sealed.classes]
    with_labels = [text + label for text, label in zip(texts, names, strict=True)]
    rows = TestRows(
        source=section.test or "",
        rows=len(texts),
        digest=_digest_of_hashes(hash_row_texts(with_labels)),
        texts=_digest_of_hashes(hashes),
    )
    return TestReport(rows, list(_sealed_test_warnings(sealed, texts, labelled)))


def load_test_report(
    section: DataSection, data_key: str, session: Path, data: SessionData | None = None
) -> TestReport | None:
    """Return the report, made once for each content; None where nothing is sealed.

    `data_key` stands for the content of train and validation.
    """
    if not has_sealed_test(section):
        return None
    try:
        path = session / "cache" / f"test-{_test_content_key(section, data_key)}.json"
        if path.is_file():
            return msgspec.json.decode(path.read_bytes(), type=TestReport)
        report = inspect_sealed_rows(section, read_labelled_rows(section), data)
    except TunerError as error:
        return TestReport(problem=f"{error}; {_WAY_OUT}")
    if not report.problem:
        with atomic_file_write(path) as temporary:
            temporary.write_bytes(msgspec.json.encode(report))
    return report


def hash_row_texts(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Hash the content of each row, to 16 hexadecimal digits."""
    return [hashlib.blake2b(json.dumps(row).encode(), digest_size=8).hexdigest() for row in rows]


def _digest_of_hashes(hashes: Sequence[str]) -> str:
    """Hash these rows, in whatever order."""
    return hashlib.blake2b("".join(sorted(hashes)).encode(), digest_size=16).hexdigest()


def _test_content_key(section: DataSection, data_key: str) -> str:
    source = section.test or ""
    known_by_name = not source or is_hub_source(source)
    content = source if known_by_name else file_digest(find_data_file(source, "test", section.root))
    parts = [data_key, source, content]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _select_sealed_share(labelled: LabelledRows, data: SessionData | None) -> SealedRows:
    """Return the rows that were set aside: those in neither of the parts that the session uses.

    A session of an older version divided its rows in another way, and keeps to that.
    """
    sealed, classes = labelled.division.sealed, labelled.validation_classes
    if sealed is None:
        raise TunerError(_NOTHING_SEALED)
    if data is not None and not _is_division_of(labelled, data):
        used = data.validation.rows
        if not np.array_equal(classes[used[used < len(classes)]], data.validation.labels):
            raise TunerError(f"data: {_OTHER_ROWS}")
        if labelled.validation is labelled.train:
            used = np.concatenate([used, data.train.rows])
        sealed = np.setdiff1d(np.flatnonzero(classes != UNLABELLED), used)
    return SealedRows(labelled.validation, sealed, classes[sealed])


def _is_division_of(labelled: LabelledRows, data: SessionData) -> bool:
    """Return whether the session's rows, but for those without tokens, are divided as now."""
    division = labelled.division
    return bool(
        np.isin(data.validation.rows, division.validation).all()
        and np.isin(data.train.rows, division.train).all()
    )


def _read_test_file(section: DataSection, source: str, labelled: LabelledRows) -> SealedRows:
    rows, labels = read_source_rows(source, "test", section), labelled.labels
    where = f"data.test: {rows.source}"
    texts = labels_as_texts(rows.labels, rows.names or labelled.train.names, where)
    _refuse_unlabelled(texts, labelled, where)
    numbers = [labelled.scheme.class_number(text) for text in sorted(set(texts))]
    if all(number in (None, UNLABELLED) for number in numbers):
        raise TunerError(
            f"{where}: its labels ({quote_first(sorted(set(texts)))}) are none of those in train "
            f"({quote_first(labels)})"
        )
    classes = labelled.scheme.class_numbers(texts, where)
    with_label = np.flatnonzero(classes != UNLABELLED)
    return SealedRows(rows, with_label, classes[with_label])


def _refuse_unlabelled(texts: Sequence[str], labelled: LabelledRows, where: str) -> None:
    """Raise TunerError where every row says "no label", as the public test files of GLUE do."""
    only = {text.strip() for text in texts}
    is_known = any(labelled.scheme.class_number(text) is not None for text in only)
    if only.issubset(_NO_LABEL) and not is_known:
        values = " or ".join(
            quote_value(value) if value else "null or empty" for value in sorted(only)
        )
        raise TunerError(f"{where}: none of its {len(texts)} rows has a label (all are {values})")


def _sealed_test_warnings(
    sealed: SealedRows, texts: Sequence[tuple[str, ...]], labelled: LabelledRows
) -> Iterator[str]:
    count, division = len(texts), labelled.division
    for name, rows, numbers in (
        ("train", labelled.train, division.train),
        ("validation", labelled.validation, division.validation),
    ):
        used_texts = set(_texts_of_rows(rows, numbers))
        shared = sum(text in used_texts for text in texts)
        if shared:
            yield (
                f"{shared} of {count} test rows are in {name} too: "
                "their score says nothing about new texts"
            )
    few = few_rows_warning("test", count)
    if few:
        yield few
    present = len(set(sealed.classes.tolist()))
    if present < len(labelled.labels):
        yield f"the test has rows of only {present} of {len(labelled.labels)} labels"
    empty = sum(any(not part.strip() for part in text) for text in texts)
    if empty:
        yield f"the test has {count_in_words(empty, 'row')} with an empty text"


def _texts_of_rows(rows: Rows, numbers: Indices) -> list[tuple[str, ...]]:
    return [tuple(column[number] for column in rows.texts) for number in numbers.tolist()]
