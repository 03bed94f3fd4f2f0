"""Rows of files and hub data sets, as texts and labels."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.nearest import nearest, show, suggestion
from tuner.recipe.types import DataSection
from tuner.recipe.user_paths import file_trouble, folder_trouble, written_path
from tuner.training.hub import hub_is_reachable
from tuner.training.labels import LabelValue
from tuner.training.tables import TABLE_KINDS, header_of, table_options

HUB = "hub:"
KINDS = (".jsonl", ".csv", ".tsv", ".parquet")


@dataclass(frozen=True, slots=True)
class Rows:
    """One file's rows in order. `texts`: one list a column; `names`: those of numbered labels."""

    source: str
    texts: tuple[list[str], ...]
    labels: list[LabelValue]
    names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)


def is_hub(source: str) -> bool:
    """Whether a source names a hub data set rather than a file."""
    return source.startswith(HUB)


def data_path(source: str, section: DataSection) -> Path:
    """A data file's path, relative ones taken from the recipe's folder."""
    return written_path(source, "data", section.root)


def read_rows(source: str, key: str, section: DataSection) -> Rows:
    """Read a file or "hub:NAME[:CONFIG]:SPLIT"; `key` is the recipe's key, for messages.

    Raises TunerError where it is missing, unreadable, empty, of an unknown kind, or lacks a column.
    """
    where = f"data.{key}"
    if is_hub(source):
        columns = _hub_columns(source, where, section)
    else:
        columns = _file_columns(checked_path(source, key, section), where, section)
    texts = tuple([_as_text(value) for value in columns[str(name)]] for name in section.text)
    labels, names = columns[str(section.label)], columns.get("\0names")
    if not labels:
        raise TunerError(f"{where}: {source} holds no rows")
    return Rows(source, texts, labels, tuple(names) if names else None)


def checked_path(source: str, key: str, section: DataSection) -> Path:
    """The path of a data file that is there and of a known kind, or TunerError."""
    path = data_path(source, section)
    if path.suffix.lower() not in KINDS:
        raise TunerError(
            f'data.{key}: {source}: the name must end in {", ".join(KINDS)}, or begin with "hub:"'
        )
    trouble = file_trouble(path)
    if trouble is not None:
        raise TunerError(f"data.{key}: {path}: {trouble}{_near(path)}")
    return path


def _near(path: Path) -> str:
    """A file beside it with a name like it, or that its folder is missing."""
    trouble = folder_trouble(path.parent)
    if trouble is not None:
        return f"; {path.parent}: {trouble}"
    match = nearest(path.name, sorted(entry.name for entry in path.parent.iterdir()))
    return f"; did you mean {show(match)}?" if match else ""


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)


