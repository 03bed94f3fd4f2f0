"""A trial's state on disk: tensors as safetensors, the rest as JSON, never a pickle.

A checkpoint is two files, STEP.safetensors and STEP.json. The JSON is written last and contains the
digest of the tensors; only then is the previous checkpoint removed, so that a whole one exists at
every instant.
"""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from tuner.pool.protocol import Evaluated
from tuner.recipe.config import TrialConfig
from tuner.recipe.kernels import Kernels
from tuner.training.files import atomic_file_write, file_digest
from tuner.training.losses import LossSums
from tuner.training.memory_plan import MemoryPlan

FORMAT = 2


class GeneratorStates(msgspec.Struct, frozen=True):
    """The states of every generator that a model may draw from; torch's in base64."""

    torch: str
    cuda: str | None
    numpy: list[Any]
    python: list[Any]


class CheckpointState(msgspec.Struct, frozen=True, kw_only=True):
    """All of a trial's state that is not a tensor. `data` identifies data, model and groups.

    `fit` is the memory plan: other micro-batches would add up gradients in another order. `kernels`
    computed the last steps. The sums are those of `LossSums`; checkpoints of earlier versions lack
    two of them.
    """

    format: int = FORMAT
    config: TrialConfig
    data: str
    metric: str
    step: int
    evaluations: list[Evaluated]
    kept: int | None
    loss_sum: float
    loss_updates: int
    guess_sum: float | None = None
    excess_squares: float | None = None
    seconds: float
    generators: GeneratorStates
    fit: MemoryPlan | None = None
    kernels: Kernels | None = None
    digest: str = ""

    def to_loss_sums(self) -> LossSums:
        """Return the sums of the losses since the last evaluation."""
        guess = math.nan if self.guess_sum is None else self.guess_sum
        squares = math.nan if self.excess_squares is None else self.excess_squares
        return LossSums(self.loss_sum, self.loss_updates, guess, squares)


def save_checkpoint(
    folder: Path, state: CheckpointState, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Write a checkpoint and, once it is whole, remove those before."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{state.step:08d}.safetensors"
    # Tensors first, JSON with their digest last: a crash in between leaves the previous checkpoint
    # whole and this one without its JSON, which nobody looks at.
    with atomic_file_write(path) as temporary:
        save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, temporary)
        state = msgspec.structs.replace(state, digest=file_digest(temporary))
    with atomic_file_write(path.with_suffix(".json")) as temporary:
        temporary.write_bytes(msgspec.json.encode(state))
    for older_file in folder.iterdir():
        if older_file.stem != path.stem:
            older_file.unlink(missing_ok=True)


def load_checkpoint(
    folder: Path, config: TrialConfig, data: str, metric: str
) -> tuple[tuple[CheckpointState, dict[str, torch.Tensor]] | None, list[str]]:
    """Return the newest whole checkpoint of this very trial, if any, and notes on the others."""
    notes: list[str] = []
    for path in sorted(folder.glob("[0-9]*.json"), reverse=True):
        try:
            state = msgspec.json.decode(path.read_bytes(), type=CheckpointState)
        except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
            notes.append(f"checkpoint {path.stem} is damaged and was ignored: {error}")
            continue
        if (state.format, state.config, state.data, state.metric) != (FORMAT, config, data, metric):
            notes.append(f"checkpoint {path.stem} belongs to another configuration and was ignored")
            continue
        tensors = _load_whole_tensors(path.with_suffix(".safetensors"), state.digest)
        if tensors is not None:
            return (state, tensors), notes
        notes.append(f"checkpoint {path.stem} is damaged and was ignored: its tensors have changed")
    return None, notes


def _load_whole_tensors(path: Path, expected: str) -> dict[str, torch.Tensor] | None:
    from safetensors.torch import load_file

    try:
        return load_file(path) if file_digest(path) == expected else None
    except OSError:
        return None


def generator_states(device: torch.device) -> GeneratorStates:
    kind, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    version, internal, gauss_next = random.getstate()
    cuda = _encode_state(torch.cuda.get_rng_state(device)) if device.type == "cuda" else None
    return GeneratorStates(
        torch=_encode_state(torch.get_rng_state()),
        cuda=cuda,
        numpy=[kind, np.asarray(keys).tolist(), int(position), int(has_gauss), float(gauss)],
        python=[version, list(internal), gauss_next],
    )


def restore_generators(states: GeneratorStates, device: torch.device) -> None:
    torch.set_rng_state(_decode_state(states.torch))
    if states.cuda is not None and device.type == "cuda":
        torch.cuda.set_rng_state(_decode_state(states.cuda), device)
    kind, keys, position, has_gauss, gauss = states.numpy
    np.random.set_state((kind, np.array(keys, np.uint32), position, has_gauss, gauss))
    version, internal, gauss_next = states.python
    random.setstate((version, tuple(internal), gauss_next))


def _encode_state(state: torch.Tensor) -> str:
    return base64.b64encode(state.cpu().numpy().tobytes()).decode()


def _decode_state(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
