"""Test rows: whether they can be scored is known before the search, and nothing else is."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

import tuner.training.sealed as sealed_module
from tests.training.conftest import RecipeMaker, learnable_rows, write_jsonl
from tuner.recipe.findings import TestReport
from tuner.recipe.load import parse_recipe
from tuner.recipe.types import DataSection
from tuner.training.data import read_labelled_rows
from tuner.training.sealed import (
    hash_row_texts,
    inspect_sealed_rows,
    load_test_report,
    read_sealed_rows,
)

GOOD = learnable_rows(200, 8)


def rows_with_label(rows: list[dict[str, str]], label: Any) -> list[dict[str, Any]]:
    return [{**row, "label": label} for row in rows]


UNSCORABLE: dict[str, tuple[list[dict[str, Any]], str]] = {
    "GLUE": (rows_with_label(GOOD, -1), "none of its 200 rows has a label"),
    "null": (rows_with_label(GOOD, None), "none of its 200 rows has a label"),
    "blank": (rows_with_label(GOOD, " "), "none of its 200 rows has a label"),
    "no column": ([{"text": row["text"]} for row in GOOD], 'no column "label"'),
    "numbers": (
        [{**row, "label": int(row["label"] == "yes")} for row in GOOD],
        'its labels ("0", "1") are none of those in train ("no", "yes")',
    ),
    "other names": ([{**row, "label": row["label"].upper()} for row in GOOD], "none of those"),
    "one other": ([*GOOD, {"text": "w1", "label": "perhaps"}], '"perhaps"'),
    "another text column": (
        [{"sentence": row["text"], "label": row["label"]} for row in GOOD],
        'no column "text"',
    ),
    "empty": ([], "is empty"),
}


def report_on(section: DataSection) -> TestReport:
    return inspect_sealed_rows(section, read_labelled_rows(section))


def section_with(make_recipe: RecipeMaker, **data: Any) -> DataSection:
    return parse_recipe(make_recipe(data=data), "").data


@pytest.mark.parametrize("what", UNSCORABLE)
def test_what_cannot_be_scored_is_known_before_the_search(
    make_recipe: RecipeMaker, tmp_path: Path, what: str
) -> None:
    rows, expected_problem = UNSCORABLE[what]
    path = write_jsonl(tmp_path / "test.jsonl", rows)
    report = report_on(section_with(make_recipe, test=str(path)))
    assert report.sealed is None
    assert expected_problem in report.problem
    assert "set data.test to a file with labels" in report.problem


def test_what_spoils_a_score_is_counted(make_recipe: RecipeMaker, tmp_path: Path) -> None:
    rows = [
        *learnable_rows(64, 1)[:9:2],
        *learnable_rows(30, 2)[:6:2],
        {"text": " ", "label": "no"},
    ]
    path = write_jsonl(tmp_path / "test.jsonl", rows)
    warnings_text = "\n".join(report_on(section_with(make_recipe, test=str(path))).warnings)
    assert "5 of 9 test rows are in train too" in warnings_text
    assert "3 of 9 test rows are in validation too" in warnings_text
    assert "has only 9 rows" in warnings_text
    assert "rows of only 1 of 2 labels" in warnings_text
    assert "1 row with an empty text" in warnings_text
    clean = write_jsonl(tmp_path / "clean.jsonl", [r for r in GOOD if len(r["text"]) > 20])
    assert report_on(section_with(make_recipe, test=str(clean))).warnings == []


def test_content_has_one_name_whatever_file_and_order_it_is_in(
    make_recipe: RecipeMaker, tmp_path: Path
) -> None:
    table = tmp_path / "test.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("label", "text"), *((r["label"], r["text"]) for r in GOOD)])
    other_label = [{**GOOD[0], "label": GOOD[1]["label"]}, *GOOD[1:]]
    reports = [
        report_on(section_with(make_recipe, test=str(path))).sealed
        for path in (
            write_jsonl(tmp_path / "a.jsonl", GOOD),
            write_jsonl(tmp_path / "b.jsonl", GOOD[::-1]),
            table,
            write_jsonl(tmp_path / "c.jsonl", other_label),
            write_jsonl(tmp_path / "d.jsonl", GOOD[:-1]),
        )
    ]
    seals = [report for report in reports if report is not None]
    assert len(seals) == 5
    assert len({seal.digest for seal in seals[:3]}) == 1
    assert len({seal.digest for seal in seals[2:]}) == 3
    assert seals[3].texts == seals[0].texts != seals[4].texts


def test_a_sealed_share_has_a_name_too(make_recipe: RecipeMaker) -> None:
    half, other_section = (section_with(make_recipe, holdout=0.5, split_seed=s) for s in (3, 4))
    first, second = report_on(half).sealed, report_on(other_section).sealed
    assert first is not None
    assert second is not None
    assert (first.source, first.rows) == ("", 15)
    assert first.texts != second.texts
    hashes = set(hash_row_texts(read_sealed_rows(half, ["no", "yes"]).texts_by_row()))
    assert (
        0
        < len(
            hashes
            & set(hash_row_texts(read_sealed_rows(other_section, ["no", "yes"]).texts_by_row()))
        )
        < 15
    )


def test_the_rows_are_read_once_for_each_content(
    make_recipe: RecipeMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jsonl(tmp_path / "test.jsonl", GOOD)
    section = section_with(make_recipe, test=str(path))
    (tmp_path / "cache").mkdir()
    first = load_test_report(section, "key", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(sealed_module, "read_labelled_rows", None)
        assert load_test_report(section, "key", tmp_path) == first
    write_jsonl(path, GOOD[:30])
    changed = load_test_report(section, "key", tmp_path)
    assert changed is not None
    assert changed.sealed is not None
    assert changed.sealed.rows == 30
    path.unlink()
    gone = load_test_report(section, "key", tmp_path)
    assert gone is not None
    assert "no such file" in gone.problem
    assert load_test_report(section_with(make_recipe), "key", tmp_path) is None
