"""Reading files of every kind, and saying what is wrong with them."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tuner.errors import TunerError
from tuner.recipe.types import DataSection
from tuner.training.rows import Rows, read_source_rows

SECTION = DataSection(train="", validation=0.5, text=("a", "b"), label="label")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a file was read with the help of the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def read(path: Path, content: str | bytes | None = None, /, **changes: Any) -> Rows:
    """Write a file, where there is something to write, and read it."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = sorted(path.parent.iterdir())
    try:
        return read_source_rows(str(path), "train", replace(SECTION, **changes))
    finally:
        assert sorted(path.parent.iterdir()) == before, "nothing is written next to the data"


def test_jsonl_with_two_texts_whatever_the_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / ".hidden [1] *"
    folder.mkdir()
    lines = [{"a": "x\u2028y", "b": "", "label": "no"}, {"a": 'q"', "b": None, "label": "yes"}]
    rows = read(folder / "t.jsonl", "\n".join(json.dumps(line) for line in lines))
    assert rows.texts == (["x\u2028y", 'q"'], ["", ""])
    assert rows.labels == ["no", "yes"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("2020-01-01", "2020-01-02 00:00:00"), (None, "late")],
)
def test_jsonl_texts_stay_as_they_are_written(tmp_path: Path, first: Any, second: Any) -> None:
    lines = [{"a": value, "b": "", "label": True} for value in (first, second)]
    rows = read(tmp_path / "t.jsonl", "\n".join(json.dumps(line) for line in lines))
    assert rows.texts[0] == ["" if value is None else str(value) for value in (first, second)]
    assert rows.labels == [True, True]


def test_jsonl_with_a_broken_line_names_it(tmp_path: Path) -> None:
    with pytest.raises(TunerError, match=r"t\.jsonl, line 2: not JSON"):
        read(tmp_path / "t.jsonl", '{"a":"x","b":"","label":1}\n{"a":\n')


def test_csv_is_quoted_and_takes_nothing_for_missing(tmp_path: Path) -> None:
    text = '\ufeffid,a,b,label\n1,"x, ""y""\nz",NA,01\n2,null,"",1\n\n'
    rows = read(tmp_path / "t.csv", text)
    assert rows.texts == (['x, "y"\nz', "null"], ["NA", ""])
    assert rows.labels == ["01", "1"]


def test_tsv_without_header_goes_by_number_and_keeps_quotes(tmp_path: Path) -> None:
    rows = read(tmp_path / "t.tsv", 'he said "no\t1\n"\t0\n', text=(0,), label=1)
    assert rows.texts == (['he said "no', '"'],)
    assert rows.labels == ["1", "0"]


def test_tsv_with_header_and_quotes_on_request(tmp_path: Path) -> None:
    text = 'a\tb\tlabel\n"x\ty"\t\tno\n'
    rows = read(tmp_path / "t.tsv", text, quotes=True)
    assert rows.texts == (["x\ty"], [""])
    with pytest.raises(TunerError):
        read(tmp_path / "t.tsv", quotes=False)


@pytest.mark.parametrize("bad_row", [1, 2])
def test_a_row_with_too_many_fields_is_refused(tmp_path: Path, bad_row: int) -> None:
    lines = ["a,b,label", "x,y,1", "x,y,0"]
    lines[bad_row] += ",more"
    with pytest.raises(
        TunerError, match=rf"t\.csv, line {bad_row + 1} cannot be read: it has 4 fields"
    ):
        read(tmp_path / "t.csv", "\n".join(lines))


@pytest.mark.parametrize("labels", [[True, False], [1, 0], ["x", "y"]])
def test_parquet(tmp_path: Path, labels: list[Any]) -> None:
    table = pa.table({"a": ["p", "q"], "b": ["r", "s"], "label": labels, "more": [[1], [2]]})
    pq.write_table(table, tmp_path / "t.parquet")
    rows = read(tmp_path / "t.parquet")
    assert rows.texts == (["p", "q"], ["r", "s"])
    assert rows.labels == labels


@pytest.mark.parametrize(
    ("name", "text", "changes", "message"),
    [
        (
            "t.csv",
            "a,b,lable\nx,y,1\n",
            {},
            r'has no column "label" \(did you mean "lable"\?\); there are "a", "b", "lable"',
        ),
        ("t.jsonl", '{"a":"x","b":"y","Label":1}', {}, r'no column "label" \(did you mean "Label"'),
        ("t.csv", "", {}, "is empty"),
        ("t.csv", "a,b,label\n", {}, "holds no rows"),
        ("t.csv", b"a,b,label\nx\xff,y,1\n", {}, "not UTF-8"),
        ("t.csv", "a,a,label\nx,y,1\n", {"text": ("a",)}, 'two columns named "a"'),
        ("t.csv", 'a,b,label\n"x,y,1\n', {}, "cannot be read"),
        ("t.tsv", "x\t1\n", {"text": (0,), "label": "label"}, "numbers for all"),
        ("t.tsv", "x\t1\n", {"text": (0,), "label": 7}, 'has no column "7"'),
        ("t.txt", "x", {}, "one field a line"),
        ("t.jsonl", "{}", {"text": (0,), "label": 1}, "by number only in .csv and .tsv"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, name: str, text: str | bytes, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(TunerError, match=message) as caught:
        read(tmp_path / name, text, **changes)
    assert str(caught.value).startswith("data.")
    assert "\n" not in str(caught.value)


def test_a_missing_file_comes_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("{}")
    with pytest.raises(TunerError, match=r'did you mean "train\.jsonl"'):
        read_source_rows("trian.jsonl", "train", replace(SECTION, root=str(tmp_path)))
