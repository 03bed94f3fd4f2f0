"""The best model and best.json: what is kept of a trial that beats all others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tuner.session import events as e
from tuner.session.best import best_object
from tuner.session.fold import ENDED
from tuner.session.folder import Session, write_private
from tuner.session.view import SessionView
from tuner.worker.journal import Journal

MODEL = "model"
_KEPT = ("predictions", "evaluations")


def keep_best(session: Session, journal: Journal) -> None:
    """Make best/, best.json and the log agree with the view's best trial.

    Each step is left out where it has been done, so that this can be interrupted anywhere and
    called again.
    """
    best = journal.view.best_trial()
    if best is None or best.value is None:
        return
    promote(session.trial_folder(best.number) / MODEL, session.best_folder)
    write_best_json(session, journal.view)
    if _announced(journal.view) != best.number:
        journal.record(e.BestChanged(trial=best.number, value=best.value))


def promote(model: Path, best: Path) -> None:
    """Move a trial's model to where the best one lies.

    The new model's own folder tells how far this came: while it is there, the move is not done.
    """
    old = best.with_name(f"{best.name}.old")
    if model.is_dir():
        shutil.rmtree(old, ignore_errors=True)
        if best.exists():
            best.rename(old)
        model.rename(best)
    if old.exists() and best.exists():
        shutil.rmtree(old)


def write_best_json(session: Session, view: SessionView) -> None:
    """Write best.json where it does not say yet what the log says."""
    text = json.dumps(best_object(session, view), indent=2, ensure_ascii=False) + "\n"
    if not session.best_json.exists() or session.best_json.read_text(encoding="utf-8") != text:
        write_private(session.best_json, text)


def clean_trial(session: Session, number: int) -> None:
    """Remove the checkpoint and the model of a trial that has ended; its predictions stay.

    For when study and log have the end, so that whatever is lost before that goes on from the
    checkpoint, and no trainer has the trial any more.
    """
    folder = session.trial_folder(number)
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith(_KEPT):
            path.unlink()


def clean_ended_trials(session: Session, view: SessionView) -> None:
    """The same for all that have ended: what a kill left behind."""
    for trial in view.trials.values():
        if trial.state in ENDED:
            clean_trial(session, trial.number)


def _announced(view: SessionView) -> int | None:
    changes = (event for event in reversed(view.history) if isinstance(event, e.BestChanged))
    change = next(changes, None)
    return None if change is None else change.trial
