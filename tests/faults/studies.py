"""Tiny studies with a real model, and all that has to be equal about two of them."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from tests.training.conftest import WORDS, make_tokenizer, write_jsonl
from tests.worker.test_kills import story
from tests.worker.worker_sessions import EMPTY_DATABASE, events
from tuner.session import events as e
from tuner.session.folder import Session, create_session

RECIPE = """
[model]
name = {model}
max_length = 24

[data]
train = {train}
validation = {validation}
text = "text"
label = "label"

[training]
epochs = {epochs}
batch_size = {batch}
checkpoint_seconds = {checkpoint_seconds}
kernels = "torch"
{training}

[[groups]]
name = "body"
part = ["embeddings", "layers"]
lr = {{ low = 1e-3, high = 3e-2 }}

[[groups]]
name = "head"
rest = true
lr = {{ low = 1e-3, high = 3e-2 }}

[search]
trials = {trials}
slots = 1
startup_trials = 3
{search}
"""
TRIALS = 5
ENDS = (e.TrialCompleted, e.TrialPruned, e.TrialCollapsed, e.TrialFailed)
_TABLES = {
    "trials": "SELECT number, state FROM trials",
    "values": "SELECT number, objective, value FROM trial_values",
    "params": "SELECT number, param_name, param_value, distribution_json FROM trial_params",
    "curves": "SELECT number, step, intermediate_value FROM trial_intermediate_values",
    "attributes": "SELECT number, key, value_json FROM trial_user_attributes",
}


class Tiny:
    """A model of two layers, 32 rows to train on, in four batches, and 30 to validate."""

    def __init__(self, folder: Path, *, width: int = 16, words: int = 5, batch: int = 8) -> None:
        self._model = _quick_learner(folder / "model", width)
        self._train = write_jsonl(folder / "train.jsonl", _rows(4 * batch, words, 1))
        self._validation = write_jsonl(folder / "validation.jsonl", _rows(30, words, 2))
        self._batch = batch
        self._folder = folder
        self._made = 0

    def session(
        self,
        *,
        trials: int = TRIALS,
        epochs: int = 2,
        checkpoint_seconds: float = 1e-9,
        training: str = "",
        search: str = "",
    ) -> Session:
        """Make a session below the folder, with a checkpoint after every step."""
        self._made += 1
        text = RECIPE.format(
            model=json.dumps(str(self._model)),
            train=json.dumps(str(self._train)),
            validation=json.dumps(str(self._validation)),
            batch=self._batch, trials=trials, epochs=epochs, checkpoint_seconds=checkpoint_seconds,
            training=training, search=search,
        )  # fmt: skip
        session = create_session(self._folder / "sessions", f"s{self._made}", text)
        session.database_path.touch(mode=0o600)
        session.database_path.write_bytes(EMPTY_DATABASE)
        return session


def _quick_learner(folder: Path, width: int) -> Path:
    """Make a tiny BERT whose weights are large enough to learn something in a dozen steps."""
    import torch
    from transformers import AutoConfig, AutoModel

    size = make_tokenizer(folder)
    config = AutoConfig.for_model(
        "bert", vocab_size=size, pad_token_id=0, num_hidden_layers=2, hidden_size=width,
        num_attention_heads=2, intermediate_size=width**2 // 8, max_position_embeddings=40,
        initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(3)
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


def _rows(count: int, longest: int, seed: int) -> list[dict[str, Any]]:
    """Make rows that are a yes where their first word is one of the first half."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        half = WORDS[:5] if number % 2 else WORDS[-5:]
        words = [draw.choice(half), *draw.choices(WORDS, k=draw.randint(0, longest - 1))]
        rows.append({"text": " ".join(words), "label": "yes" if number % 2 else "no"})
    return rows


def portrait(session: Session) -> dict[str, Any]:
    """Everything about a finished session but when it happened and its name."""
    best = json.loads(session.best_json.read_text(encoding="utf-8"))
    return {
        "story": story(session),
        "database": database(session),
        "predictions": dict(_predictions(session)),
        "best.json": {k: v for k, v in best.items() if k not in ("created", "session")},
        "best": {p.name: p.read_bytes() for p in sorted(session.best_folder.iterdir())},
        "files": sorted(_files(session)),
    }


def assert_same(disturbed: Session, calm: dict[str, Any]) -> None:
    """Bit for bit."""
    actual_portrait = portrait(disturbed)
    for part, expected in calm.items():
        if isinstance(expected, list):
            for expected_part, actual_part in zip(expected, actual_portrait[part], strict=False):
                assert actual_part == expected_part, f"{part} of {disturbed.path}"
        assert actual_portrait[part] == expected, f"{part} of {disturbed.path}"


def assert_sound(session: Session, torn: int = 0) -> dict[int, e.Event]:
    """Check that the log has no gap, the database no damage, and no trial ended twice.

    The log has at most `torn` lines that were cut short. Return the ends by trial.
    """
    logged_events = events(session)
    unreadable = [event for event in logged_events if isinstance(event, e.Unknown)]
    assert len(unreadable) <= torn, unreadable
    numbers = [event.seq for event in logged_events if not isinstance(event, e.Unknown)]
    assert numbers == list(range(len(numbers)))
    ends: dict[int, e.Event] = {}
    for event in logged_events:
        if isinstance(event, ENDS):
            assert event.trial not in ends, f"trial {event.trial} ended twice"
            ends[event.trial] = event
    assert integrity(session) == "ok"
    return ends


def integrity(session: Session) -> str:
    """Run SQLite's integrity check on a copy: the worker is to find the file as it was left."""
    with tempfile.TemporaryDirectory() as folder:
        for path in session.path.glob("study.db*"):
            shutil.copy(path, folder)
        with closing(sqlite3.connect(Path(folder) / "study.db")) as connection:
            return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def database(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """All that the study's tables say of trials."""
    with closing(sqlite3.connect(session.database_path)) as connection:
        return {
            name: sorted(
                connection.execute(
                    query if name == "trials" else f"{query} JOIN trials USING (trial_id)"
                ).fetchall()
            )
            for name, query in _TABLES.items()
        }


def _predictions(session: Session) -> Iterator[tuple[str, bytes]]:
    for path in sorted(session.trials_folder.glob("*/predictions-*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            yield "/".join(path.parts[-2:]), b"".join(arrays[k].tobytes() for k in arrays.files)


def _files(session: Session) -> Iterator[str]:
    for folder in (session.trials_folder, session.best_folder):
        yield from (str(path.relative_to(session.path)) for path in folder.rglob("*"))
