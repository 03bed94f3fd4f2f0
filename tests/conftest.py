"""What every test needs: no surprises from the user's environment, and calm thread pools."""

from __future__ import annotations

import gc
import os

import pytest

# Before anything imports torch: tests run side by side, one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
for name in ("NO_COLOR", "TUNER_SESSIONS", "TUNER_TRAINER", "COLUMNS", "LINES"):
    os.environ.pop(name, None)


# Tests of the UI allocate much and keep little; what was imported lives as long as the process.
_ALLOCATIONS_BEFORE_COLLECTION = 20_000


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the long tests, one in each of pytest-xdist's processes, so none of them is last.

    Each process gets a run of tests, in their order, before it takes over some of another's.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.get_closest_marker("e2e")]
    others = [item for item in items if item not in long]
    share = -(-len(items) // processes)
    for number in range(processes):
        others[number * share : number * share] = long[number::processes]
    items[:] = others


def pytest_collection_finish() -> None:
    """Spare collections what was imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BEFORE_COLLECTION)
