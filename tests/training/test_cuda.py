"""A GPU, end to end: real kernels at real sizes, resuming, memory, neighbours, kills.

None of it depends on the GPU's speed; what was measured is printed. Those marked `on_cpu_too` run
on a CPU with TUNER_TEST_DEVICE=cpu, so that nothing but the GPU is new to them.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.conftest import (
    TEST_DEVICE,
    WORDS,
    ContextMaker,
    RecipeMaker,
    make_tokenizer,
    of_kind,
    print_measured,
    request_of,
    run_through,
    write_jsonl,
)
from tests.training.test_checkpoint import _pause_after, predictions
from tests.training.test_process import request
from tests.training.trainer_process import TrainerProcess
from tuner.pool.protocol import Completed, Evaluated, Go, Ready, Started
from tuner.training.evaluate import score_split
from tuner.training.memory_plan import MemoryPlan
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Trial
from tuner.training.varlen import (
    Kernel,
    SequenceBounds,
    flash_attention,
    memory_efficient_attention,
    reference_attention,
)

ON_CPU_TOO = pytest.mark.cuda(on_cpu_too=True)
# On a GPU sums are not always added up in the same order.
CLOSE = 1e-2 if TEST_DEVICE == "cuda" else 0.0


# --- attention at the sizes of real models


def bounds_on_gpu(lengths: list[int], longest: int) -> SequenceBounds:
    ends = torch.tensor([0, *lengths]).cumsum(0)
    return SequenceBounds(ends.to("cuda", torch.int32), longest)


def output_and_gradients(
    kernel: Kernel, inputs: list[torch.Tensor], queries: SequenceBounds, keys: SequenceBounds
) -> list[torch.Tensor]:
    query, key, value = leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    output = kernel(query, key, value, queries, keys, 2.0 * query.shape[-1] ** -0.5, 0.0)
    weights = torch.linspace(-1.0, 1.0, output.numel(), device="cuda").view_as(output)
    gradients = torch.autograd.grad((output.float() * weights).sum(), leaves)
    return [output.detach(), *gradients]


def make_event() -> Any:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


def milliseconds(work: Any, repeats: int = 20) -> float:
    """Median time on the device."""
    times = []
    for _ in range(repeats + 3):
        start, end = make_event(), make_event()
        start.record()
        work()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return float(np.median(times[3:]))


@pytest.mark.cuda
@pytest.mark.parametrize("first_tokens", [False, True])
@pytest.mark.parametrize(
    ("kernel", "dtype", "heads", "size", "within"),
    [
        (flash_attention, torch.bfloat16, 12, 32, 3e-2),
        (flash_attention, torch.bfloat16, 12, 64, 3e-2),
        (flash_attention, torch.bfloat16, 16, 64, 3e-2),
        (flash_attention, torch.float16, 12, 64, 1e-2),
        (memory_efficient_attention, torch.float32, 12, 32, 1e-3),
        (memory_efficient_attention, torch.float32, 12, 64, 1e-3),
        (memory_efficient_attention, torch.bfloat16, 12, 64, 3e-2),
    ],
)
def test_kernels_agree_with_the_reference_at_real_sizes(
    kernel: Kernel, dtype: torch.dtype, heads: int, size: int, within: float, first_tokens: bool
) -> None:
    """A batch of 16 pairs of RTE, and filler of which one sequence is empty."""
    lengths = [41, 289, 12, 70, 56, 135, 197, 33, 80, 61, 47, 102, 25, 74, 90, 58]
    spare, longest = [289, 53, 0], 289
    total = sum(lengths) + sum(spare)
    torch.manual_seed(0)
    key, value = (torch.randn(total, heads, size, device="cuda").to(dtype) for _ in range(2))
    query = torch.randn(len(lengths) if first_tokens else total, heads, size, device="cuda")
    if first_tokens:
        queries = bounds_on_gpu([1] * len(lengths), 1)
        keys = bounds_on_gpu(lengths, longest)
    else:
        queries = keys = bounds_on_gpu(lengths + spare, longest)
    inputs, read = [query.to(dtype), key, value], sum(lengths) if first_tokens else total
    expected = output_and_gradients(reference_attention, [x.float() for x in inputs], queries, keys)
    actual = output_and_gradients(kernel, inputs, queries, keys)
    cuts = [None, None, read, read]
    differences = [
        float((a[:cut].float() - e[:cut]).abs().max() / e[:cut].abs().max())
        for a, e, cut in zip(actual, expected, cuts, strict=True)
    ]
    took = milliseconds(lambda: output_and_gradients(kernel, inputs, queries, keys))
    print_measured(
        f"{kernel.__name__}, {dtype}, {heads} heads of {size}, "
        f"{'first tokens' if first_tokens else 'all tokens'}: off by "
        f"{', '.join(f'{d:.1e}' for d in differences)}; forward and backward {took:.2f} ms"
    )
    assert max(differences) < within


# --- one trial


def largest_difference(one: Path, other: Path) -> float:
    """Of all weights of two saved models."""
    weights, others = (load_file(folder / "model" / "model.safetensors") for folder in (one, other))
    return max(float((weights[name] - others[name]).abs().max()) for name in weights)


def evaluation_values(messages: list[Any]) -> list[tuple[float, float]]:
    return [(e.train_loss, e.metrics["loss"]) for e in of_kind(messages, Evaluated)]


def difference_of_losses(messages: list[Any], expected: list[Any]) -> float:
    """Return the largest relative difference of the losses of two trials."""
    values, others = (np.array(evaluation_values(course)) for course in (messages, expected))
    assert values.shape == others.shape
    return float(np.abs(values / others - 1.0).max())


@ON_CPU_TOO
@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_a_trial_resumed_from_its_checkpoint_goes_on_as_if_nothing_had_happened(
    make_context: ContextMaker, precision: str
) -> None:
    training = {"precision": precision, "epochs": 6, "accumulation": 2, "batch_size": 4}
    context = make_context("bert", TEST_DEVICE, training=training)
    whole = run_through(context, request_of(context, trial=0))
    _pause_after(context, request_of(context, trial=1), 21)
    torch.manual_seed(99)
    resumed = run_through(context, request_of(context, trial=1))
    assert of_kind(resumed, Started)[0].step == 21
    trials = context.session / "trials"
    weights = largest_difference(trials / "0000", trials / "0001")
    difference = difference_of_losses(resumed, whole)
    print_measured(
        f"resumed in {precision} on {TEST_DEVICE}: losses off by {difference:.1e}, "
        f"weights by {weights:.1e}"
    )
    assert difference <= CLOSE


@ON_CPU_TOO
def test_a_model_scores_on_the_gpu_as_on_a_cpu(make_context: ContextMaker) -> None:
    trained = make_context("bert", TEST_DEVICE, training={"precision": "fp32", "epochs": 4})
    run_through(trained, request_of(trained))
    on_cpu = make_context("bert", "cpu", training={"precision": "fp32"})
    on_cpu.model.load_state_dict(trained.model.state_dict())
    logits = [score_validation(context).logits for context in (trained, on_cpu)]
    difference = float(np.abs(logits[0] - logits[1]).max() / np.abs(logits[1]).max())
    print_measured(f"logits on {TEST_DEVICE} and on a CPU, fp32: off by {difference:.1e}")
    assert difference < 1e-3


def score_validation(context: TrainerContext) -> Any:
    return score_split(
        context.model, context.validation_layout, context.data.validation, context.labels,
        context.device, context.autocast_context,
    )  # fmt: skip


@ON_CPU_TOO
def test_a_saved_model_predicts_elsewhere_what_the_trial_predicted(
    make_context: ContextMaker,
) -> None:
    from transformers import pipeline

    context = make_context("bert", TEST_DEVICE, training={"epochs": 4, "keep": "last"})
    assert of_kind(run_through(context, request_of(context)), Completed)[0].saved
    folder = context.session / "trials" / "0000"
    classify = pipeline("text-classification", str(folder / "model"), device="cpu")
    texts = [line["text"] for line in read_validation(context)]
    labels = [answer["label"] for answer in classify(texts)]
    with np.load(folder / "predictions-3.npz") as arrays:
        predicted = [context.labels[number] for number in arrays["predicted"]]
        rows = arrays["rows"].tolist()
    same = sum(labels[row] == label for row, label in zip(rows, predicted, strict=True))
    print_measured(
        f"{same} of {len(rows)} predictions of {TEST_DEVICE} are those of a CPU pipeline"
    )
    assert same >= len(rows) - 1


def read_validation(context: TrainerContext) -> list[dict[str, str]]:
    path = Path(str(context.recipe.data.validation))
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


# --- memory


@pytest.fixture
def large_context(make_context: ContextMaker, tmp_path: Path) -> TrainerContext:
    """Make a context whose batches of 64 rows need about a gigabyte."""
    from transformers import AutoConfig, AutoModel

    folder = tmp_path / "large"
    size = make_tokenizer(folder)
    config = AutoConfig.for_model(
        "bert", vocab_size=size, pad_token_id=0, num_hidden_layers=4, hidden_size=256,
        num_attention_heads=4, intermediate_size=1024, max_position_embeddings=512,
    )  # fmt: skip
    torch.manual_seed(3)
    AutoModel.from_config(config).save_pretrained(folder)
    settings = msgspec.json.decode((folder / "tokenizer_config.json").read_bytes())
    settings["model_max_length"] = 512
    (folder / "tokenizer_config.json").write_bytes(msgspec.json.encode(settings))
    texts = [" ".join((WORDS * 6)[: 250 + number]) for number in range(100)]
    rows = [{"text": text, "label": "ab"[number % 2]} for number, text in enumerate(texts)]
    return make_context(
        "bert",
        TEST_DEVICE,
        model={"name": str(folder), "max_length": 400},
        data={
            "train": str(write_jsonl(tmp_path / "long.jsonl", rows)),
            "validation": str(write_jsonl(tmp_path / "few.jsonl", rows[:8])),
        },
        training={"batch_size": 64, "epochs": 6, "dropout": 0.0},
        groups=[{"name": "all", "rest": True, "lr": 1e-4}],
    )


def reserved_by_updates(context: TrainerContext, plan: MemoryPlan, updates: int) -> int:
    """Bytes that the allocator held at most in the first updates of a trial."""
    context.release_memory()
    trial = Trial(context, request_of(context))
    context.apply_memory_plan(plan)
    trial._begin_backward()
    torch.cuda.reset_peak_memory_stats()
    for _ in range(updates):
        trial.train_one_update()
    return torch.cuda.max_memory_reserved()


@pytest.mark.cuda
def test_a_gpu_that_is_full_makes_micro_batches_smaller_and_the_trial_ends(
    large_context: TrainerContext,
) -> None:
    """Out of memory on purpose, by a limit on what this process may have of the GPU."""
    context, updates = large_context, 8
    losses = [e.train_loss for e in of_kind(run_through(context, request_of(context)), Evaluated)]
    whole = reserved_by_updates(context, MemoryPlan(), updates)
    eighth = reserved_by_updates(context, MemoryPlan(8), updates)
    limit = (whole + eighth) // 2
    print_measured(f"64 rows at once reserve {whole >> 20} MiB, 8 rows {eighth >> 20} MiB")
    assert whole > 1.5 * eighth
    context.release_memory()
    torch.cuda.set_per_process_memory_fraction(limit / torch.cuda.mem_get_info()[1])
    try:
        messages = run_through(context, request_of(context, trial=1))
        plan = context.memory_plan
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    limited = [e.train_loss for e in of_kind(messages, Evaluated)]
    print_measured(f"with {limit >> 20} MiB: {plan}, losses {limited}, without a limit {losses}")
    assert of_kind(messages, Completed)
    assert 8 <= plan.micro_batch_size(64) < 64
    assert limited == pytest.approx(losses, rel=2e-2)


@ON_CPU_TOO
def test_memory_of_a_trial_is_told_and_the_next_one_needs_no_more(
    make_context: ContextMaker,
) -> None:
    context = make_context("bert", TEST_DEVICE, training={"epochs": 6})
    memory = [
        of_kind(run_through(context, request_of(context, trial=number)), Completed)[0].memory
        for number in range(3)
    ]
    print_measured(f"three trials on {TEST_DEVICE} held {[n >> 20 for n in memory]} MiB")
    assert memory[0] > 0
    assert memory[2] <= 1.2 * memory[1]


# --- processes


@ON_CPU_TOO
def test_two_trials_side_by_side_go_as_each_alone(make_recipe: RecipeMaker, tmp_path: Path) -> None:
    recipe = make_recipe(training={"epochs": 8})
    trainers = [
        TrainerProcess(tmp_path / f"session-{n}", recipe, tmp_path / f"log-{n}", TEST_DEVICE)
        for n in range(2)
    ]
    for trainer in trainers:
        ready = trainer.until(Ready)[-1]
        assert isinstance(ready, Ready)
        assert ready.device == TEST_DEVICE
    started = time.perf_counter()
    for number, trainer in enumerate(trainers):
        trainer.send(request(recipe, number, seed=number))
    together = [trainer.until(Completed) for trainer in trainers]
    seconds_together = time.perf_counter() - started
    started = time.perf_counter()
    trainers[0].send(request(recipe, 2, seed=1))
    alone = trainers[0].until(Completed)
    seconds_alone = time.perf_counter() - started
    difference = difference_of_losses(together[1], alone)
    print_measured(
        f"two trials side by side on {TEST_DEVICE}: {seconds_together:.2f} s, one alone "
        f"{seconds_alone:.2f} s; its losses are off by {difference:.1e}"
    )
    assert difference <= CLOSE
    assert evaluation_values(together[0]) != evaluation_values(together[1])
    assert [trainer.end() for trainer in trainers] == [0, 0]


@ON_CPU_TOO
@pytest.mark.parametrize("deterministic", [False, True])
def test_a_killed_trainers_trial_goes_on_in_another_one(
    make_recipe: RecipeMaker, tmp_path: Path, deterministic: bool
) -> None:
    recipe = make_recipe(
        training={"epochs": 4, "checkpoint_seconds": 1e-9, "deterministic": deterministic}
    )
    session, log = tmp_path / "session", tmp_path / "log"
    killed = TrainerProcess(session, recipe, log, TEST_DEVICE)
    killed.until(Ready)
    killed.send(request(recipe, 0))
    for _ in range(2):
        killed.until(Evaluated)
        killed.send(Go(trial=0))
    killed.process.send_signal(signal.SIGKILL)
    assert killed.end() == -signal.SIGKILL

    following = TrainerProcess(session, recipe, log, TEST_DEVICE)
    following.until(Ready)
    following.send(request(recipe, 0))
    resumed = following.until(Completed)
    assert 8 <= of_kind(resumed, Started)[0].step < 32
    following.send(request(recipe, 1))
    whole = following.until(Completed)
    trials = session / "trials"
    same_bits = predictions(trials / "0000") == predictions(trials / "0001")
    difference = difference_of_losses(resumed, whole)
    print_measured(
        f"resumed after a kill on {TEST_DEVICE}{', deterministic' if deterministic else ''}: "
        f"losses off by {difference:.1e}, predictions equal to the bit: {same_bits}"
    )
    assert difference <= (0.0 if deterministic else CLOSE)
    assert same_bits or (CLOSE and not deterministic)
    assert following.end() == 0
