"""Attention that takes its bounds from the device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tests.training.conftest import print_measured
from tuner.training.packing import NotPackable
from tuner.training.spans import HostSpans
from tuner.training.varlen import (
    DeviceSpans,
    Kernel,
    SequenceBounds,
    fastest_kernel,
    flash_attention,
    memory_efficient_attention,
    reference_attention,
)

LENGTHS = [3, 1, 4]
SPARE = [4, 2, 0]


def bounds_of(lengths: list[int], device: str) -> SequenceBounds:
    ends = torch.tensor([0, *lengths]).cumsum(0)
    return SequenceBounds(ends.to(device, torch.int32), max(lengths))


def spans_of(kernel: Kernel | None = None, device: str = "cpu") -> DeviceSpans:
    real = bounds_of(LENGTHS, device)
    places = torch.arange(sum(LENGTHS) + sum(SPARE), device=device)
    return DeviceSpans(
        first=real.cu_seqlens[:-1].long(),
        is_filler=places >= sum(LENGTHS),
        all_sequences=bounds_of(LENGTHS + SPARE, device),
        real_sequences=real,
        first_tokens=bounds_of([1] * len(LENGTHS), device),
        kernel=kernel,
    )


def tensors(rows: int, dtype: torch.dtype, device: str = "cpu", size: int = 8) -> list[Tensor]:
    torch.manual_seed(1)
    counts = (rows, sum(LENGTHS + SPARE), sum(LENGTHS + SPARE))
    return [
        torch.randn(n, 2, size, dtype=torch.float64).to(device, dtype).requires_grad_()
        for n in counts
    ]


@pytest.mark.parametrize("firsts", [False, True])
def test_real_sequences_get_what_the_host_computes_for_them(firsts: bool) -> None:
    query, key, value = tensors(3 if firsts else sum(LENGTHS + SPARE), torch.float64)
    attention = spans_of().attend(query, key, value, 0.4, 0.0)
    assert attention.shape == query.shape
    real = sum(LENGTHS)
    asking = query if firsts else query[:real]
    host = HostSpans.from_lengths(LENGTHS, torch.device("cpu"))
    expected = host.attend(asking, key[:real], value[:real], 0.4, 0.0)
    assert torch.allclose(attention[: len(expected)], expected)

    weights = torch.randn_like(expected)
    ours = torch.autograd.grad((attention[: len(expected)] * weights).sum(), [query, key, value])
    theirs = torch.autograd.grad((expected * weights).sum(), [query, key, value])
    for our_gradient, their_gradient in zip(ours, theirs, strict=True):
        assert torch.allclose(our_gradient, their_gradient)
    assert all(float(gradient[real:].abs().sum()) == 0.0 for gradient in ours)


def test_keys_that_nobody_asks_have_no_gradient_whatever_the_kernel_leaves_there() -> None:
    class Careless(torch.autograd.Function):
        """Computes nothing of use, and leaves gradients unwritten."""

        @staticmethod
        def forward(_ctx: object, query: Tensor, _key: Tensor, _value: Tensor) -> Tensor:
            return query.clone()

        @staticmethod
        def backward(_ctx: object, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            unwritten = torch.full((sum(LENGTHS + SPARE), 2, 8), float("nan"))
            unwritten[: sum(LENGTHS)] = 1.0
            return gradients[0], unwritten, unwritten

    def kernel(q: Tensor, k: Tensor, v: Tensor, *_: object) -> Tensor:
        attention: Tensor = Careless.apply(q, k, v)  # type: ignore[no-untyped-call]
        return attention

    query, key, value = tensors(3, torch.float32)
    spans_of(kernel).attend(query, key, value, 1.0, 0.0).sum().backward()  # type: ignore[no-untyped-call]
    for tensor in (key, value):
        assert tensor.grad is not None
        assert float(tensor.grad.sum()) == sum(LENGTHS) * 2 * 8


def test_dropout_leaves_out_shares_and_scales_the_others() -> None:
    torch.manual_seed(0)
    size = 4000
    query_bounds = SequenceBounds(torch.tensor([0, 1], dtype=torch.int32), 1)
    key_bounds = SequenceBounds(torch.tensor([0, size], dtype=torch.int32), size)
    query, key = torch.zeros(1, 1, 4), torch.zeros(size, 1, 4)
    value = torch.ones(size, 1, 4)
    attention = reference_attention(query, key, value, query_bounds, key_bounds, 1.0, 0.25)
    assert float(attention.mean()) == pytest.approx(1.0, abs=0.03)
    assert float(attention.mean()) != 1.0


@pytest.fixture
def ampere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    fastest_kernel.cache_clear()
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 0))
    yield
    fastest_kernel.cache_clear()


@pytest.mark.usefixtures("ampere")
def test_the_kernel_follows_from_device_type_and_head_size() -> None:
    cuda, half = torch.device("cuda"), torch.bfloat16
    assert fastest_kernel(torch.device("cpu"), torch.float32, 7) is reference_attention
    assert fastest_kernel(cuda, half, 64) is flash_attention
    assert fastest_kernel(cuda, torch.float16, 256) is flash_attention
    assert fastest_kernel(cuda, half, 512) is memory_efficient_attention
    assert fastest_kernel(cuda, torch.float32, 20) is memory_efficient_attention
    with pytest.raises(NotPackable, match="heads of 20"):
        fastest_kernel(cuda, half, 20)
    with pytest.raises(NotPackable, match="mps has no"):
        fastest_kernel(torch.device("mps"), torch.float32, 64)


def test_an_older_gpu_has_no_flash_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    fastest_kernel.cache_clear()
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (7, 5))
    assert fastest_kernel(torch.device("cuda"), torch.float16, 64) is memory_efficient_attention
    fastest_kernel.cache_clear()


@pytest.mark.parametrize(
    ("kernel", "dtype"),
    [(flash_attention, torch.bfloat16), (memory_efficient_attention, torch.float32)],
)
@pytest.mark.parametrize("firsts", [False, True])
def test_torch_takes_our_arguments_and_knows_the_way_back(
    kernel: Kernel, dtype: torch.dtype, firsts: bool
) -> None:
    """On the meta device: signatures, shapes and autograd, without the kernels themselves."""
    query, key, value = tensors(3 if firsts else sum(LENGTHS + SPARE), dtype, "meta")
    attention = spans_of(kernel, "meta").attend(query, key, value, 0.4, 0.1)
    assert (attention.shape, attention.dtype) == (query.shape, dtype)
    assert attention.requires_grad


@pytest.mark.cuda
@pytest.mark.parametrize("firsts", [False, True])
@pytest.mark.parametrize(
    ("kernel", "dtype", "within"),
    [(flash_attention, torch.bfloat16, 3e-2), (memory_efficient_attention, torch.float32, 1e-4)],
)
def test_kernels_agree_with_the_reference(
    kernel: Kernel, dtype: torch.dtype, within: float, firsts: bool
) -> None:
    rows = 3 if firsts else sum(LENGTHS + SPARE)
    rounded = [tensor.detach() for tensor in tensors(rows, dtype, "cuda")]
    outcomes = []
    for attention_kernel, type_ in ((reference_attention, torch.float32), (kernel, dtype)):
        inputs = [tensor.to(type_, copy=True).requires_grad_() for tensor in rounded]
        query, key, value = inputs
        attention = spans_of(attention_kernel, "cuda").attend(query, key, value, 0.4, 0.0)
        read = attention if firsts else attention[: sum(LENGTHS)]
        outcomes.append([attention, *torch.autograd.grad(read.float().square().sum(), inputs)])
    differences = []
    for expected, actual in zip(*outcomes, strict=True):
        assert actual.isfinite().all()
        difference = (expected - actual.float()).abs().max() / expected.abs().max()
        differences.append(float(difference))
    which = "first tokens" if firsts else "all tokens"
    print_measured(
        f"{kernel.__name__}, {dtype}, {which}, 8 numbers a head: output and gradients of query, "
        f"key and value are off by {', '.join(f'{d:.1e}' for d in differences)}"
    )
    assert max(differences) < within


@pytest.mark.cuda
@pytest.mark.parametrize(
    ("kernel", "dtype"),
    [(flash_attention, torch.bfloat16), (memory_efficient_attention, torch.float32)],
)
def test_kernels_drop_the_share_that_they_are_told(kernel: Kernel, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    size = 4000
    query_bounds = SequenceBounds(torch.tensor([0, 1], dtype=torch.int32, device="cuda"), 1)
    key_bounds = SequenceBounds(torch.tensor([0, size], dtype=torch.int32, device="cuda"), size)
    query, key = (torch.zeros(n, 1, 8, dtype=dtype, device="cuda") for n in (1, size))
    attention = kernel(query, key, torch.ones_like(key), query_bounds, key_bounds, 1.0, 0.25)
    mean = float(attention.float().mean())
    print_measured(f"{kernel.__name__} with a dropout of 0.25 keeps a mean of {mean:.4f}, not 1")
    assert mean == pytest.approx(1.0, abs=0.05)
    assert mean != 1.0
