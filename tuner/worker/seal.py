"""The log's word on which rows are sealed as the test."""

from __future__ import annotations

from tuner.errors import TunerError
from tuner.recipe.findings import TestReport
from tuner.session.events import TestReplaced
from tuner.session.folder import Session
from tuner.session.lock import WorkerLock
from tuner.session.safe import refuse_unsafe
from tuner.session.seal import as_event, seal_broken
from tuner.worker.journal import Journal
from tuner.worker.launch import refuse_running


def seal_test_rows(journal: Journal, report: TestReport) -> str:
    """Log which rows are sealed, where the log has none or others may take their place.

    Returns why `tuner test` could not score them, "" where it can.
    """
    rows = report.sealed
    if rows is None:
        return report.problem
    broken = seal_broken(journal.view, rows)
    known = journal.view.sealed
    if not broken and (known is None or known.digest != rows.digest):
        journal.record(as_event(rows))
        for warning in report.warnings:
            journal.log("warning", warning)
    return broken


def refuse_unscorable(journal: Journal, report: TestReport | None) -> None:
    """Raise TunerError before a search whose test rows could never be scored.

    Where there are trials already they are worth more than the test: the log warns. None is a
    recipe that has no test any more.
    """
    if report is None:
        if journal.view.sealed is not None:
            journal.record(TestReplaced(source=""))
        return
    problem = seal_test_rows(journal, report)
    if not problem:
        return
    if not journal.view.trials:
        raise TunerError(problem)
    journal.log("warning", problem)


def break_seal(session: Session, source: str) -> None:
    """Log that data.test was set anew, so that what is read next is sealed.

    For rows that were not opened yet. Raises TunerError while a worker is running.
    """
    refuse_unsafe(session)
    lock = WorkerLock(session.lock_path)
    if not lock.acquire("test"):
        refuse_running(session)
    try:
        journal = Journal(session)
        if journal.view.sealed is not None:
            journal.record(TestReplaced(source=source))
        journal.close()
    finally:
        lock.release()
