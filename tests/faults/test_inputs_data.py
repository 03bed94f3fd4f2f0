"""Data files that are wrong in every way: read as what they are, or refused in one line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.command_line import call, is_one_line
from tests.faults.fault_counts import count_event
from tuner.errors import TunerError
from tuner.recipe.types import DataSection
from tuner.training.data import LabelledRows, read_labelled_rows
from tuner.training.rows import read_source_rows

GOOD = [(f"text {n}", "yes" if n % 2 else "no") for n in range(12)]
CSV = "text,label\n" + "".join(f"{text},{label}\n" for text, label in GOOD)
TSV = CSV.replace(",", "\t")
JSONL = "".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in GOOD)
SURROGATE = '{"text": "\\ud800", "label": "no"}\n'


def rows_of(*labels: object) -> bytes:
    """JSON lines with these labels."""
    lines = (json.dumps({"text": f"t{n}", "label": label}) for n, label in enumerate(labels))
    return "".join(f"{line}\n" for line in lines).encode()


REFUSED: dict[str, tuple[str, bytes]] = {
    "empty csv": (".csv", b""),
    "empty tsv": (".tsv", b""),
    "empty jsonl": (".jsonl", b""),
    "empty parquet": (".parquet", b""),
    "blank csv": (".csv", b"\n\n\n"),
    "blank jsonl": (".jsonl", b"\n \n\n"),
    "only a BOM csv": (".csv", b"\xef\xbb\xbf"),
    "only a BOM jsonl": (".jsonl", b"\xef\xbb\xbf"),
    "only a header": (".csv", b"text,label\n"),
    "only a header, no newline": (".tsv", b"text\tlabel"),
    "Latin-1 csv": (".csv", CSV.replace("text 3", "größe").encode("latin-1")),
    "Latin-1 tsv": (".tsv", TSV.replace("text 3", "größe").encode("latin-1")),
    "Latin-1 jsonl": (".jsonl", JSONL.replace("text 3", "größe").encode("latin-1")),
    "cp1252 quotes": (".csv", CSV.replace("text 3", "\u201cx\u201d").encode("cp1252")),
    "Shift JIS": (".csv", CSV.replace("text 3", "日本語表示").encode("shift-jis")),
    "torn UTF-8": (".jsonl", JSONL.replace("text 3", "gr\u00f6").encode()[:-3] + b"\xc3"),
    "random bytes csv": (".csv", os.urandom(5000)),
    "random bytes tsv": (".tsv", os.urandom(5000)),
    "random bytes jsonl": (".jsonl", os.urandom(5000)),
    "random bytes parquet": (".parquet", os.urandom(5000)),
    "NUL only": (".csv", b"\x00" * 4000),
    "NUL only jsonl": (".jsonl", b"\x00" * 4000),
    "text as parquet": (".parquet", CSV.encode()),
    "parquet's magic alone": (".parquet", b"PAR1PAR1"),
    "torn parquet": (".parquet", b"PAR1" + b"\x15" * 500),
    "gzip as csv": (".csv", b"\x1f\x8b\x08\x00" + os.urandom(500)),
    "zip as jsonl": (".jsonl", b"PK\x03\x04" + os.urandom(500)),
    "pickle as jsonl": (".jsonl", b"\x80\x04\x95\x10\x00\x00\x00cposix\nsystem\n(S'id'\ntR."),
    "JSON list": (".jsonl", json.dumps([1, 2, 3]).encode()),
    "JSON numbers": (".jsonl", b"1\n2\n3\n"),
    "JSON texts": (".jsonl", b'"a"\n"b"\n'),
    "JSON null": (".jsonl", b"null\nnull\n"),
    "JSON, one object of lists": (".jsonl", b'{"text": ["a", "b"], "label": ["x", "y"]}\n'),
    "JSON, labels in lists": (".jsonl", rows_of(["a"], ["b"], ["a"])),
    "JSON, labels in objects": (".jsonl", rows_of({"a": 1}, {"a": 2})),
    "JSON, texts in objects": (".jsonl", b'{"text": {"a": 1}, "label": 1}\n{"text": 2, "label": {}}\n'),
    "JSON torn": (".jsonl", JSONL.encode()[:-20]),
    "JSON with a line of garbage": (".jsonl", JSONL.encode() + b"oops\n" + JSONL.encode()),
    "JSON very deep": (".jsonl", b'{"text": ' + b"[" * 50_000 + b"]" * 50_000 + b', "label": 1}\n'),
    "JSON, pretty": (".jsonl", json.dumps({"text": "a", "label": "b"}, indent=1).encode()),
    "no such column csv": (".csv", CSV.replace("label", "lable").encode()),
    "no such column tsv": (".tsv", TSV.replace("text", "txt", 1).encode()),
    "no such column jsonl": (".jsonl", JSONL.replace('"label"', '"lable"').encode()),
    "no columns": (".csv", b"\xff\xff\n"),
    "a column twice": (".csv", b"text,label,label\na,b,c\n"),
    "ragged, longer": (".csv", CSV.encode() + b"a,b,c,d\n"),
    "ragged, longer first": (".csv", b"text,label\na,b,c,d\ne,f\n"),
    "an open quote": (".csv", CSV.encode() + b'"open,yes\nmore,no\n'),
    "an open quote in the header": (".csv", b'"text,label\na,b\n'),
    "one class": (".jsonl", rows_of("a", "a", "a")),
    "one class csv": (".csv", b"text,label\na,x\nb,x\n"),
    "one row": (".jsonl", rows_of("a")),
    "one row a class, shared out": (".jsonl", rows_of("a", "b")),
    "too many classes": (".jsonl", rows_of(*map(str, range(300)))),
    "no labels": (".jsonl", rows_of(None, None, None)),
    "empty labels": (".csv", b"text,label\na,\nb,\nc,\n"),
    "some labels missing": (".jsonl", rows_of("a", "b", None, "a")),
    "hidden labels": (".jsonl", rows_of(-1, -1, -1)),
    "ignored labels": (".jsonl", rows_of(-100, 1, 0)),
    "NaN labels": (".jsonl", b'{"text": "a", "label": NaN}\n{"text": "b", "label": NaN}\n'),
    "infinite labels": (".jsonl", b'{"text": "a", "label": Infinity}\n{"text": "b", "label": 1}\n'),
    "labels beyond floats": (".jsonl", b'{"text": "a", "label": 1e999}\n{"text": "b", "label": 1}\n'),
    "fractions": (".jsonl", rows_of(0.5, 1.5, 0.5)),
    "whole lists": (".jsonl", b'[{"text": "a", "label": "b"}]\n'),
    "a huge digit label": (".jsonl", b'{"text": "a", "label": ' + b"9" * 10_000 + b'}\n{"text":"b","label":1}\n'),
    "texts that are numbers": (".jsonl", JSONL.encode() + b'{"text": 17, "label": "no"}\n'),
    "texts and numbers and truths": (".jsonl", b'{"text": 1, "label": "a"}\n{"text": "x", "label": "b"}\n{"text": true, "label": "a"}\n{"text":"y","label":"b"}\n'),
    "huge integer texts": (".jsonl", JSONL.encode() + b'{"text": ' + b"9" * 100 + b', "label": "no"}\n'),
}  # fmt: skip

READ: dict[str, tuple[str, bytes]] = {
    "a BOM csv": (".csv", b"\xef\xbb\xbf" + CSV.encode()),
    "a BOM tsv": (".tsv", b"\xef\xbb\xbf" + TSV.encode()),
    "a BOM jsonl": (".jsonl", b"\xef\xbb\xbf" + JSONL.encode()),
    "CRLF csv": (".csv", CSV.replace("\n", "\r\n").encode()),
    "CRLF jsonl": (".jsonl", JSONL.replace("\n", "\r\n").encode()),
    "no last newline": (".csv", CSV.encode()[:-1]),
    "blank lines": (".csv", CSV.replace("\n", "\n\n").encode()),
    "blank lines jsonl": (".jsonl", JSONL.replace("\n", "\n\n").encode()),
    "quotes with newlines": (".csv", CSV.encode() + b'"a\nb, ""c""",yes\n'),
    "single quotes in tsv": (".tsv", TSV.encode() + b'an "open quote\tno\n'),
    "NA as text": (".csv", CSV.encode() + b"NA,no\nnull,yes\nNaN,no\n"),
    "empty texts": (".csv", CSV.encode() + b",no\n,yes\n"),
    "null texts": (".jsonl", JSONL.encode() + b'{"text": null, "label": "no"}\n'),
    "huge integer labels": (".jsonl", rows_of(2**70, 1, 2**70, 1, 2**70, 1)),
    "labels of two types": (".jsonl", rows_of(1, "a", 1, "a", 1, "a")),
    "true and false": (".jsonl", rows_of(True, False, True, False)),
    "more columns": (".jsonl", JSONL.encode() + b'{"more": [1], "text": "x", "label": "no"}\n'),
    "keys twice": (".jsonl", JSONL.encode() + b'{"text": "a", "text": "b", "label": "no"}\n'),
    "escapes in texts": (".jsonl", JSONL.encode() + b'{"text": "\\u001b[2J\\u0000", "label": "no"}\n'),
    "escapes in labels": (".jsonl", rows_of("a\x1b[2J", "b\u202e", "a\x1b[2J", "b\u202e")),
    "NUL in csv": (".csv", CSV.encode() + b"a\x00b,no\n"),
    "half a surrogate pair": (".jsonl", JSONL.encode() + SURROGATE.encode()),
    "a long row": (".csv", CSV.encode() + b"x" * 300_000 + b",no\n"),
    "a long row jsonl": (".jsonl", JSONL.encode() + b'{"text": "' + b"x" * 300_000 + b'", "label": "no"}\n'),
    "a date as text": (".jsonl", JSONL.encode() + b'{"text": "2020-01-01T00:00:00", "label": "no"}\n'),
    "blank names of other columns": (".csv", b"text,label,,\n" + b"a,x,1,2\nb,y,1,2\n" * 4),
    "long labels": (".jsonl", rows_of(*["a" * 5000, "b" * 5000] * 3)),
    "UTF-16 csv": (".csv", CSV.encode("utf-16")),
    "UTF-16 jsonl": (".jsonl", JSONL.encode("utf-16")),
    "UTF-32 tsv": (".tsv", TSV.encode("utf-32")),
    "a comma for a tab": (".tsv", CSV.encode()),
    "a tab for a comma": (".csv", TSV.encode()),
    "a semicolon": (".csv", CSV.replace(",", ";").encode()),
}  # fmt: skip


