"""The log's word on which rows are sealed as the test."""

from __future__ import annotations

from tuner.errors import TunerError
from tuner.recipe.findings import TestReport
from tuner.session.events import TestReplaced
from tuner.session.folder import Session
from tuner.session.test_seal import reason_seal_is_broken, sealed_rows_event
from tuner.worker.event_log import EventLog
from tuner.worker.exclusive import exclusive_session


def seal_test_rows(event_log: EventLog, report: TestReport) -> str:
    """Record which rows are sealed, where the log has none or others may replace them.

    Returns why `tuner test` could not score them, "" where it can.
    """
    rows = report.sealed
    if rows is None:
        return report.problem
    broken_reason = reason_seal_is_broken(event_log.view, rows)
    sealed_before = event_log.view.sealed_test
    if not broken_reason and (sealed_before is None or sealed_before.digest != rows.digest):
        event_log.record_event(sealed_rows_event(rows))
        for warning in report.warnings:
            event_log.log_message("warning", warning)
    return broken_reason


def refuse_unscorable(event_log: EventLog, report: TestReport | None) -> None:
    """Raise TunerError before a search whose test rows could never be scored.

    Where there are trials already they are worth more than the test: the log warns. None is a
    recipe that has no test any more.
    """
    if report is None:
        if event_log.view.sealed_test is not None:
            event_log.record_event(TestReplaced(source=""))
        return
    problem = seal_test_rows(event_log, report)
    if not problem:
        return
    if not event_log.view.trials:
        raise TunerError(problem)
    event_log.log_message("warning", problem)


def break_test_seal(session: Session, source: str) -> None:
    """Record that data.test was set anew, so that what is read next is sealed.

    For rows that were not opened yet. Raises TunerError while a worker is running.
    """
    with exclusive_session(session):
        event_log = EventLog(session)
        if event_log.view.sealed_test is not None:
            event_log.record_event(TestReplaced(source=source))
        event_log.close_log()
