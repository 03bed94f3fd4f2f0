"""A trainer that trains nothing: speaks the protocol, and misbehaves as FAKE_TRAINER says.

The curve of a trial follows from its learning rate alone. FAKE_TRAINER is a JSON object:
pace      seconds a step takes
slow      the trial whose steps take `slowly` seconds after the first evaluation
collapse  trials that answer one label only
fail      {"cause": …, "trials": […]}: trials that report a failure at their second step
die       {"trial": n, "step": k, "times": m}: end without a word, m times
hang      seconds that a checkpoint takes
slow_setup      seconds that loading takes
test      what is told of the sealed rows
groups    what is told of the groups' sizes
refuse    the line to refuse the setup with
stumble   how many setups end with something that nobody foresaw
warnings        what a check warns about, where it is asked for
deaf_and_dumb   end with these last words before being ready
noise     print a line of rubbish on stdout at every evaluation
speeds    {threads: examples a second of one trainer that has so many}, 1 otherwise
probing   seconds that a probe takes
lose_at   number of threads with which a probe ends the trainer without a word
free      bytes that are free; a trainer takes 100
no_room   refuse the setup where there are fewer threads than this
kernels   what a trainer chooses where the setup has none
lacks     the precision that this machine has not
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

STEPS_AN_EPOCH = 4
PLAN: dict[str, Any] = json.loads(os.environ.get("FAKE_TRAINER", "{}"))
requests: queue.Queue[dict[str, Any] | None] = queue.Queue()


def read_requests() -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    requests.put(None)


def say(kind: str, **fields: Any) -> None:
    line = json.dumps({"kind": kind, **fields}) + "\n"
    with contextlib.suppress(BrokenPipeError):  # the end of stdin tells that the worker is gone
        os.write(1, line.encode())


class Over(Exception):
    """The trainer is to end."""


class Trial:
    def __init__(self, session: Path, request: dict[str, Any]) -> None:
        self.number = int(request["trial"])
        self.config = request["config"]
        self.metric, self.best_value = request["metric"], request["best_value"]
        self.best_one_label = request["best_one_label"]
        self.folder = session / "trials" / f"{self.number:04d}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.folder / "checkpoint.json"
        self.of = self.config["epochs"] * STEPS_AN_EPOCH
        self.step, self.evaluations, self.finishes = 0, [], False
        self.session = session
        if self.checkpoint.exists():
            self.step, self.evaluations = json.loads(self.checkpoint.read_text())

    def run(self) -> None:
        say("started", trial=self.number, step=self.step, of=self.of)
        for evaluation in list(self.evaluations):
            if not self.tell(evaluation):
                return
        while self.step < self.of and not self.finishes:
            self.train_a_step()
            if self.step == 2 and self.number in PLAN.get("fail", {}).get("trials", []):
                say("failed", trial=self.number, cause=PLAN["fail"]["cause"], error="as planned",
                    lines=["line"], seconds=0.1)  # fmt: skip
                return
            if self.step % STEPS_AN_EPOCH == 0:
                self.evaluations.append(self.evaluate())
                self.save()
                if not self.tell(self.evaluations[-1]):
                    return
        if self.evaluations[-1:] == [] or self.evaluations[-1]["step"] != self.step:
            self.evaluations.append(self.evaluate())
            if not self.tell(self.evaluations[-1]):
                return
        self.complete()

    def train_a_step(self) -> None:
        self.look_for_orders()
        time.sleep(PLAN["slowly"] if self.is_slow() else PLAN.get("pace", 0.0))
        self.step += 1
        die = PLAN.get("die", {})
        if die.get("trial") == self.number and die["step"] == self.step and self.may_die(die):
            print("dying as planned", file=sys.stderr, flush=True)
            os._exit(7)
        say("progress", trial=self.number, step=self.step, of=self.of, loss=1 / self.step,
            learning_rates={}, examples_per_second=10.0, memory=1)  # fmt: skip

    def is_slow(self) -> bool:
        return self.number == PLAN.get("slow") and len(self.evaluations) == 1

    def may_die(self, die: dict[str, Any]) -> bool:
        deaths = self.session / "cache" / "deaths"
        count = int(deaths.read_text()) if deaths.exists() else 0
        deaths.write_text(str(count + 1))
        return count < int(die["times"])

    def save(self) -> None:
        draft = self.checkpoint.with_suffix(".new")
        draft.write_text(json.dumps([self.step, self.evaluations]))
        draft.replace(self.checkpoint)

    def look_for_orders(self) -> None:
        while True:
            try:
                request = requests.get_nowait()
            except queue.Empty:
                return
            self.follow(request)

    def follow(self, request: dict[str, Any] | None) -> bool:
        """Return True for Go, False for Prune; end at Pause."""
        if request is None or request["kind"] == "pause":
            time.sleep(PLAN.get("hang", 0.0))
            self.save()
            if request is not None:
                say("paused", trial=self.number, step=self.step)
            raise Over
        if request["kind"] == "prune":
            raise Pruned
        self.finishes = self.finishes or request["kind"] == "finish"
        return request["kind"] in ("go", "finish")

    def evaluate(self) -> dict[str, Any]:
        share = self.step / self.of
        collapsed = self.number in PLAN.get("collapse", [])
        right = 10 if collapsed else round(10 + 10 * self.quality() * share)
        confusion = [[0, 10], [0, 10]] if collapsed else [[right - 10, 20 - right], [0, 10]]
        accuracy = right / 20
        (self.folder / f"predictions-{self.step}.json").write_text("[]")
        return {
            "epoch": self.step / STEPS_AN_EPOCH, "share": share, "step": self.step, "of": self.of,
            "metrics": {"accuracy": accuracy, "loss": 1 - accuracy}, "confusion": confusion,
            "gradient_norms": {"head": 1.0}, "train_loss": 0.7, "seconds": 0.01, "updates": 40,
            "guess_loss": 0.69, "loss_spread": 0.01, "row_information": 0.0 if collapsed else 0.1,
        }  # fmt: skip

    def quality(self) -> float:
        rate = self.config["learning_rates"]["head"]
        return max(0.0, 1 - abs(math.log10(rate) + 3) / 3)

    def tell(self, evaluation: dict[str, Any]) -> bool:
        if PLAN.get("noise"):
            os.write(1, b"a library says hello\n")
        say("evaluated", trial=self.number, **evaluation)
        return self.follow(requests.get())

    def standing(self, evaluation: dict[str, Any]) -> tuple[bool, float]:
        columns = map(any, zip(*evaluation["confusion"], strict=True))
        return sum(columns) > 1, evaluation["metrics"][self.metric]

    def complete(self) -> None:
        best_evaluation = max(self.evaluations, key=self.standing)
        value = best_evaluation["metrics"][self.metric]
        best = (not self.best_one_label, self.best_value)
        saved = self.best_value is None or self.standing(best_evaluation) > best
        if saved:
            (self.folder / "model").mkdir(exist_ok=True)
            (self.folder / "model" / "weights.txt").write_text(str(self.number))
        epoch, step = best_evaluation["epoch"], best_evaluation["step"]
        say("completed", trial=self.number, value=value, epoch=epoch, step=step,
            seconds=0.5, memory=1, saved=saved)  # fmt: skip


def probe(request: dict[str, Any]) -> None:
    """Answer after a while, unless a pause or the end comes first."""
    threads = request["threads"]
    if threads == PLAN.get("lose_at"):
        os._exit(9)
    print(f"probing with {threads} threads", file=sys.stderr, flush=True)
    with contextlib.suppress(queue.Empty):
        order = requests.get(timeout=PLAN.get("probing", 0.01))
        if order is not None:
            assert order["kind"] == "pause", order
            say("paused", trial=None, step=0)
        raise Over
    say("probed", examples_per_second=PLAN.get("speeds", {}).get(str(threads), 1.0),
        threads=threads, memory=100, free=PLAN.get("free", 1000))  # fmt: skip


class Pruned(Exception):
    """The trial is to end."""


def run_trial(session: Path, request: dict[str, Any]) -> None:
    try:
        Trial(session, request).run()
    except Pruned:
        say("stopped", trial=request["trial"], seconds=0.2)


def stumbles(session: Path) -> bool:
    """Whether this setup is one of those that end badly."""
    before = session / "cache" / "stumbled"
    count = int(before.read_text()) if before.exists() else 0
    if count >= PLAN.get("stumble", 0):
        return False
    before.write_text(str(count + 1))
    return True


def kernels_of(request: dict[str, Any]) -> dict[str, Any] | None:
    """Take the session's kernels; end where this machine lacks them."""
    print(f"kernels by the rule {request['kernels_rule']}", file=sys.stderr, flush=True)
    kernels: dict[str, Any] | None = request["kernels"] or PLAN.get("kernels")
    if kernels is not None and kernels["precision"] == PLAN.get("lacks"):
        say("refused", error=f"no {kernels['precision']} here", cause="no such kernels")
        raise Over
    return kernels


