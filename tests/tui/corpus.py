"""Recorded sessions for the screens: made up, but they agree with themselves."""

from __future__ import annotations

import math
import random
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, cast

import msgspec

from tests.tui.long_log import LongLog
from tests.tui.recorded_predictions import gold_of, write_answers, write_texts
from tuner.recipe.load import load_recipe, recipe_to_dict
from tuner.session import events as e
from tuner.session.codec import encode_event_line
from tuner.session.folder import Session, write_private_file

START = 1_790_000_000.0
"""Everything begins here: 2026-09-21, 14:13:20 UTC."""

RATES = {
    "embeddings": (1e-7, 1e-5),
    "layers 0-3": (1e-6, 3e-5),
    "layers 4-7": (3e-6, 5e-5),
    "layers 8-11": (1e-5, 1e-4),
    "head": (1e-4, 5e-3),
}
RUNGS = (1 / 3, 2 / 3)


@dataclass
class Recorder:
    """Writes events with their numbers and times; `pass_time` moves the clock."""

    session: Session
    now: float = START
    events: list[e.Event] = field(default_factory=list)

    def say(self, event: e.Event) -> None:
        """Append an event at the present time."""
        numbered = msgspec.structs.replace(event, seq=len(self.events), time=self.now)
        self.events.append(numbered)

    def pass_time(self, seconds: float) -> None:
        """Later."""
        self.now += seconds

    def write(self) -> Session:
        """Write the log into the folder."""
        lines = b"".join(encode_event_line(event) for event in self.events)
        self.session.events_path.write_bytes(lines)
        return self.session


def recipe_text(
    rates: Mapping[str, tuple[float, float]] = RATES,
    *,
    trials: int = 60,
    metric: str = "accuracy",
    model: str = "roberta-base",
    train: str = "data/RTE/train.jsonl",
) -> str:
    """Write a recipe with these groups."""
    selectors = {
        "embeddings": 'part = "embeddings"',
        "layers 0-3": 'layers = "0-3"',
        "layers 4-7": 'layers = "4-7"',
        "layers 8-11": 'layers = "8-11"',
        "head": 'part = "head"',
    }
    groups = "".join(
        f"\n[[groups]]\nname = {_toml_string(name)}\n{selectors.get(name, 'rest = true')}\n"
        f'lr = {{ low = {low}, high = {high}, scale = "log" }}\n'
        for name, (low, high) in rates.items()
    )
    return f"""\
# What is trained, and on what.
[model]
name = {_toml_string(model)}
max_length = 128

[data]
train = {_toml_string(train)}
validation = "data/RTE/val.jsonl"
text = ["premise", "hypothesis"]
label = "label"

[training]
epochs = 6
batch_size = 16
warmup = {{ low = 0.0, high = 0.2 }}
weight_decay = {{ low = 0.0, high = 0.1 }}
{groups}
[search]
metric = "{metric}"
trials = {trials}
time = "8h"
"""


def _toml_string(text: str) -> str:
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


Options = ParamSpec("Options")
Maker = Callable[Concatenate[Path, Options], Session]
_RECORDINGS = tempfile.TemporaryDirectory(prefix="recorded-sessions-")


def recorded_once(make: Maker[Options]) -> Maker[Options]:
    """Copy a session that was made once in this process: making one takes fifty times longer."""

    @cache
    def recording(*args: Any, **kwargs: Any) -> Session:
        return make(Path(tempfile.mkdtemp(dir=_RECORDINGS.name)), *args, **kwargs)

    @wraps(make)
    def copy_recording(root: Path, /, *args: Options.args, **kwargs: Options.kwargs) -> Session:
        recorded_session = recording(*args, **cast(dict[str, Any], kwargs))
        copied_session = Session(root / recorded_session.name)
        shutil.copytree(recorded_session.path, copied_session.path)
        return copied_session

    return copy_recording


def folder(root: Path, name: str, recipe: str) -> Session:
    """Make a session's folder with its recipe and no events."""
    session = Session(root / name)
    session.path.mkdir(parents=True, mode=0o700)
    write_private_file(session.recipe_path, recipe)
    write_private_file(session.commands_path, "")
    return session