def _file_columns(path: Path, where: str, section: DataSection) -> dict[str, list[Any]]:
    wanted = list(dict.fromkeys(str(name) for name in (*section.text, section.label)))
    kind = path.suffix.lower()
    by_number = [name for name in (*section.text, section.label) if isinstance(name, int)]
    if by_number and kind not in TABLE_KINDS:
        raise TunerError(f"{where}: {path}: columns go by number in .csv and .tsv files only")
    if path.stat().st_size == 0:
        raise TunerError(f"{where}: {path} is empty")
    try:
        if kind == ".jsonl":
            return _json_lines(path, wanted, where)
        if kind == ".parquet":
            return _streamed("parquet", path, wanted, where)
        header = header_of(path, section, f"{where}: {path}")
        check_columns(wanted, header, f"{where}: {path}")
        return _streamed("csv", path, wanted, where, **table_options(path, section, header))
    except TunerError:
        raise
    except UnicodeDecodeError as error:
        raise TunerError(
            f"{where}: {path} is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise TunerError(f"{where}: {path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - the readers below raise what they like
        line = str(error).strip().splitlines()
        raise TunerError(
            f"{where}: {path} cannot be read: {line[0] if line else error!r}"
        ) from None


def check_columns(wanted: Sequence[str], there: Sequence[str], where: str) -> None:
    """Raise TunerError for the first column that is not there, with the nearest name."""
    for name in wanted:
        if name not in there:
            raise TunerError(f"{where} has no column {show(name)}; {suggestion(name, there)}")


def _json_lines(path: Path, wanted: Sequence[str], where: str) -> dict[str, list[Any]]:
    """Line by line: Arrow guesses types, takes texts for dates, and dies of very deep lists."""
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    seen: dict[str, None] = {}
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            row = _json_row(line, f"{where}: {path}, line {number}")
            seen |= dict.fromkeys(row)
            for name in wanted:
                columns[name].append(row.get(name))
    check_columns(wanted, list(seen), f"{where}: {path}")
    return columns


def _json_row(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise TunerError(f"{place}: not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise TunerError(f"{place}: a number too long or a list too deep") from None
    if not isinstance(row, dict):
        raise TunerError(f"{place}: not an object with columns")
    return row


def _streamed(
    builder: str, path: Path, wanted: Sequence[str], where: str, **options: Any
) -> dict[str, list[Any]]:
    """Read with `datasets`, streamed: nothing is written anywhere and no network is asked."""
    datasets = _datasets()
    with tempfile.TemporaryDirectory(prefix="tuner-") as folder, warnings.catch_warnings():
        # A row longer than the header would lose its end with no more than a warning.
        warnings.filterwarnings("error", message="Length of header or names")
        # Through a link, since data_files are patterns in which the path's own [ and * would count.
        link = Path(folder) / f"rows{path.suffix.lower()}"
        link.symlink_to(path.resolve())
        stream = datasets.load_dataset(
            builder, data_files={"rows": [str(link)]}, split="rows", streaming=True, **options
        )
        return _collected(stream, wanted, f"{where}: {path}", by_name=not options)


def _collected(
    stream: Any, wanted: Sequence[str], where: str, by_name: bool
) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    for table in stream.with_format("arrow").iter(batch_size=10_000):
        if by_name:
            check_columns(wanted, table.schema.names, where)
        for name in wanted:
            columns[name].extend(_plain(table.column(name), where))
    names = _label_names(stream.features, wanted[-1])
    return columns | ({"\0names": names} if names else {})


def _plain(column: Any, where: str) -> list[Any]:
    """Arrow values as Python's, or TypeError where Arrow guessed a type that is not in the file."""
    import pyarrow.types as kind

    plain = (kind.is_string, kind.is_large_string, kind.is_boolean, kind.is_null)
    if not any(is_kind(column.type) for is_kind in plain) and not (
        kind.is_integer(column.type) or kind.is_floating(column.type)
    ):
        raise TypeError(f"{where}: a column of {column.type} is neither text nor label")
    values: list[Any] = column.to_pylist()
    return values


def _label_names(features: Any, label: str) -> list[str] | None:
    names = getattr((features or {}).get(label), "names", None)
    return list(names) if names else None


def _hub_columns(source: str, where: str, section: DataSection) -> dict[str, list[Any]]:
    parts = source.removeprefix(HUB).split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise TunerError(f"{where}: {source}: write hub:NAME:SPLIT or hub:NAME:CONFIG:SPLIT")
    name, split, config = parts[0], parts[-1], parts[1] if len(parts) == 3 else None
    datasets = _datasets()
    if not hub_is_reachable():
        datasets.config.HF_HUB_OFFLINE = True
    try:
        table = datasets.load_dataset(name, config, split=split)
    except Exception as error:  # noqa: BLE001 - whatever the hub, the network and the files raise
        reason = str(error).strip().splitlines()
        offline = "" if hub_is_reachable() else "no network, and not in the local cache: "
        raise TunerError(
            f"{where}: {source}: {offline}{reason[0] if reason else error!r}"
        ) from None
    wanted = list(dict.fromkeys(str(column) for column in (*section.text, section.label)))
    check_columns(wanted, table.column_names, f"{where}: {source}")
    names = _label_names(table.features, str(section.label))
    columns = {column: list(table[column]) for column in wanted}
    return columns | ({"\0names": names} if names else {})


def _datasets() -> Any:
    import datasets

    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity(50)
    return datasets


def duplicates(first: Rows, second: Rows) -> int:
    """How many rows of `second` have the texts of a row of `first`."""
    seen = set(_keys(first))
    return sum(key in seen for key in _keys(second))


def _keys(rows: Rows) -> Iterator[tuple[str, ...]]:
    return zip(*rows.texts, strict=True)
