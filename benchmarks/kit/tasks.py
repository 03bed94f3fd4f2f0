"""The data: RTE and TREC where they are, else the embedded messages."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from kit.work import Work
from tuner.demo import demo_data_folder

REPOSITORY = Path(__file__).resolve().parents[2]
_SETS = REPOSITORY.parent / "shared" / "data"
_HELD_OUT = 10


@dataclass(frozen=True)
class Source:
    """Where a data set lies and how it is read; no validation file: every tenth row is held out."""

    folder: Path
    train: str
    validation: str | None
    text: tuple[str, ...]
    max_length: int


SOURCES = {
    "rte": Source(
        _SETS / "rte_superglue", "train.jsonl", "val.jsonl", ("premise", "hypothesis"), 256
    ),
    "trec": Source(_SETS / "trec", "train.jsonl", None, ("text",), 64),
    "demo": Source(demo_data_folder(), "train.jsonl", "validation.jsonl", ("text",), 64),
}


@dataclass(frozen=True)
class Task:
    """Rows written down alike for every contender: `text`, `label`, and `second` in pairs."""

    name: str
    train: Path
    validation: Path
    labels: tuple[str, ...]
    pair: bool
    max_length: int
    count: int

    def training_work(self, model: str | Path, batch_size: int, threads: int, device: str) -> Work:
        """Training a model on this; what is particular to a benchmark comes by `replace`."""
        return Work(
            model=str(model),
            train=str(self.train),
            validation=str(self.validation),
            labels=list(self.labels),
            pair=self.pair,
            max_length=self.max_length,
            batch_size=batch_size,
            threads=threads,
            device=device,
            scratch="",
        )


def chosen_sources(names: str) -> dict[str, Source]:
    """Parse "NAME" or "NAME=FOLDER", comma-separated; the embedded one replaces absent ones."""
    sources: dict[str, Source] = {}
    for part in names.split(","):
        name, _, folder = part.strip().partition("=")
        if name not in SOURCES:
            raise SystemExit(f"--data: no such set {name!r}; there are {', '.join(SOURCES)}")
        source = SOURCES[name]
        if folder:
            source = Source(
                Path(folder), source.train, source.validation, source.text, source.max_length
            )
        if not (source.folder / source.train).is_file():
            print(f"{name} is not there (give --data {name}=FOLDER): the embedded messages instead")
            name, source = "demo", SOURCES["demo"]
        sources[name] = source
    return sources


def prepare_task(
    name: str,
    source: Source,
    folder: Path,
    limit: int | None = None,
    validation_rows: int | None = None,
) -> Task:
    """Write the task's rows into `folder`; `limit` takes so many training rows, drawn once.

    `validation_rows` are drawn from all rows, for more of them than the set itself holds out.
    """
    train = _read_rows(source.folder / source.train, source.text)
    if source.validation is None:
        validation = train[::_HELD_OUT]
        train = [row for number, row in enumerate(train) if number % _HELD_OUT]
    else:
        validation = _read_rows(source.folder / source.validation, source.text)
    if validation_rows is not None:
        pool = train + validation
        random.Random(0).shuffle(pool)
        validation, train = pool[:validation_rows], pool[validation_rows:]
    if limit is not None and limit < len(train):
        train = random.Random(0).sample(train, limit)
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    return Task(
        name=name,
        train=_write_rows(home / "train.jsonl", train),
        validation=_write_rows(home / "validation.jsonl", validation),
        labels=tuple(sorted({row["label"] for row in train})),
        pair=len(source.text) == 2,
        max_length=source.max_length,
        count=len(train),
    )


def _read_rows(path: Path, text: tuple[str, ...]) -> list[dict[str, str]]:
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        columns = dict(zip(("text", "second"), (raw[column] for column in text), strict=False))
        rows.append({**columns, "label": raw["label"]})
    return rows


def _write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