def section(path: Path, **more: object) -> DataSection:
    """Make a recipe's data section for one file, a share of it to validate."""
    section_fields = {"validation": 0.4, "text": ("text",), "label": "label"} | more
    return DataSection(train=str(path), **section_fields)  # type: ignore[arg-type]


def write_data_file(folder: Path, kind: str, content: bytes) -> Path:
    path = folder / f"rows{kind}"
    path.write_bytes(content)
    return path


def outcome(path: Path, **more: object) -> LabelledRows | str:
    """Load the rows; return them, or the one line of the error."""
    try:
        return read_labelled_rows(section(path, **more))
    except TunerError as error:
        return str(error)


def _is_a_refusal(result: LabelledRows | str) -> None:
    assert isinstance(result, str), "it was read"
    assert result.startswith("data"), result[:300]
    assert result.isprintable(), repr(result[:300])
    assert len(result) < 1_000, len(result)


@pytest.mark.parametrize(("kind", "content"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, kind: str, content: bytes
) -> None:
    _is_a_refusal(outcome(write_data_file(tmp_path, kind, content)))
    count_event("data files that cannot be used")


@pytest.mark.parametrize(("kind", "content"), READ.values(), ids=READ.keys())
def test_an_odd_file_is_read_as_what_it_is(tmp_path: Path, kind: str, content: bytes) -> None:
    rows = outcome(write_data_file(tmp_path, kind, content))
    assert not isinstance(rows, str), rows
    assert len(rows.train) == len(rows.train.labels) >= 4
    assert all(isinstance(text, str) for text in rows.train.texts[0])
    count_event("odd data files")


@pytest.mark.parametrize("table", [REFUSED, READ], ids=["refused", "read"])
def test_new_reads_the_same_files_or_says_why_not(
    tmp_path: Path, table: dict[str, tuple[str, bytes]]
) -> None:
    root = tmp_path / "sessions"
    for number, (kind, content) in enumerate(table.values()):
        path = write_data_file(tmp_path, kind, content)
        answer = call(root, "new", f"s{number}", "--model", "m", "--train", str(path))
        assert answer.code in (0, 2), answer
        if answer.code == 2:
            is_one_line(answer.stderr)
            assert not (root / f"s{number}").exists()


def test_the_same_file_with_every_byte_range_gone(tmp_path: Path) -> None:
    for kind, text in ((".csv", CSV), (".tsv", TSV)):
        whole = text.encode()
        for cut in range(0, len(whole), 37):
            result = outcome(write_data_file(tmp_path, kind, whole[:cut]))
            if isinstance(result, str):
                _is_a_refusal(result)
            count_event("data files that were cut off")


Trap = Callable[[Path], Path]


def _folder(folder: Path) -> Path:
    (folder / "rows.csv").mkdir()
    return folder / "rows.csv"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "rows.csv")
    return folder / "rows.csv"


