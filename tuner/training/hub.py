"""Whether the hub can be reached, asked once and quickly instead of retried for half a minute."""

from __future__ import annotations

import os
import socket
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies

_CONNECT_SECONDS = 5.0


@cache
def hub_is_reachable() -> bool:
    """Whether a connection to the hub opens; taken for granted where there is a proxy."""
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


def quiet_libraries(threads: int) -> None:
    """Set, before they are imported, what the libraries read from the environment.

    Bars and hints would only fill the log, and a background conversion of pickle weights to
    safetensors on the hub's servers is nothing that a user asked for.
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
