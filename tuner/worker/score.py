"""Opening the sealed test split: once, and counted when it is more often."""

from __future__ import annotations

import queue
import sys

from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.pool import protocol as p
from tuner.pool.local import LocalTrainer
from tuner.pool.orphans import end_orphans, lock_path
from tuner.pool.trainer import Garbled, Lost, Trainer, TrainerMessage
from tuner.recipe.load import load, parse, recipe_to_dict
from tuner.recipe.types import Recipe
from tuner.session import events as e
from tuner.session.advice import call
from tuner.session.best import cache_model, cached_model
from tuner.session.fold import load_view
from tuner.session.folder import Session
from tuner.session.lock import WorkerLock
from tuner.session.safe import refuse_unsafe
from tuner.session.seal import change_of_test_refused, opened_hashes, openings_of
from tuner.worker.best import write_best_json
from tuner.worker.budget import threads_for_each
from tuner.worker.journal import Journal
from tuner.worker.launch import refuse_running
from tuner.worker.seal import seal_test_rows

END_PATIENCE = 10.0
ORPHAN_PATIENCE = 30.0


def score_test(session: Session, again: bool = False) -> e.TestScored:
    """Score the best model on the sealed test split, and note it in the log and in best.json.

    Where the present best was scored before, the stored result comes back, unless it is to be
    scored `again`; `opened` counts how often the rows were looked at, in all sessions. Raises
    TunerError where there is no sealed split or not the one that was sealed, or while a worker is
    running; NotFinished where there is no best model.
    """
    recipe = load(session.recipe_path)
    if recipe.data.test is None and not recipe.data.holdout:
        raise TunerError(
            f"session {session.name!r} has no test rows: "
            f"`{call('set', session)} data.test=FILE` seals some"
        )
    stored = load_view(session)
    refused = change_of_test_refused(stored, parse(stored.recipe, "events.jsonl"), recipe)
    if refused:
        raise TunerError(refused)
    if stored.test is not None and stored.test.trial == stored.best and not again:
        return stored.test
    refuse_running(session)
    refuse_unsafe(session)
    lock = WorkerLock(session.lock_path)
    if not lock.acquire("test"):
        refuse_running(session)
    try:
        return _score(session, recipe)
    finally:
        lock.release()


def _score(session: Session, recipe: Recipe) -> e.TestScored:
    journal = Journal(session)
    try:
        best = journal.view.best
        if best is None or not session.best_folder.is_dir():
            raise NotFinished(f"session {session.name!r} has no best model yet to be tested")
        scored = _ask_trainer(session, recipe, journal)
        event = journal.record(_as_event(session, journal, best, scored))
        write_best_json(session, journal.view)
        return event
    finally:
        journal.close()


def _as_event(session: Session, journal: Journal, best: int, scored: p.Scored) -> e.TestScored:
    texts = "" if journal.view.sealed is None else journal.view.sealed.texts
    before = openings_of(session, texts, opened_hashes(session))
    for name in before.unread:
        journal.log("warning", f"whether {name} opened these test rows is not known: not readable")
    return e.TestScored(
        trial=best,
        n=scored.n,
        metrics=scored.metrics,
        confusion=scored.confusion,
        opened=1 + before.times,
        texts=texts,
        sessions=before.sessions,
        shared=before.shared,
    )


def _ask_trainer(session: Session, recipe: Recipe, journal: Journal) -> p.Scored:
    messages: queue.Queue[TrainerMessage] = queue.Queue()

    def receive(_: Trainer, message: TrainerMessage) -> None:
        messages.put(message)

    session.cache_folder.mkdir(mode=0o700, exist_ok=True)
    end_orphans(session.cache_folder, ORPHAN_PATIENCE)
    threads = threads_for_each(1)
    with session.log_path.open("a", encoding="utf-8") as log:
        trainer = LocalTrainer(
            receive, lambda line: print(line, file=log), lock_path(session.cache_folder, 0), threads
        )
        try:
            trainer.send(
                p.Setup(
                    session=str(session.path.resolve()),
                    recipe=recipe_to_dict(recipe),
                    device="auto",
                    threads=threads,
                )
            )
            return _wait(trainer, messages, session, journal)
        finally:
            trainer.end()
            _let_end(trainer, messages)


def _wait(
    trainer: LocalTrainer,
    messages: queue.Queue[TrainerMessage],
    session: Session,
    journal: Journal,
) -> p.Scored:
    """Raises TunerError, before anything is opened, where the rows are not those sealed."""
    while True:
        match messages.get():
            case p.Ready() as ready:
                problem = "" if ready.test is None else seal_test_rows(journal, ready.test)
                if problem:
                    raise TunerError(problem)
                if ready.model is not None and cached_model(session) is None:
                    cache_model(session, ready.model)
                trainer.send(p.Score(folder=str(session.best_folder.resolve())))
            case p.Scored() as scored:
                return scored
            case p.Refused() as refused:
                raise TunerError(refused.error)
            case p.Failed() as failed:
                raise StudyFailed(f"{failed.cause}: {failed.error}")
            case Lost() as lost:
                messages.put(lost)
                words = " / ".join(lost.lines[-3:])
                raise StudyFailed(f"{lost.describe()}: {words}")
            case Garbled() as garbled:
                raise RuntimeError(f"a message of the trainer's: {garbled.line[:200]}")
            case _:
                continue


def _let_end(trainer: LocalTrainer, messages: queue.Queue[TrainerMessage]) -> None:
    """Wait for `Lost`, so that nothing prints into the log after it was closed."""
    try:
        while not isinstance(messages.get(timeout=END_PATIENCE), Lost):
            continue
    except queue.Empty:
        print(f"trainer {trainer.pid} did not end and is killed", file=sys.stderr)
        trainer.kill()
        while not isinstance(messages.get(), Lost):
            continue