def _circle(folder: Path) -> Path:
    (folder / "rows.csv").symlink_to(folder / "rows.csv")
    return folder / "rows.csv"


TRAPS: dict[str, Trap] = {
    "a folder": _folder,
    "a pipe": _pipe,
    "a link in a circle": _circle,
    "a device": lambda _: Path("/dev/zero"),
    "no rows at all": lambda _: Path("/etc/passwd"),
    "a missing file": lambda at: at / "rows.jsonl",
    "a missing folder": lambda at: at / "no" / "rows.jsonl",
    "a name that is too long": lambda at: at / ("x" * 400 + ".csv"),
    "a name with a line in it": lambda at: at / "a\nb\x1b[2J.csv",
    "a kind of its own": lambda at: write_data_file(at, ".xlsx", b"PK"),
    "NUL in the name": lambda at: at / "a\x00b.csv",
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
@pytest.mark.timeout(30)
def test_what_is_no_file_of_rows_is_refused(tmp_path: Path, trap: Trap) -> None:
    _is_a_refusal(outcome(trap(tmp_path)))
    count_event("data files that are none")


def test_sources_from_the_hub_that_are_none() -> None:
    for source in ("hub:", "hub::", "hub:a", "hub:a:b:c:d", "hub:\x1b:x"):
        with pytest.raises(TunerError) as caught:
            read_source_rows(source, "train", section(Path("x")))
        assert str(caught.value).isprintable()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl"])
def test_a_line_of_a_hundred_megabytes(tmp_path: Path, kind: str) -> None:
    line = b"x" * 100_000_000
    last = {".csv": line + b",no\n", ".tsv": line + b"\tno\n"}
    head = {".csv": CSV, ".tsv": TSV, ".jsonl": JSONL}[kind].encode()
    result = outcome(
        write_data_file(
            tmp_path, kind, head + last.get(kind, b'{"text":"' + line + b'","label":"no"}\n')
        )
    )
    assert not isinstance(result, str), result
    assert max(map(len, result.train.texts[0])) == 100_000_000
    count_event("data files with a line of 100 MB")
