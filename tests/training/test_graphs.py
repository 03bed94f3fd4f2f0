"""Steps over fixed tensors: plain, recorded, and on a GPU as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.conftest import BenchMaker, RecipeMaker, of_kind, request_of, run_through
from tests.training.waiting import NoWaiting
from tuner.pool.protocol import Completed, Evaluated, Progress, Setup
from tuner.training import optimizer as optimizer_module
from tuner.training.backward import EagerRunner, Runner, StaticBackward, Step
from tuner.training.graphs import GraphRunner
from tuner.training.layouts import pack_on_device, prepare_proof
from tuner.training.packing import Packing
from tuner.training.static import StaticLayout
from tuner.training.techniques import Techniques
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Trial

ON_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


def made_static(bench: TrainerContext, runner: Runner | None = None) -> TrainerContext:
    """The same bench with what CUDA has: batches packed on the device, steps over fixed tensors."""
    assert bench.packing is not None
    bench.packing.switch_off_packing()
    packing, proof = (
        Packing(bench.model),
        prepare_proof(bench.model, bench.data, bench.pad_token_id),
    )
    layouts = pack_on_device(
        bench.model, bench.data, proof, bench.padding, packing, bench.autocast_context
    )
    packing.switch_on_packing()
    assert isinstance(layouts.train, StaticLayout)
    bench.packing, bench.validation_layout = packing, layouts.validation
    bench.train_layout = layouts.train
    bench.static_backward = StaticBackward(
        bench.model,
        layouts.train,
        bench.autocast_context,
        EagerRunner() if runner is None else runner,
    )
    return bench


class EchoCapture:
    """Rehearses as a real tape does, and replays by running the step again."""

    def __init__(self) -> None:
        self.recorded = self.replayed = self.cleared = 0

    def capture_step(self, step: Step, warmup: Step) -> Step:
        self.recorded += 1
        warmup()
        warmup()

        def replay() -> None:
            self.replayed += 1
            step()

        return replay

    def release_captures(self) -> None:
        self.cleared += 1


def gradients_of(trial: Trial, updates: int) -> list[tuple[float, torch.Tensor]]:
    """Loss and all gradients of each update, as they are before clipping; nothing is learned."""
    out = []
    for update in range(updates):
        order, start, end = trial.data_order.slice_of_update(update)
        loss = float(trial.backward.accumulate_gradients(order, start, end))
        grads = [p.grad.flatten() for p in trial._trained.values() if p.grad is not None]
        out.append((loss, torch.cat(grads).clone()))
        trial.backward.clear_gradients()
    return out


def assert_equal(one: list[tuple[float, torch.Tensor]], other: Any) -> None:
    assert len(one) == len(other) > 0
    for (loss, gradient), (same_loss, same_gradient) in zip(one, other, strict=True):
        assert loss == pytest.approx(same_loss, rel=1e-5)
        assert torch.allclose(gradient, same_gradient, rtol=1e-3, atol=1e-6)


SHAPES = [(8, 1), (7, 1), (5, 3), (16, 4)]


@pytest.mark.parametrize(("batch", "accumulation"), SHAPES)
@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_losses_and_gradients_are_those_of_host_packed_batches(
    make_bench: BenchMaker, kind: str, batch: int, accumulation: int
) -> None:
    """64 rows: 7 and 15 leave a short last update, 15 in a short last batch too."""
    bench = make_bench(kind)
    request = request_of(
        bench, batch_size=batch, accumulation=accumulation, dropout=0.0, label_smoothing=0.1
    )
    trial = Trial(bench, request)
    updates = trial.data_order.updates_per_epoch + 1
    expected = gradients_of(trial, updates)
    for runner in (EagerRunner(), GraphRunner(EchoCapture(), no_warning, runs_before_recording=1)):
        static = made_static(bench, runner)
        assert_equal(gradients_of(Trial(static, request), updates), expected)
        bench.static_backward = None


def no_warning(_level: str, text: str) -> None:
    raise AssertionError(text)


def test_recorded_steps_serve_one_trial_after_the_other(make_bench: BenchMaker) -> None:
    tape = EchoCapture()
    bench = made_static(make_bench(), GraphRunner(tape, no_warning, runs_before_recording=0))
    request = request_of(bench, dropout=0.0)
    first = run_through(bench, request)
    recorded, cleared = tape.recorded, tape.cleared
    assert recorded > 0
    again = run_through(bench, request_of(bench, trial=1, dropout=0.0))
    assert tape.recorded == recorded
    assert tape.cleared == cleared
    assert measured(again) == measured(first)
    assert tape.replayed == 2 * 16


def measured(messages: list[Any]) -> list[Any]:
    return [(e.metrics, e.confusion, e.train_loss) for e in of_kind(messages, Evaluated)]


def test_a_whole_trial_ends_like_one_on_host_packed_batches(make_bench: BenchMaker) -> None:
    bench = make_bench(training={"epochs": 3})
    request = request_of(bench, dropout=0.0, accumulation=2)
    expected = of_kind(run_through(bench, request), Evaluated)
    messages = run_through(made_static(bench), request)
    seen = of_kind(messages, Evaluated)
    assert [e.train_loss for e in seen] == pytest.approx([e.train_loss for e in expected], rel=1e-3)
    for one, other in zip(seen, expected, strict=True):
        assert one.metrics == pytest.approx(other.metrics, rel=1e-3, abs=1e-6)
        assert one.gradient_norms == pytest.approx(other.gradient_norms, rel=1e-2)
    assert of_kind(messages, Completed)[0].saved


def test_what_freezes_and_thaws_is_recorded_apart(make_bench: BenchMaker) -> None:
    tape = EchoCapture()
    bench = made_static(make_bench(), GraphRunner(tape, no_warning, runs_before_recording=0))
    all_rates = request_of(bench).config.learning_rates
    frozen = all_rates | {"embeddings": None, "lower": None}
    some = {p.name for group in bench.groups[:2] for p in group.parameters}
    addresses: dict[str, int] = {}
    for rates in (all_rates, frozen, all_rates):
        trial = Trial(bench, request_of(bench, learning_rates=rates))
        trial.train_one_update()
        for name, parameter in bench.model.named_parameters():
            if rates is frozen and name in some:
                assert parameter.grad is None
            else:
                assert parameter.grad is not None
                address = parameter.grad.data_ptr()
                assert addresses.setdefault(name, address) == address
                assert float(parameter.grad.abs().sum()) == 0.0
    assert (tape.recorded, tape.replayed) == (2, 3)


def test_recordings_are_dropped_when_weights_have_moved(make_bench: BenchMaker) -> None:
    tape = EchoCapture()
    bench = made_static(make_bench(), GraphRunner(tape, no_warning, runs_before_recording=0))
    Trial(bench, request_of(bench)).train_one_update()
    cleared = tape.cleared
    head: Any = bench.model
    head.classifier.bias.data = head.classifier.bias.data.clone()
    Trial(bench, request_of(bench)).train_one_update()
    assert tape.cleared == cleared + 1
    assert tape.recorded == 2
    bench.release_memory()
    assert tape.cleared == cleared + 2
    Trial(bench, request_of(bench)).train_one_update()


def count(calls: list[str], name: str) -> Step:
    return lambda: calls.append(name)


def test_only_what_comes_often_is_recorded_and_the_least_recent_goes_first() -> None:
    tape, calls = EchoCapture(), list[str]()
    recorder = GraphRunner(tape, no_warning, runs_before_recording=2, most_graphs=2)
    for _ in range(2):
        recorder.run_step("a", count(calls, "a"), count(calls, "rehearsed"))
    assert (tape.recorded, calls) == (0, ["a", "a"])
    recorder.run_step("a", count(calls, "a"), count(calls, "rehearsed"))
    assert (tape.recorded, calls[2:]) == (1, ["rehearsed", "rehearsed", "a"])
    for key in "bbbaccc":
        recorder.run_step(key, count(calls, key), count([], ""))
    assert tape.recorded == 3
    recorder.run_step("a", count(calls, "a"), count([], ""))
    assert (tape.recorded, tape.replayed) == (3, 5)
    recorder.run_step("b", count(calls, "b"), count([], ""))
    assert tape.replayed == 5, "the least recent one was dropped"


def test_a_recording_that_fails_is_told_once_and_never_tried_again() -> None:
    class Torn(EchoCapture):
        def record(self, step: Step, rehearsal: Step) -> Step:
            del step, rehearsal
            self.recorded += 1
            try:
                raise RuntimeError("called a synchronizing CUDA operation\nat length")
            except RuntimeError:
                raise RuntimeError("capture was invalidated") from None

    tape, calls, told = Torn(), list[str](), list[tuple[str, str]]()
    recorder = GraphRunner(tape, lambda *note: told.append(note), runs_before_recording=0)
    for key in "aab":
        recorder.run_step(key, count(calls, key), count(calls, "rehearsed"))
    assert calls == ["a", "a", "b"]
    assert (tape.recorded, tape.cleared) == (1, 1)
    reason = "called a synchronizing CUDA operation"
    assert told == [("warning", f"steps are not recorded as CUDA graphs: {reason}")]


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert"])
def test_backward_never_waits_for_the_device(make_bench: BenchMaker, kind: str) -> None:
    bench = made_static(make_bench(kind))
    trial = Trial(bench, request_of(bench, dropout=0.0))
    order, start, end = trial.data_order.slice_of_update(0)
    with NoWaiting():  # type: ignore[no-untyped-call]
        trial.backward.accumulate_gradients(order, start, end)
        trial.backward.clear_gradients()


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_rates_on_the_device_are_those_of_the_schedule(
    make_bench: BenchMaker, monkeypatch: pytest.MonkeyPatch, schedule: str
) -> None:
    bench = make_bench(training={"schedule": schedule})
    request = request_of(bench, dropout=0.0)
    outcomes: list[dict[str, torch.Tensor]] = []
    for resident in (set[str](), {"cpu"}):
        monkeypatch.setattr(optimizer_module, "_RESIDENT", resident)
        trial = Trial(bench, request)
        for update in range(6):
            trial.train_one_update()
            told = trial.lr_scheduler.rates_by_group(update)
            for part in trial.optimizer.param_groups:
                assert isinstance(part["lr"], torch.Tensor) == bool(resident)
                assert float(part["lr"]) == pytest.approx(told[part["name"]], rel=1e-6)
        outcomes.append({n: p.detach().clone() for n, p in trial._trained.items()})
    for name, parameter in outcomes[0].items():
        assert torch.allclose(parameter, outcomes[1][name], rtol=1e-4, atol=1e-6)


# --- on a GPU

BenchOnGpu = Callable[..., TrainerContext]


@pytest.fixture
def gpu_bench(make_recipe: RecipeMaker, tmp_path: Path) -> BenchOnGpu:
    """A bench on CUDA; `told` collects what goes to the log."""

    def make(
        kind: str = "bert", told: list[str] | None = None, graphs: bool = True, **sections: Any
    ) -> TrainerContext:
        recipe = make_recipe(kind, **sections)
        setup = Setup(session=str(tmp_path / "gpu"), recipe=recipe, device="cuda", threads=1)
        notes = [] if told is None else told
        return TrainerContext(
            setup, lambda _level, text: notes.append(text), Techniques(graphs=graphs)
        )

    return make


@ON_CUDA
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert"])
def test_graphs_give_the_losses_of_eager_steps(
    gpu_bench: BenchOnGpu, kind: str, precision: str
) -> None:
    """With dropout: a replay draws the random numbers that an eager step draws."""
    losses = []
    for graphs in (False, True):
        told: list[str] = []
        training = {"precision": precision, "epochs": 6}
        bench = gpu_bench(kind, told, graphs, training=training)
        assert isinstance(bench.train_layout, StaticLayout), bench.notes
        messages = run_through(bench, request_of(bench))
        losses.append([e.train_loss for e in of_kind(messages, Evaluated)])
        assert not told
    assert losses[0] == pytest.approx(losses[1], rel=1e-3 if precision == "fp32" else 2e-2)


@ON_CUDA
def test_a_trial_on_a_gpu_repeats_itself_whatever_was_recorded_before(
    gpu_bench: BenchOnGpu,
) -> None:
    bench = gpu_bench(training={"epochs": 6})
    first = run_through(bench, request_of(bench, trial=0))
    run_through(bench, request_of(bench, trial=1, seed=77, dropout=0.5, batch_size=5))
    again = run_through(bench, request_of(bench, trial=2))
    for one, other in zip(measured(first), measured(again), strict=True):
        assert one[2] == pytest.approx(other[2], rel=1e-3)
    other_seed = run_through(bench, request_of(bench, trial=3, seed=5))
    assert measured(other_seed) != measured(first)


@ON_CUDA
@pytest.mark.parametrize("graphs", [False, True])
def test_an_update_on_a_gpu_never_waits(gpu_bench: BenchOnGpu, graphs: bool) -> None:
    told: list[str] = []
    bench = gpu_bench("bert", told, graphs, training={"epochs": 8})
    trial = Trial(bench, request_of(bench, accumulation=2))
    trial.train_one_update()
    torch.cuda.set_sync_debug_mode("error")
    try:
        while trial.step < trial.total_updates:
            trial.train_one_update()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert not told
    assert np.isfinite(trial.progress_message().loss)


@ON_CUDA
def test_a_step_that_cannot_be_recorded_runs_all_the_same(
    gpu_bench: BenchOnGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    bench = gpu_bench("bert", told, training={"epochs": 6})
    piece = StaticLayout.build_micro_batch

    def waiting(self: StaticLayout, rows: torch.Tensor, wordpieces: int) -> Any:
        assert int(rows[0]) >= 0
        return piece(self, rows, wordpieces)

    monkeypatch.setattr(StaticLayout, "build_micro_batch", waiting)
    messages = run_through(bench, request_of(bench))
    assert of_kind(messages, Completed)
    assert len([text for text in told if "not recorded" in text]) == 1
    assert not of_kind(messages, Progress) or np.isfinite(of_kind(messages, Progress)[0].loss)
