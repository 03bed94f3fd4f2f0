"""The texts of the validation rows, written once for whoever shows them without these libraries."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tuner.training.files import atomic_file_write
from tuner.training.rows import Rows
from tuner.training.split import Indices

TEXTS_FILE = "validation.jsonl"
LONGEST_TEXT = 2_000
MOST_BYTES = 64 * 2**20
_encode = msgspec.json.Encoder().encode


def write_validation_texts(
    path: Path,
    rows: Rows,
    classes: Indices,
    numbers: Indices,
    columns: Sequence[str | int],
    labels: Sequence[str],
) -> None:
    """Write the rows with these `numbers` as JSON lines after a head line, readable by you alone.

    `classes` go with all rows. Texts longer than `LONGEST_TEXT` are cut there, and rows after the
    first `MOST_BYTES` are left out. Nothing else is read or written: rows of a sealed test split
    are not among `numbers`.
    """
    lines = list(_limit_total_bytes(_encode_text_rows(rows, classes, numbers)))
    head = {
        "columns": [replace_lone_surrogates(str(column)) for column in columns],
        "labels": [replace_lone_surrogates(label) for label in labels],
        "rows": len(numbers),
        "kept": len(lines),
    }
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with (
        atomic_file_write(path) as temporary,
        os.fdopen(os.open(temporary, flags, 0o600), "wb") as file,
    ):
        file.write(_encode(head) + b"\n")
        file.writelines(lines)


def _encode_text_rows(rows: Rows, classes: Indices, numbers: Indices) -> Iterator[bytes]:
    for number in numbers.tolist():
        whole = [column[number] for column in rows.texts]
        row = {
            "row": number,
            "gold": int(classes[number]),
            "texts": [replace_lone_surrogates(text[:LONGEST_TEXT]) for text in whole],
        }
        if any(len(text) > LONGEST_TEXT for text in whole):
            row["cut"] = [len(text) if len(text) > LONGEST_TEXT else 0 for text in whole]
        yield _encode(row) + b"\n"


def _limit_total_bytes(lines: Iterator[bytes]) -> Iterator[bytes]:
    written = 0
    for line in lines:
        written += len(line)
        if written > MOST_BYTES:
            return
        yield line


def replace_lone_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON files can hold and UTF-8 cannot, with "?".

    They come from texts that were cut within an emoji; no tokenizer takes them.
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
