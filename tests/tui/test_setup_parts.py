"""The editor's command and the suggestions of paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.errors import TunerError
from tuner.tui.setup.suggestions import KNOWN_MODELS, complete_known_name, complete_path
from tuner.tui.shell.external_editor import editor_command


def test_visual_goes_before_editor_and_may_have_arguments() -> None:
    assert editor_command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_command({"VISUAL": " ", "EDITOR": "vi"}) == ["vi"]
    with pytest.raises(TunerError, match="cannot be parsed"):
        editor_command({"EDITOR": "vi 'x"})


def test_without_any_editor_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(TunerError, match="EDITOR"):
        editor_command({})


def test_paths_are_completed_folders_first_with_a_slash(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("train.jsonl", "train.txt", ".hidden.csv"):
        (tmp_path / "data" / name).touch()
    endings = (".jsonl", ".csv")
    assert complete_path("da", tmp_path, endings) == "data/"
    assert complete_path("data/", tmp_path, endings) == "data/train.jsonl"
    assert complete_path("data/train.t", tmp_path, endings) is None
    assert complete_path(f"{tmp_path}/da", tmp_path, endings) == f"{tmp_path}/data/"
    for nothing in ("", "hub:x", "no/such/folder", "\0"):
        assert complete_path(nothing, tmp_path, endings) is None


def test_known_models_are_completed_as_typed() -> None:
    assert complete_known_name("google-bert/bert-b", KNOWN_MODELS) == "google-bert/bert-base-cased"
    assert complete_known_name("", KNOWN_MODELS) is None
    assert complete_known_name("zzz", KNOWN_MODELS) is None
