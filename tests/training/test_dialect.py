"""Files in every form that programs write: each read as what it is, and said how."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.test_rows import SECTION
from tuner.cli.column_guess import resolve_columns
from tuner.cli.file_preview import read_file_preview
from tuner.errors import TunerError
from tuner.recipe.types import DataSection
from tuner.training import dialect
from tuner.training.decisions import decision_line
from tuner.training.rows import Rows, read_source_rows

ROWS = [
    ('he said "no" to us', "neg"),
    ("a fine film, with heart", "pos"),
    ("nothing to see", "neg"),
    ("the whole cast shines", "pos"),
]
PLAIN = [(text.replace('"', "").replace(",", ""), label) for text, label in ROWS]


def table(separator: str, rows: Sequence[tuple[str, ...]], head: str = "text,label") -> str:
    """Lines of fields with a header, nothing quoted."""
    lines = [head.split(","), *map(list, rows)] if head else list(map(list, rows))
    return "".join(separator.join(line) + "\n" for line in lines)


def table_in_quotes(separator: str, escape: str, head: str = "text,label") -> str:
    """Every text in quotes, those inside of it escaped."""
    quoted = [('"' + text.replace('"', escape + '"') + '"', label) for text, label in ROWS]
    return table(separator, quoted, head)


NUMBERED = [(str(n), *row) for n, row in enumerate(PLAIN)]
FORMS: dict[str, tuple[str, str | bytes, list[tuple[str, str]], str]] = {
    "RFC 4180": ("a.csv", table_in_quotes(",", '"'), ROWS, "commas, with a header (text, label), quotes ar"),
    "pandas' tsv": ("a.tsv", table_in_quotes("\t", '"'), ROWS, "tabs, with a header (text, label), quotes ar"),
    "Spark": ("a.csv", table_in_quotes(",", "\\"), ROWS, "a backslash inside"),
    "Spark's tsv": ("a.tsv", table_in_quotes("\t", "\\"), ROWS, "a backslash inside"),
    "semicolons": ("a.csv", table_in_quotes(";", '"'), ROWS, "separated by semicolons"),
    "semicolons, and a comma in each text": ("a.csv", "a fine, film;pos\na bad, film;neg\na dull, one;neg\nso, so;pos\n", [("a fine, film", "pos"), ("a bad, film", "neg"), ("a dull, one", "neg"), ("so, so", "pos")], "semicolons, without a header"),
    "bars": ("a.csv", table("|", ROWS), ROWS, "separated by bars"),
    "SST-2": ("a.tsv", table("\t", ROWS, ""), ROWS, "without a header, quotes are plain characters"),
    "plain quotes in csv": ("a.csv", 'text,label\n" a " b,x\n"c " d,y\n', [('" a " b', "x"), ('"c " d', "y")], "plain characters"),
    "a quotation in tsv": ("a.tsv", 'text\tlabel\n"so good"\tpos\nbad\tneg\n', [('"so good"', "pos"), ("bad", "neg")], "plain characters"),
    "commas in .tsv": ("a.tsv", table(",", PLAIN), PLAIN, "separated by commas"),
    "tabs in .csv": ("a.csv", table("\t", PLAIN), PLAIN, "separated by tabs"),
    "tabs in .txt": ("a.txt", table("\t", [r[::-1] for r in PLAIN], "label,text"), PLAIN, "tabs"),
    "pandas' index": ("a.csv", table(",", NUMBERED, ",text,label"), PLAIN, "with a header ((no name), text, label)"),
    "R's row names": ("a.csv", table(",", [(str(n + 1), *row) for n, row in enumerate(PLAIN)]), PLAIN, "with a header"),
    "Excel's sep": ("a.csv", "sep=;\n" + table(";", PLAIN), PLAIN, "separated by semicolons"),
    "trailing separators": ("a.csv", table(",", [(*row, "") for row in PLAIN]), PLAIN, "with a header"),
    "blanks after commas": ("a.csv", table(", ", PLAIN), PLAIN, "with a header (text, label)"),
    "CRLF": ("a.csv", table_in_quotes(",", '"').replace("\n", "\r\n"), ROWS, "commas"),
    "CR alone": ("a.csv", table(",", PLAIN).replace("\n", "\r"), PLAIN, "commas"),
    "UTF-16": ("a.csv", table(",", PLAIN).encode("utf-16"), PLAIN, "encoded as UTF-16"),
    "UTF-16 without a mark": ("a.tsv", table("\t", PLAIN).encode("utf-16-be"), PLAIN, "encoded as UTF-16-BE"),
    "UTF-8 with a mark": ("a.csv", table(",", PLAIN).encode("utf-8-sig"), PLAIN, "commas"),
    "fastText": ("a.train", table(" ", [("__label__" + b, a) for a, b in ROWS], ""), ROWS, "lines of a label"),
    "TREC": ("a.all", table(" ", [("LOC:" + b, a) for a, b in ROWS], ""), [(a, "LOC:" + b) for a, b in ROWS], "lines of a label"),
    "gzip": ("a.csv.gz", gzip.compress(table_in_quotes(",", '"').encode()), ROWS, "commas"),
    "gzip without its name": ("a.tsv", gzip.compress(table("\t", PLAIN).encode()), PLAIN, "tabs"),
    "bzip2": ("a.tsv.bz2", bz2.compress(table("\t", PLAIN).encode()), PLAIN, "tabs"),
    "xz": ("a.txt.xz", lzma.compress(table("\t", PLAIN).encode()), PLAIN, "tabs"),
}  # fmt: skip


def decision_text(rows: Rows) -> str:
    return decision_line(rows.source, rows.decisions)


@pytest.mark.parametrize(("name", "content", "rows", "decided"), FORMS.values(), ids=FORMS.keys())
def test_a_file_is_read_in_the_form_it_has(
    tmp_path: Path, name: str, content: str | bytes, rows: list[tuple[str, str]], decided: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    columns = resolve_columns(read_file_preview(str(path)), name, None, None)
    section = DataSection(str(path), 0.5, columns.text, columns.label)
    read = read_source_rows(str(path), "train", section)
    assert list(zip(*read.texts, read.labels, strict=True)) == rows
    assert decided in decision_text(read)
    assert "data." in decision_text(read)


OBJECTS = [{"text": text, "label": label} for text, label in ROWS]
JSONS = {
    "an array": json.dumps(OBJECTS),
    "an array over lines": json.dumps(OBJECTS, indent=2),
    "lines": "\n".join(map(json.dumps, OBJECTS)),
    "lines in gzip": gzip.compress("\n".join(map(json.dumps, OBJECTS)).encode()),
}


@pytest.mark.parametrize("content", JSONS.values(), ids=JSONS.keys())
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt"])
def test_json_is_read_whatever_it_is_called(tmp_path: Path, name: str, content: Any) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    read = read_source_rows(str(path), "train", DataSection("", 0.5, ("text",), "label"))
    assert list(zip(*read.texts, read.labels, strict=True)) == ROWS


REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "rows inside": ("a.json", json.dumps({"v": 1, "data": OBJECTS}), r"rows are in \"data\".*jq -c '\.data\[\]'"),
    "columns": ("a.json", json.dumps({"text": {"0": "a"}, "label": {"0": "b"}}), "one object of columns.*orient=.records."),
    "a list as text": ("a.json", json.dumps([{"text": ["a", "b"], "label": "x"}]), r"row 1: the text in \"text\" is a list"),
    "an object as text": ("a.jsonl", '{"text": "a", "label": 1}\n{"text": {}, "label": 1}', r"row 2: the text .* is an object"),
    "a truth as text": ("a.jsonl", '{"text": true, "label": 1}', r"row 1: the text .* is true or false"),
    "missing columns": ("a.csv", "id,texts,labels\n1,a,b\n", r"no columns \"text\" \(did you mean \"texts\"\?\) and \"label\" .*; there are \"id\", \"texts\""),
    "no header": ("a.csv", "a nice film to see,pos\nbad,neg\nnice,pos\nugly,neg\n", r"seems to have no header.*0 to 1.*data.header = true"),
    "cp1252": ("a.csv", "text,label\na,x\nein Café,y\n".encode("cp1252"), r"line 3 is not UTF-8 text: if \"Café\" looks right, set data.encoding = \"cp1252\""),
    "an open quote": ("a.csv", 'text,label\na,x\n"b,y\nc,x\n', "line 4: a quote is opened and never closed.*data.quotes = false"),
    "a field too many": ("a.csv", "text,label\na,x\nb, c,y\n", "line 3 cannot be read: it has 3 fields where the first row has 2"),
    "a field too few": ("a.csv", "text,label\na,x\nb\n", "line 3 cannot be read: it has 1 of 2 fields"),
    "a spreadsheet": ("a.xlsx", b"PK\x03\x04", "is a spreadsheet: save the sheet as CSV"),
    "an archive": ("a.csv", b"PK\x03\x04" + bytes(90), "is an archive"),
    "a pickle": ("a.pkl", b"\x80\x04", "is a pickle"),
    "zstd": ("a.csv.zst", b"\x28\xb5\x2f\xfd", "unpack it first"),
    "a torn gzip": ("a.csv.gz", gzip.compress(b"text,label\na,b\n" * 99)[:-20], "cannot be unpacked"),
    "two labels": ("a.txt", "__label__a __label__b x\n__label__a y\n", "line 1: two labels"),
    "a column alone": ("a.csv", "text\na\nb\n", "one field a line"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused_with_a_remedy(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(TunerError, match=message.replace('\\"', '"')):
        read_source_rows(str(path), "train", DataSection("", 0.5, ("text",), "label"))


@pytest.mark.parametrize(
    ("content", "keys", "first"),
    [
        ("a;b,c\nd;e,c\n", {"separator": ";", "text": (0,), "label": 1}, "a"),
        ("x y\nx z\n", {"separator": " ", "text": (1,), "label": 0}, "y"),
        ("text,label\nx,y\n", {"header": False, "text": (0,), "label": 1}, "text"),
        ("x,y\nz,w\n", {"header": True, "text": ("x",), "label": "y"}, "z"),
        ('text,label\n"a",b\n', {"quotes": False}, '"a"'),
        ('text\tlabel\n"a"\tb\n', {"quotes": True}, "a"),
        (b"text,label\n\xe9,b\n", {"encoding": "cp1252"}, "\xe9"),
        ("text,label\n\xe9,b\n", {"encoding": "cp1252"}, "\xe9"),
        ("text,label\nx,y\n", {"text": (0,), "label": 1}, "x"),
    ],
)
def test_keys_overrule_the_content(
    tmp_path: Path, content: str | bytes, keys: dict[str, Any], first: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    section_fields = {"text": ("text",), "label": "label"} | keys
    assert (
        read_source_rows(str(path), "train", DataSection("", 0.5, **section_fields)).texts[0][0]
        == first
    )


def test_quotes_that_come_late_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_SAMPLE_CHARACTERS", 1000)
    path = tmp_path / "a.tsv"
    path.write_text("text\tlabel\n" + "plain words\tpos\n" * 500 + '"he said ""no"""\tneg\n')
    read = read_source_rows(str(path), "train", DataSection("", 0.5, ("text",), "label"))
    assert (len(read), read.texts[0][-1]) == (501, 'he said "no"')


