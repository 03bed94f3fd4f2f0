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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that it is not last, in as many of pytest-xdist's processes.

    Each process gets a run of tests, in their order, before it takes over the end of another's.
    Tests that fork stay together: the server of their forks takes seconds and 500 MB.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    firsts = [[item] for item in items if item.get_closest_marker("e2e")]
    firsts.append([item for item in items if "fork_server" in vars(item)["fixturenames"]])
    begun_with = {item for first in firsts for item in first}
    others = [item for item in items if item not in begun_with]
    share = -(-len(items) // processes)
    for number in range(processes):
        run = [item for first in firsts[number::processes] for item in first]
        others[number * share : number * share] = run
    items[:] = others


@pytest.fixture(scope="session")
def fork_server() -> None:
    """Start what workers and trainers are forked from, with all that they import."""
    from tests.faults import processes

    processes.fork_server()


def pytest_collection_finish() -> None:
    """Spare collections what was imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BEFORE_COLLECTION)
