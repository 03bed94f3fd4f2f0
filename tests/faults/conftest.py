"""A tiny study that nobody disturbed, to hold the disturbed ones against; and the figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults import fault_counts
from tests.faults.kill_points import without_numbers
from tests.faults.processes import Plan, live
from tests.faults.studies import Tiny, portrait


@dataclass(frozen=True)
class Calm:
    """What an undisturbed study leaves behind.

    Its end, the points that its worker and its trainer passed, and the calls that SQLite made.
    """

    portrait: dict[str, Any]
    worker: list[str]
    trainer: list[str]
    database: list[str]


@pytest.fixture(scope="session")
def tiny(fork_server: None, tmp_path_factory: pytest.TempPathFactory) -> Tiny:  # noqa: ARG001
    return Tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def calm(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    traces = tmp_path_factory.mktemp("traces")
    session = tiny.session()
    assert live(session, Plan(traces=traces)) == 0
    visited = {
        path.name: [without_numbers(name) for name in path.read_text().splitlines()]
        for path in traces.iterdir()
    }
    return Calm(portrait(session), **visited)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Gather the figures of the processes that pytest-xdist runs the tests in."""
    fault_counts.add_counts(getattr(node, "workeroutput", {}).get("tally", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tally"] = fault_counts.as_plain_values()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = fault_counts.summary_lines()
    if figures:
        terminalreporter.section("faults")
        for line in figures:
            terminalreporter.write_line(line)
