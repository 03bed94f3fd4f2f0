"""What a recipe asks of training holds in every type and with every library of products."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.conftest import GROUPS, RecipeMaker, request_of
from tuner.pool.protocol import Setup
from tuner.recipe.kernels import PLAIN_KERNELS, Kernels, KernelsChoice
from tuner.training.kernel_choice import processor_name
from tuner.training.kernel_speeds import onednn_problem
from tuner.training.products import OneDnnLinear
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Trial

UPDATES = 3
# Of the distance that the weights move, so much may other kernels change.
KERNELS = [
    pytest.param(
        Kernels(products="onednn"), 1e-4, id="onednn",
        marks=pytest.mark.skipif(bool(onednn_problem()), reason="this torch has no oneDNN"),
    ),
    pytest.param(Kernels(precision="bf16", attention="bf16"), 0.05, id="bf16"),
]  # fmt: skip
FROZEN: list[dict[str, Any]] = [
    {**group, "lr": "frozen"} if group["name"] == "embeddings" else group for group in GROUPS
]
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipped": {"max_grad_norm": 0.1},
    "smoothed": {"label_smoothing": 0.2},
    "accumulated": {"accumulation": 2},
    "frozen": {},
}


def open_with_kernels(
    make_recipe: RecipeMaker, folder: Path, kernels: Kernels, groups: list[dict[str, Any]]
) -> TrainerContext:
    """Set a trainer up with these kernels, as a session that has chosen them does."""
    choice = KernelsChoice(
        precision=kernels.precision,
        products=kernels.products,
        attention=kernels.attention,
        requested_kernels="torch",
        processor=processor_name(torch.device("cpu")),
    )
    recipe = make_recipe("bert", groups=groups)
    context = TrainerContext(
        Setup(session=str(folder), recipe=recipe, device="cpu", threads=1, kernels=choice),
        lambda *_: None,
    )
    assert context.kernels == kernels
    by_onednn = any(type(module) is OneDnnLinear for module in context.model.modules())
    assert by_onednn == (kernels.products == "onednn")
    return context


def displacements(context: TrainerContext, changes: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Train some updates without dropout; return how far each parameter has moved."""
    # A large epsilon, so that updates follow the size of the gradients as well as their signs.
    always: dict[str, Any] = {"dropout": 0.0, "seed": 5, "adam_epsilon": 0.01}
    trial = Trial(context, request_of(context, **always, **changes))
    before = {n: p.detach().clone() for n, p in context.model.named_parameters()}
    for _ in range(UPDATES):
        trial.train_one_update()
    return {n: p.detach() - before[n] for n, p in context.model.named_parameters()}


@pytest.mark.parametrize(("kernels", "limit"), KERNELS)
def test_settings_act_as_in_plain_fp32(
    make_recipe: RecipeMaker, tmp_path: Path, kernels: Kernels, limit: float
) -> None:
    for groups, names in ((GROUPS, [n for n in SETTINGS if n != "frozen"]), (FROZEN, ["frozen"])):
        plain, other = (
            open_with_kernels(make_recipe, tmp_path / name, asked, groups)
            for name, asked in (("plain", PLAIN_KERNELS), ("other", kernels))
        )
        for name in names:
            expected = displacements(plain, SETTINGS[name])
            actual = displacements(other, SETTINGS[name])
            is_frozen = not any(moved.any() for n, moved in actual.items() if "embeddings" in n)
            assert is_frozen == (name == "frozen")
            flat, other_flat = (
                torch.cat([m.flatten() for m in d.values()]) for d in (expected, actual)
            )
            difference = float((flat - other_flat).norm() / flat.norm())
            assert difference < limit, f"{name}: {difference}"
