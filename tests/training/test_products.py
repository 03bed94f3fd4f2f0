"""Linear layers by other libraries give what torch's own give, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tuner.recipe.kernels import PLAIN_KERNELS, Kernels
from tuner.training.kernel_speeds import onednn_problem
from tuner.training.products import OneDnnLinear, install_products
from tuner.training.spans import HostSpans

needs_onednn = pytest.mark.skipif(bool(onednn_problem()), reason="this torch has no oneDNN")
ONEDNN = Kernels(products="onednn")


def gradients_of_layer(layer: nn.Linear, rows: torch.Tensor) -> list[torch.Tensor]:
    leaf = rows.clone().requires_grad_()
    layer.zero_grad()
    (layer(leaf) * torch.linspace(-1, 1, layer.out_features)).sum().backward()
    return [leaf.grad, *(parameter.grad for parameter in layer.parameters())]  # type: ignore[list-item]


@needs_onednn
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 24), (1, 5, 24), (2, 3, 4, 24)])
def test_onednn_gives_the_outputs_and_gradients_of_torch(
    bias: bool, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    layer, rows = nn.Linear(24, 10, bias=bias), torch.randn(shape)
    expected, expected_gradients = layer(rows), gradients_of_layer(layer, rows)
    install_products(layer, ONEDNN)
    assert type(layer) is OneDnnLinear
    assert torch.allclose(layer(rows), expected, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(gradients_of_layer(layer, rows), expected_gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@needs_onednn
def test_onednn_computes_no_gradient_of_frozen_weights() -> None:
    layer = nn.Linear(8, 4)
    install_products(layer, ONEDNN)
    layer.requires_grad_(False)
    rows = torch.randn(3, 8, requires_grad=True)
    layer(rows).sum().backward()
    assert layer.weight.grad is None
    assert rows.grad is not None
    assert torch.allclose(rows.grad, layer.weight.sum(0).expand(3, 8), atol=1e-6)


@needs_onednn
@pytest.mark.parametrize("kernels", [PLAIN_KERNELS, Kernels(precision="bf16")])
def test_other_kernels_put_torchs_own_layers_back(kernels: Kernels) -> None:
    class OwnLinear(nn.Linear):
        """A model's own kind of layer."""

    model = nn.Sequential(nn.Linear(8, 4), OwnLinear(4, 4))
    install_products(model, ONEDNN)
    assert [type(layer) for layer in model] == [OneDnnLinear, OwnLinear]
    install_products(model, kernels)
    assert [type(layer) for layer in model] == [nn.Linear, OwnLinear]


@needs_onednn
def test_onednn_leaves_other_types_to_torch() -> None:
    layer: Any = nn.Linear(8, 4)
    install_products(layer, ONEDNN)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(2, 8)).dtype == torch.bfloat16
    assert layer.double()(torch.randn(2, 8, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    ("lengths", "long_dtype", "expected"),
    [
        ([9, 30, 12], torch.bfloat16, torch.float32),
        ([9, 200, 150], torch.bfloat16, torch.bfloat16),
        ([9, 200, 150], torch.float32, torch.float32),
    ],
)
def test_short_sequences_attend_in_fp32_and_long_ones_as_was_chosen(
    lengths: list[int], long_dtype: torch.dtype, expected: torch.dtype
) -> None:
    torch.manual_seed(0)
    spans = HostSpans.from_lengths(lengths, torch.device("cpu"), long_dtype)
    tensors = [torch.randn(sum(lengths), 2, 8).bfloat16().requires_grad_() for _ in "qkv"]
    query, key, value = tensors
    with torch.autocast("cpu", torch.bfloat16):
        attention = spans.attend(query, key, value, 0.4, 0.0)
    assert attention.dtype == torch.bfloat16
    same: list[Any] = [tensor.detach().to(expected).requires_grad_() for tensor in tensors]
    reference = spans.attend(same[0], same[1], same[2], 0.4, 0.0)
    assert torch.equal(attention, reference.bfloat16())
    attention.sum().backward()  # type: ignore[no-untyped-call]
    reference.sum().backward()  # type: ignore[no-untyped-call]
    for ours, theirs in zip(tensors, same, strict=True):
        assert ours.grad is not None
        assert torch.equal(ours.grad, theirs.grad.bfloat16())
