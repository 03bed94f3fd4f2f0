"""The best model and best.json: what is kept of a trial that beats all others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tuner.session import events as e
from tuner.session.best_document import current_best_document
from tuner.session.folder import Session, write_private_file
from tuner.session.view import ENDED_STATES, SessionView
from tuner.worker.event_log import EventLog

MODEL_FOLDER = "model"
_KEPT_PREFIXES = ("predictions", "evaluations")


def keep_best_model(session: Session, event_log: EventLog) -> None:
    """Make best/, best.json and the log agree with the view's best trial.

    Each step is left out where it has been done, so that this can be interrupted anywhere and
    called again.
    """
    best = event_log.view.find_best_trial()
    if best is None or best.value is None:
        return
    move_model_to_best(session.trial_folder(best.number) / MODEL_FOLDER, session.best_folder)
    write_best_json_file(session, event_log.view)
    if _announced_best_trial(event_log.view) != best.number:
        event_log.record_event(e.BestChanged(trial=best.number, value=best.value))


def move_model_to_best(model: Path, best: Path) -> None:
    """Move a trial's model to best/.

    The new model's own folder tells how far this came: while it is there, the move is not done.
    """
    previous_best = best.with_name(f"{best.name}.old")
    if model.is_dir():
        shutil.rmtree(previous_best, ignore_errors=True)
        if best.exists():
            best.rename(previous_best)
        model.rename(best)
    if previous_best.exists() and best.exists():
        shutil.rmtree(previous_best)


def write_best_json_file(session: Session, view: SessionView) -> None:
    """Write best.json unless it already agrees with the log."""
    text = json.dumps(current_best_document(session, view), indent=2, ensure_ascii=False) + "\n"
    if not session.best_json.exists() or session.best_json.read_text(encoding="utf-8") != text:
        write_private_file(session.best_json, text)


def remove_trial_files(session: Session, number: int) -> None:
    """Remove the checkpoint and the model of an ended trial; its predictions stay.

    For when study and log have the end, so that whatever is lost before that goes on from the
    checkpoint, and no trainer has the trial any more.
    """
    folder = session.trial_folder(number)
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith(_KEPT_PREFIXES):
            path.unlink()


def remove_files_of_ended_trials(session: Session, view: SessionView) -> None:
    """Remove checkpoints and models of all ended trials, left behind by a kill."""
    for trial in view.trials.values():
        if trial.state in ENDED_STATES:
            remove_trial_files(session, trial.number)


def _announced_best_trial(view: SessionView) -> int | None:
    changes = (event for event in reversed(view.history) if isinstance(event, e.BestChanged))
    change = next(changes, None)
    return None if change is None else change.trial
