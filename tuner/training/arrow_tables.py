"""Parquet files, data sets of the hub, and folders that save_to_disk wrote, as columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.nearest import spelling_hint
from tuner.training.failure_causes import first_message_line
from tuner.training.header import Column
from tuner.training.hub import cache_trouble, hub_is_reachable
from tuner.training.sources import HubSource, is_saved_folder
from tuner.training.tables import Table, refuse_missing_columns, refuse_numbered_columns


def read_parquet_file(
    path: Path, where: str, wanted_columns: Sequence[Column], limit: int | None
) -> Table:
    """Read the wanted columns of a parquet file, all where none is named.

    Dictionary-encoded columns come as the values that they stand for. Raises TunerError.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    refuse_numbered_columns(wanted_columns, where)
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        refuse_missing_columns(wanted_columns, names, where)
        selected = [str(name) for name in wanted_columns] or names
        rows: Any = (
            file.read(columns=selected)
            if limit is None
            else next(file.iter_batches(batch_size=limit, columns=selected), None)
        )
        if rows is None or not rows.num_rows:
            raise TunerError(f"{where} holds no rows")
        columns: dict[Column, list[Any]] = {n: rows.column(n).to_pylist() for n in selected}
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise TunerError(f"{where} cannot be read: {first_message_line(error)}") from None
    return Table(columns, class_names=_class_names_by_column(file.schema_arrow.metadata or {}))


def _class_names_by_column(metadata: Mapping[bytes, bytes]) -> dict[Column, tuple[str, ...]]:
    """Find the names of numbered classes, as `datasets` leaves them in a file's schema."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {
            name: tuple(map(str, feature["names"]))
            for name, feature in features.items()
            if isinstance(feature, dict) and isinstance(feature.get("names"), list)
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        # No file of `datasets`.
        return {}


def read_dataset_split(
    source: HubSource, where: str, wanted_columns: Sequence[Column], limit: int | None
) -> Table:
    """Read the wanted columns of a split, from the hub or from a folder. Raises TunerError."""
    refuse_numbered_columns(wanted_columns, where)
    rows = _load_dataset_split(source, where)
    names = list(rows.column_names)
    refuse_missing_columns(wanted_columns, names, where)
    if limit is not None:
        rows = rows.select(range(min(limit, len(rows))))
    selected: list[Column] = list(dict.fromkeys(wanted_columns)) or list(names)
    columns = {name: list(rows[name]) for name in selected}
    if not len(rows):
        raise TunerError(f"{where} holds no rows")
    numbered = {
        name: tuple(feature.names)
        for name, feature in rows.features.items()
        if getattr(feature, "names", None)
    }
    return Table(columns, class_names=numbered)


def _load_dataset_split(source: HubSource, where: str) -> Any:
    import datasets

    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity(50)
    try:
        if source.folder is not None and is_saved_folder(source.folder):
            return _pick_saved_split(
                datasets.load_from_disk(str(source.folder)), source.split, where
            )
        if source.folder is None and not hub_is_reachable():
            datasets.config.HF_HUB_OFFLINE = True
        name = source.name if source.folder is None else str(source.folder)
        return datasets.load_dataset(name, source.config, split=source.split)
    except TunerError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the hub, the network and the files raise
        cache = cache_trouble(error)
        if cache is not None:
            raise TunerError(f"{where}: {cache}") from None
        offline = source.folder is None and not hub_is_reachable()
        why = "no network, and not in the local cache: " if offline else ""
        raise TunerError(f"{where}: {why}{first_message_line(error)}") from None


def _pick_saved_split(saved: Any, split: str, where: str) -> Any:
    """Pick a split of what save_to_disk wrote; a data set without splits matches any name."""
    if not isinstance(saved, dict):
        return saved
    if split not in saved:
        raise TunerError(f"{where}: no split {split!r}; {spelling_hint(split, list(saved))}")
    return saved[split]