def set_up(request: dict[str, Any]) -> Path:
    if "deaf_and_dumb" in PLAN:
        sys.exit(PLAN["deaf_and_dumb"])
    time.sleep(PLAN.get("slow_setup", 0.0))
    if stumbles(Path(request["session"])):
        say("refused", error="ValueError: as planned", lines=["a traceback"])
        sys.exit(2)
    if "refuse" in PLAN or request["threads"] < PLAN.get("no_room", 0):
        say("refused", error=PLAN.get("refuse", "no room"))
        raise Over
    kernels = kernels_of(request)
    parameters = [["encoder.layer.0.weight", [4, 4]], ["classifier.weight", [2, 4]]]
    say(
        "ready", device="cpu", device_name="fake", versions={}, labels=["no", "yes"],
        rows={"train": 100, "validation": 20}, parameters=24,
        groups=PLAN.get("groups", {"head": 8, "body": 16}),
        batches="packed", threads=request["threads"], test=PLAN.get("test"),
        warnings=PLAN.get("warnings", []) if request["check"] else [], kernels=kernels,
        model={
            "name": "fake", "model_type": "bert", "layers": 1, "shared_layers": False,
            "hidden_size": 4, "labels": ["no", "yes"], "parameters": parameters,
        },
    )  # fmt: skip
    return Path(request["session"])


def main() -> None:
    threading.Thread(target=read_requests, daemon=True).start()
    session = Path()
    while (request := requests.get()) is not None:
        match request["kind"]:
            case "setup":
                session = set_up(request)
            case "train":
                threads = request["threads"]
                print(f"trial {request['trial']} with {threads} threads", file=sys.stderr)
                run_trial(session, request)
            case "probe":
                probe(request)
            case "score":
                say("scored", n=10, metrics={"accuracy": 0.9}, confusion=[[4, 1], [0, 5]])
            case "pause":
                say("paused", trial=None, step=0)
                return


if __name__ == "__main__":
    try:
        main()
    except Over:
        os._exit(0)