@pytest.mark.parametrize(
    ("column", "labels"),
    [
        (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
        (pa.array(["x", "y"], pa.large_string()), ["x", "y"]),
        (pa.array([1, 0], pa.int8()), [1, 0]),
        (pa.array([True, None]), [True, None]),
        (pa.array([1.0, 2.0]), [1.0, 2.0]),
    ],
)
def test_parquet_columns_of_every_kind(tmp_path: Path, column: Any, labels: list[Any]) -> None:
    pq.write_table(pa.table({"a": ["p", "q"], "b": ["r", "s"], "label": column}), tmp_path / "t.pq")
    assert read_source_rows(str(tmp_path / "t.pq"), "train", SECTION).labels == labels


def test_saved_data_sets_are_guessed_and_read_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"text": list("abcd"), "label": [1, 0, 1, 0]})
    numbered = rows.cast_column("label", datasets.ClassLabel(names=["no", "yes"]))
    datasets.DatasetDict({"train": numbered, "dev": numbered}).save_to_disk(str(tmp_path / "both"))
    numbered.save_to_disk(str(tmp_path / "one"))
    numbered.to_parquet(str(tmp_path / "t.parquet"))
    monkeypatch.chdir("/")
    for source in ("hub:both:dev", "hub:./both:train", "hub:one:train", "t.parquet"):
        preview = read_file_preview(source, str(tmp_path))
        columns = resolve_columns(preview, source, None, None)
        section = DataSection(source, 0.5, columns.text, columns.label, root=str(tmp_path))
        read = read_source_rows(source, "train", section)
        assert (read.texts, read.labels, read.names) == (
            (list("abcd"),),
            [1, 0, 1, 0],
            ("no", "yes"),
        )
    for source, message in (
        ("both", "write hub:both:dev or hub:both:train"),
        ("hub:both:x", "no split"),
    ):
        with pytest.raises(TunerError, match=message):
            read_file_preview(source, str(tmp_path))


FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(FIELDS, min_size=3, max_size=9), st.sampled_from(",;\t|"))
def test_what_pythons_writer_quotes_is_read_back(texts: list[str], separator: str) -> None:
    import csv
    import io
    import tempfile

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows([["text", "label"], *([text, "ab"[n % 2]] for n, text in enumerate(texts))])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(buffer.getvalue().encode())
        read = read_source_rows(str(path), "train", DataSection("", 0.5, ("text",), "label"))
    assert read.texts[0] == texts