@dataclass
class Story:
    """A session told from its seed: every trial's course follows from its number."""

    recorder: Recorder
    labels: Sequence[str]
    rates: Mapping[str, tuple[float, float]]
    planned: int
    metric: str = "accuracy"
    rows: int = 277
    epochs: int = 6
    best: float = -1.0
    history: dict[float, list[float]] = field(default_factory=dict)
    pid: int = 23319
    says: tuple[float, ...] = (0.33, 0.66, 1.0)
    answers: bool = False
    odd_texts: bool = False

    def begin(self, *, resumed: bool = False) -> None:
        """Start a worker on the session."""
        say = self.recorder.say
        if not self.recorder.events:
            say(e.SessionCreated(schema=1, name=self.recorder.session.name, tuner="0.1.0"))
            self.recorder.pass_time(5)
        versions = {"torch": "2.13.0", "optuna": "5.0.0"}
        say(e.WorkerStarted(pid=self.pid, host="box", versions=versions, devices=["cuda:0"]))
        recipe = recipe_to_dict(load_recipe(self.recorder.session.recipe_path))
        started = e.SessionStarted(
            trials=self.planned,
            metric=self.metric,
            direction="maximize",
            resumed=resumed,
            recipe=recipe,
        )
        say(started)
        self.recorder.pass_time(4)
        rows = {"train": 2490, "validation": self.rows}
        sizes = dict.fromkeys(self.rates, 28_400_000)
        read = e.DataRead(
            rows=rows,
            labels=list(self.labels),
            parameters=124_600_000,
            groups=sizes,
            device="cuda:0",
            batches="packed",
            threads=16,
        )
        say(read)
        if self.answers:
            counts = tuple(map(sum, confusion_of(0.5, len(self.labels), self.rows, False)))
            session = self.recorder.session
            write_texts(session, self.labels, gold_of(counts), odd=self.odd_texts)

    def params(self, number: int) -> dict[str, Any]:
        """Draw the values of a trial from the ranges, rates evenly on a log scale."""
        rng = random.Random(f"params {number}")
        values: dict[str, Any] = {
            f"lr.{name}": float(f"{low * (high / low) ** rng.random():.3g}")
            for name, (low, high) in self.rates.items()
        }
        values["warmup"] = round(rng.uniform(0, 0.2), 3)
        return {**values, "weight_decay": round(rng.uniform(0, 0.1), 4)}

    def trial(self, number: int, *, until: float = 1.0, fate: str = "") -> None:
        """One trial. `until` below one leaves it running; `fate` may be collapse, fail or nan."""
        rng = random.Random(f"course {number}")
        origin = {0: "baseline", 1: "middle"}.get(number, "sampled")
        started = e.TrialStarted(
            trial=number,
            generation=0,
            params=self.params(number),
            seed=4,
            device="cuda:0",
            origin=origin,
        )
        self.recorder.say(started)
        goal = 0.72 + 0.13 * rng.random() ** 0.7 - (0.14 if rng.random() < 0.45 else 0.0)
        if fate == "fail":
            self._fail(number)
            return
        for epoch in range(1, self.epochs + 1):
            share = epoch / self.epochs
            if share > until + 1e-9:
                self._steps(number, epoch, until, rng)
                return
            self._steps(number, epoch, share, rng)
            value = self._evaluate(number, epoch, share, goal, rng, fate)
            if fate == "collapse" and share >= RUNGS[0]:
                self._collapse(number)
                return
            if self._cut(number, share, value, spared=until < 1):
                return
        self._complete(number)

    def _steps(self, number: int, epoch: int, until: float, rng: random.Random) -> None:
        steps = 156
        for epoch_share in self.says:
            step = round((epoch - 1 + epoch_share) * steps)
            if step > until * steps * self.epochs + 1:
                return
            self.recorder.pass_time(63 / len(self.says))
            loss = 0.69 * math.exp(-1.4 * step / (steps * self.epochs)) + 0.03 * rng.random()
            step_event = e.Step(
                trial=number,
                step=step,
                of=steps * self.epochs,
                loss=loss,
                learning_rates={},
                examples_per_second=412.3,
                memory=5_261_334_937,
            )
            self.recorder.say(step_event)

    def _evaluate(
        self, number: int, epoch: int, share: float, goal: float, rng: random.Random, fate: str
    ) -> float:
        value = 0.5 + (goal - 0.5) * (1 - math.exp(-3.2 * share)) + rng.uniform(-0.008, 0.008)
        if fate == "nan":
            value = math.nan
        confusion = confusion_of(value, len(self.labels), self.rows, fate == "collapse")
        right = sum(row[index] for index, row in enumerate(confusion))
        metrics = {"accuracy": right / self.rows, "f1_macro": right / self.rows - 0.01}
        if fate == "nan":
            metrics = dict.fromkeys(metrics, math.nan)
        self.recorder.pass_time(3)
        evaluated_event = e.Evaluated(
            trial=number,
            epoch=float(epoch),
            share=share,
            step=156 * epoch,
            of=156 * self.epochs,
            metrics={**metrics, "loss": 0.7 - 0.3 * share},
            confusion=confusion,
            gradient_norms={
                name: 3.0 * 0.6**place * math.exp(-2 * share)
                for place, name in enumerate(self.rates)
            },
            train_loss=0.69 * math.exp(-1.4 * share),
            seconds=2.0,
        )
        self.recorder.say(evaluated_event)
        if self.answers:
            write_answers(self.recorder.session, number, epoch - 1, confusion)
        return metrics["accuracy"]

    def _cut(self, number: int, share: float, value: float, *, spared: bool) -> bool:
        rung = next((rung for rung in RUNGS if abs(rung - share) < 1e-6), None)
        if rung is None:
            return False
        before = sorted([*self.history.setdefault(rung, [])[-60:], value], reverse=True)
        self.history[rung].append(value)
        rank = before.index(value) + 1
        cutoff = before[(len(before) - 1) // 2]
        is_kept = spared or len(before) < 4 or rank <= (len(before) + 1) // 2
        rung_event = e.Rung(
            trial=number,
            share=share,
            kept=is_kept,
            value=value,
            cutoff=cutoff,
            rank=rank,
            among=len(before),
            rule="halving",
        )
        self.recorder.say(rung_event)
        if not is_kept:
            reason = (
                f"{self.metric} {value:.4f} at {share:.0%} of the schedule is {rank}. of "
                f"{len(before)}, the upper half begins at {cutoff:.4f}"
            )
            self.recorder.say(e.TrialPruned(trial=number, reason=reason, value=value))
        return not is_kept

    def _complete(self, number: int) -> None:
        last = self.recorder.events[-1]
        assert isinstance(last, e.Evaluated)
        value = last.metrics[self.metric]
        ended = e.TrialCompleted(
            trial=number, value=value, epoch=6.0, step=936, seconds=0.0, memory=5_261_334_937
        )
        self.recorder.say(ended)
        if value > self.best:
            self.best = value
            self.recorder.say(e.BestChanged(trial=number, value=value))

    def _collapse(self, number: int) -> None:
        reason = f"every row is answered {self.labels[0]!r} at two evaluations in a row"
        self.recorder.say(e.TrialCollapsed(trial=number, reason=reason, label=self.labels[0]))

    def _fail(self, number: int) -> None:
        self.recorder.pass_time(17)
        lines = ["Traceback (most recent call last):", "torch.OutOfMemoryError: CUDA out of memory"]
        self.recorder.say(
            e.TrialFailed(
                trial=number,
                cause="out of memory",
                error="CUDA out of memory: tried to allocate 2.0 GiB",
                lines=lines,
            )
        )


def confusion_of(value: float, classes: int, rows: int, collapsed: bool) -> list[list[int]]:
    """Make a matrix whose diagonal has about that share of the rows."""
    share = 0.5 if math.isnan(value) else value
    matrix = []
    for gold in range(classes):
        count = rows // classes + (1 if gold < rows % classes else 0)
        if collapsed:
            matrix.append([count] + [0] * (classes - 1))
            continue
        right = round(count * share)
        wrong = count - right
        row = [wrong // (classes - 1)] * classes
        row[gold] = right
        row[(gold + 1) % classes] += wrong - (wrong // (classes - 1)) * (classes - 1)
        matrix.append(row)
    return matrix


@recorded_once
def record_running_session(root: Path, name: str = "rte-roberta-llrd", pid: int = 23319) -> Session:
    """Fifteen trials of sixty, one of them running."""
    session = folder(root, name, recipe_text())
    labels = ("entailment", "not_entailment")
    story = Story(Recorder(session), labels, RATES, 60, pid=pid, answers=True)
    story.begin()
    for number in range(14):
        story.trial(number, fate={5: "collapse", 8: "fail"}.get(number, ""))
    importance = {"lr.layers 8-11": 0.41, "lr.head": 0.23, "lr.layers 4-7": 0.16, "warmup": 0.05}
    story.recorder.say(e.Importance(values=importance, method="PED-ANOVA", trials=13))
    story.trial(14, until=0.62)
    return story.recorder.write()


@recorded_once
def record_finished_session(root: Path, name: str = "trec-bert") -> Session:
    """Six classes, all trials done."""
    recipe = recipe_text(trials=12, model="bert-base-uncased", train="hub:lukasgarbas/trec:train")
    session = folder(root, name, recipe)
    labels = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
    recorder = Recorder(session, START - 86_400)
    story = Story(recorder, labels, RATES, 12, rows=500, answers=True)
    story.begin()
    for number in range(12):
        story.trial(number)
    story.recorder.say(e.SessionFinished(reason="all 12 trials are done"))
    return story.recorder.write()


@recorded_once
def record_paused_session(root: Path, name: str = "sst2-bert-groups") -> Session:
    """Paused in the middle of a trial."""
    session = folder(root, name, recipe_text(trials=50, model="bert-base-cased"))
    story = Story(Recorder(session, START - 7200), ("negative", "positive"), RATES, 50)
    story.begin()
    for number in range(6):
        story.trial(number)
    story.trial(6, until=0.4)
    story.recorder.say(e.CommandDone(id="1", result="paused"))
    story.recorder.say(e.SessionPaused(reason="asked for by you"))
    return story.recorder.write()


@recorded_once
def record_crashed_session(root: Path, name: str = "rte-bert-baseline") -> Session:
    """Make a session whose log ends in the middle, with nobody holding the lock."""
    session = folder(root, name, recipe_text(trials=60, model="bert-base-uncased"))
    story = Story(Recorder(session, START - 259_200), ("yes", "no"), RATES, 60)
    story.begin()
    for number in range(3):
        story.trial(number)
    story.trial(3, until=0.3)
    return story.recorder.write()


@recorded_once
def record_failed_session(root: Path, name: str = "mrpc-smoke") -> Session:
    """Make a session that stopped itself after three failures."""
    session = folder(root, name, recipe_text(trials=10, metric="f1_macro", model="distilbert"))
    story = Story(Recorder(session, START - 90_000), ("0", "1"), RATES, 10, metric="f1_macro")
    story.begin()
    for number in range(3):
        story.trial(number, fate="fail")
    reason = "three trials in a row failed with: out of memory"
    story.recorder.say(e.SessionFailed(reason=reason))
    return story.recorder.write()


@recorded_once
def create_draft_session(root: Path, name: str = "agnews-tiny") -> Session:
    """Never started."""
    session = folder(root, name, recipe_text(trials=40, model="prajjwal1/bert-tiny"))
    recorder = Recorder(session, START - 345_600)
    recorder.say(e.SessionCreated(schema=1, name=name, tuner="0.1.0"))
    return recorder.write()


@recorded_once
def record_odd_session(root: Path, name: str = "odd.names-1") -> Session:
    """Markup, control sequences and wide characters wherever data can bring them."""
    rates = {
        "[red]embeddings[/]": (1e-7, 1e-5),
        "層の学習率": (1e-6, 3e-5),
        "a very long name of a group that fits nowhere": (1e-5, 1e-4),
    }
    selectors = recipe_text({"embeddings": (1e-7, 1e-5)}, trials=4)
    session = folder(root, name, selectors)
    labels = ("[bold red]x[/]", "\x1b[31mred\x1b[0m", "日本語ラベル", "a\tb\nc", "[/]", "")
    recorder = Recorder(session)
    story = Story(recorder, labels, rates, 4, rows=120, answers=True, odd_texts=True)
    story.begin()
    story.trial(0)
    story.trial(1, fate="fail")
    error = "\x1b]0;title\x07 [link=x]click[/link] \u202eoverride"
    story.recorder.say(e.TrialFailed(trial=1, cause="exception", error=error))
    story.trial(2, until=0.7)
    story.recorder.say(e.Log(level="warning", text="[blink]\x1b[5mlook[/]"))
    return story.recorder.write()


@recorded_once
def record_long_session(root: Path, trials: int, name: str = "long") -> Session:
    """As many trials as wanted, one running."""
    session = folder(root, name, recipe_text(trials=trials + 1))
    labels = ("yes", "no")
    story = Story(Recorder(session), labels, RATES, trials + 1, epochs=2, says=(1.0,))
    story.begin()
    for number in range(trials):
        story.trial(number)
    story.trial(trials, until=0.5)
    return story.recorder.write()


@recorded_once
def long_story(
    root: Path, trials: int = 10_000, evaluations: int = 10, classes: int = 2, seed: int = 0
) -> Session:
    """As many trials as wanted with as many evaluations each, written fast; the last one runs."""
    session = folder(root, "long", recipe_text(trials=trials + 50))
    recipe = recipe_to_dict(load_recipe(session.recipe_path))
    log = LongLog(RATES, recipe, evaluations, classes, seed)
    with session.events_path.open("wb") as file:
        file.writelines(log.lines(trials))
    return session


@recorded_once
def many_classes(root: Path, classes: int) -> Session:
    """Four trials of a task with that many classes, with names as data sets have them."""
    session = folder(root, f"classes-{classes}", recipe_text(trials=8, train="data/many/train"))
    labels = [
        f"intent_{_INTENTS[label_number % len(_INTENTS)]}_{label_number}"
        for label_number in range(classes)
    ]
    story = Story(Recorder(session), labels, RATES, 8, rows=20 * classes)
    story.begin()
    for number in range(4):
        story.trial(number)
    return story.recorder.write()


_INTENTS = ("card_arrival", "lost_or_stolen_card", "transfer", "exchange_rate", "top_up_failed")


def record_whole_corpus(root: Path, pid: int = 23319) -> list[Session]:
    """Make the whole corpus but the long one."""
    makers = (
        record_finished_session,
        record_paused_session,
        record_crashed_session,
        record_failed_session,
        create_draft_session,
        record_odd_session,
    )
    return [record_running_session(root, pid=pid), *(make(root) for make in makers)]
