"""A cache of the libraries that cannot be written is no fault of the model or the rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from tuner.errors import TunerError
from tuner.training.arrow_tables import read_dataset_split
from tuner.training.hub import cache_trouble
from tuner.training.model import ModelSource, explain_load_errors
from tuner.training.sources import HubSource


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the cache below a file, where even root can make no folder."""
    import datasets

    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache))
    return cache


def test_a_model_is_not_blamed(cache: Path) -> None:
    source = ModelSource("org/bert", "org/bert", None, {}, allow_pickle=False)
    expected_message = rf"model.name: org/bert: {cache} cannot be written .*set HF_HOME"
    with pytest.raises(TunerError, match=expected_message), explain_load_errors(source, "weights"):
        fetch(cache)


def fetch(cache: Path) -> None:
    """Raise as transformers does: another error, with the cause behind it."""
    try:
        cache.mkdir(parents=True)
    except OSError as error:
        raise OSError("the libraries say something else") from error


def test_rows_are_not_blamed(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "train.csv").write_text("text,label\na,1\nb,0\n")
    source = HubSource(str(folder), None, "train", folder)
    with pytest.raises(TunerError, match=rf"{cache} cannot be written .*set HF_HOME"):
        read_dataset_split(source, "data.train: rows", ["text", "label"], None)


def test_other_errors_are_about_something_else(cache: Path) -> None:
    assert cache_trouble(ValueError(f"{cache}")) is None
    assert cache_trouble(PermissionError(13, "no", "/data/model/config.json")) is None


def test_a_cache_that_can_be_written_is_not_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert cache_trouble(FileNotFoundError(2, "no", str(tmp_path / "x"))) is None
