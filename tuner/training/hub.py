"""Whether the hub can be reached, tested once and quickly instead of retried for half a minute."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from tuner.recipe.user_paths import describe_os_error

_CONNECT_SECONDS = 5.0


@cache
def hub_is_reachable() -> bool:
    """Return whether a connection to the hub opens; assumed where there is a proxy."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    address = urlsplit(constants.ENDPOINT)
    if address.scheme in getproxies():
        return True
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def cache_trouble(error: BaseException | None) -> str | None:
    """Return why the libraries' download folder cannot be used, where `error` comes from that.

    The folder is tested: what the libraries raise says much about the model or the rows and little
    about the folder.
    """
    for folder in _library_cache_folders():
        if any(_error_names_folder(cause, folder) for cause in error_chain(error)):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as refused:
                problem = f"{folder} cannot be written ({describe_os_error(refused)})"
                return f"{problem}; downloads are kept there: set HF_HOME to another folder"
    return None


def _library_cache_folders() -> list[Path]:
    from huggingface_hub import constants

    caches = [Path(constants.HF_HUB_CACHE), Path(constants.HF_HOME)]
    datasets = sys.modules.get("datasets")
    return caches if datasets is None else [Path(datasets.config.HF_DATASETS_CACHE), *caches]


def _error_names_folder(error: BaseException, folder: Path) -> bool:
    """Return whether an error names something in the folder, or a parent that could not be made."""
    if not isinstance(error, OSError):
        return False
    named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    return str(folder) in str(error) or (named is not None and named in folder.parents)


def error_chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it: what libraries raise last often hides the reason."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def quiet_libraries(threads: int) -> None:
    """Set, before they are imported, what the libraries read from the environment.

    Progress bars and hints would only fill the log, and nobody asked for a background conversion of
    pickled weights to safetensors on the hub's servers.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true" if threads > 1 else "false")
    os.environ.setdefault("RAYON_NUM_THREADS", str(max(threads, 1)))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(threads, 1)))
    # A thread that waits at a barrier burns its core, which a neighbour on the machine then lacks:
    # where cores were shared, two threads took 12 times as long as one until they slept instead.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
