"""Which kernels a trainer computes with: those of its session, or the fastest of this machine."""

from __future__ import annotations

import fcntl
import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch

from tuner.pool.protocol import Setup
from tuner.recipe.kernels import (
    BF16,
    ONEDNN,
    PLAIN_KERNELS,
    TORCH,
    Kernels,
    KernelsChoice,
    kernels_by_speed,
    plain_kernels,
    speed_ratio,
)
from tuner.recipe.types import TrainingSection
from tuner.training.failure_causes import KernelsMissing
from tuner.training.files import atomic_file_write
from tuner.training.kernel_speeds import Workload, measure_kernel_speeds, onednn_problem

Notify = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class KernelChooser:
    """Chooses kernels for one model on one device, as the recipe's [training] asks for.

    A choice by speeds is published in `folder`, where the next trainer finds it: of two that start
    at once, the second adopts what the first measured.
    """

    training: TrainingSection
    device: torch.device
    workload: Workload
    folder: Path
    notify: Notify

    def choose_kernels(self, setup: Setup) -> KernelsChoice:
        """Return the session's kernels, or choose where it has none for this recipe.

        Raises KernelsMissing where this machine lacks them and the setup's rule is to keep them.
        """
        given = setup.kernels
        if setup.kernels_rule == "plain":
            return self._plain_choice("as an earlier version of tuner computed")
        if given is None or not self._answers_recipe(given):
            return self._choose_by_speed()
        problem = self._problem_with_choice(given)
        if not problem:
            self._note_other_machine(given)
            return given
        if setup.kernels_rule == "prefer":
            return self._choose_by_speed()
        raise KernelsMissing(f"this session computes with {name_of_kernels(given)}: {problem}")

    def _answers_recipe(self, choice: KernelsChoice) -> bool:
        return (choice.requested_precision, choice.requested_kernels) == (
            self.training.precision,
            self.training.kernels,
        )

    def _problem_with_choice(self, choice: KernelsChoice) -> str:
        """Say what this machine lacks to go on with a choice; "" where that is nothing."""
        if choice.device != self.device.type:
            return f"chosen for {choice.device}, and this device is {self.device.type}"
        if choice.products == "onednn" and (problem := onednn_problem()):
            return f"this torch has no oneDNN for fp32 ({problem})"
        # A recipe that asks for bf16 itself gets it, however slow.
        is_own_wish = choice.requested_precision == "bf16"
        if choice.precision == "fp32" or self.device.type != "cpu" or is_own_wish:
            return ""
        if choice.processor == processor_name(self.device):
            return ""
        speeds, _ = measure_kernel_speeds(self.workload, self.training.precision)
        if speed_ratio(speeds, BF16, TORCH, ONEDNN) >= 1:
            return ""
        return f"bf16 is slower than fp32 on this processor ({processor_name(self.device)})"

    def _note_other_machine(self, choice: KernelsChoice) -> None:
        if choice.machine == self._machine():
            return
        where = f"{choice.processor} with torch {choice.torch}"
        self.notify(
            "notice",
            f"the session began on {where}, this is {processor_name(self.device)} with torch "
            f"{torch.__version__}: the last bits may differ from here on",
        )

    def _machine(self) -> tuple[str, str, str]:
        return self.device.type, processor_name(self.device), str(torch.__version__)

    def _choose_by_speed(self) -> KernelsChoice:
        if self.device.type != "cpu" or self.training.kernels == "torch":
            return self._plain_choice()
        return published_choice(self.folder, self._publication_key(), self.measure_and_choose)

    def measure_and_choose(self) -> KernelsChoice:
        """Choose by speeds measured now, whatever is published."""
        speeds, missing = measure_kernel_speeds(self.workload, self.training.precision)
        kernels = kernels_by_speed(self.training.precision, speeds)
        if kernels.precision == "bf16" and speed_ratio(speeds, BF16, TORCH, ONEDNN) < 1:
            missing.append("training.precision asks for bf16, which is slower than fp32 here")
        return self._as_choice(kernels, speeds, missing)

    def _plain_choice(self, *notes: str) -> KernelsChoice:
        precision = self.training.precision
        kernels = plain_kernels(precision, auto_bf16=has_fast_bf16(self.device))
        return self._as_choice(kernels, {}, list(notes))

    def replace_unproven(self, choice: KernelsChoice, problem: str) -> KernelsChoice:
        """Return plain kernels in place of those that a proof has failed for."""
        notes = [*choice.notes, f"{name_of_kernels(choice)}: {problem}"]
        return self._as_choice(PLAIN_KERNELS, choice.speeds, notes)

    def _as_choice(
        self, kernels: Kernels, speeds: dict[str, float], notes: list[str]
    ) -> KernelsChoice:
        device, processor, version = self._machine()
        return KernelsChoice(
            precision=kernels.precision,
            products=kernels.products,
            attention=kernels.attention,
            requested_precision=self.training.precision,
            requested_kernels=self.training.kernels,
            device=device,
            processor=processor,
            torch=version,
            speeds={name: round(speed, 1) for name, speed in speeds.items()},
            notes=notes,
        )

    def _publication_key(self) -> str:
        """Hash all that a choice follows from; not the threads, since one is timed."""
        parts = [*self._machine(), self.training.precision, self.training.kernels, self.workload]
        return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def kernels_of_machine() -> KernelsChoice:
    """Measure what "auto" would choose here for a base-size model on short texts."""
    device = torch.device("cpu")
    workload = Workload(outputs=3072, inputs=768, tokens=256, heads=12, head_size=64)
    chooser = KernelChooser(TrainingSection(), device, workload, Path(), lambda _level, _text: None)
    return chooser.measure_and_choose()


def published_choice(folder: Path, key: str, choose: Callable[[], KernelsChoice]) -> KernelsChoice:
    """Return the choice that is published under a key, or choose and publish.

    One process at a time chooses: the others wait and find its choice.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"kernels-{key}.json"
    with (folder / "kernels.lock").open("a", encoding="utf-8") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        try:
            return msgspec.json.decode(path.read_bytes(), type=KernelsChoice)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            choice = choose()
        with atomic_file_write(path) as temporary:
            temporary.write_bytes(msgspec.json.encode(choice))
        return choice


def name_of_kernels(kernels: Kernels) -> str:
    """Return "bf16" or, in fp32, the library: "fp32 by oneDNN"."""
    library = " by oneDNN" if kernels.products == "onednn" else ""
    return f"{kernels.precision}{library}"


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether "auto" means bf16 on this device with what torch does by itself."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def processor_name(device: torch.device) -> str:
    """Return the product name of a GPU or of the processor, told apart from others of its name.

    Virtual machines call several generations "AMD EPYC".
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    facts = processor_facts()
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" not in facts:
        return name
    return f"{name} (family {facts['cpu family']}, model {facts.get('model', '?')})"


def processor_facts() -> dict[str, str]:
    """Return what Linux says about the first processor; {} elsewhere."""
    facts: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if not line.strip():
                break
            name, _, value = line.partition(":")
            facts[name.strip()] = value.strip()
    except OSError:
        pass
    return facts
