"""Whether the choice of kernels is the same each time: alone, beside neighbours, two at once.

python benchmarks/kernel_choice.py [--probes N]
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.pool import Pool

import torch

from tuner.pool.cores import count_usable_cores
from tuner.recipe.kernels import (
    ATTENTION_BF16,
    ATTENTION_FP32,
    BF16,
    ONEDNN,
    TORCH,
    kernels_by_speed,
    speed_ratio,
)
from tuner.training.kernel_choice import name_of_kernels
from tuner.training.kernel_speeds import Workload, measure_kernel_speeds

# MiniLM on pairs of RTE and on questions of TREC; BERT-base on RTE.
WORKLOADS = {
    "minilm rte": Workload(1536, 384, 339, heads=12, head_size=32),
    "minilm trec": Workload(1536, 384, 208, heads=12, head_size=32),
    "bert-base rte": Workload(3072, 768, 128, heads=12, head_size=64),
}
RATIOS = [(ONEDNN, TORCH), (BF16, TORCH, ONEDNN), (ATTENTION_BF16, ATTENTION_FP32)]
Probe = tuple[str, list[float], float]


def main() -> int:
    """Probe, print a line for each situation and model; 1 where a model has two choices."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=100, help="for each model (default: 100)")
    probes = parser.parse_args().probes
    stable = True
    for (name, workload), precision in itertools.product(WORKLOADS.items(), ("auto", "fp32")):
        situations = {
            "alone": probe_repeatedly(workload, precision, probes // 2),
            "busy neighbours": _probe_beside_neighbours(workload, precision, probes // 2),
            "two at once": _probe_in_two_processes(workload, precision, probes // 4),
        }
        choices = {choice for results in situations.values() for choice, _, _ in results}
        stable = stable and len(choices) == 1
        for situation, results in situations.items():
            print(
                json.dumps(
                    {
                        "model": name,
                        "precision": precision,
                        "situation": situation,
                        **_summarize(results),
                    }
                )
            )
    print("stable" if stable else "NOT STABLE")
    return 0 if stable else 1


def probe_repeatedly(workload: Workload, precision: str, count: int) -> list[Probe]:
    """Choose so many times; return each choice, the ratios that decided, and the seconds."""
    probes: list[Probe] = []
    for _ in range(count):
        started = time.perf_counter()
        speeds, _ = measure_kernel_speeds(workload, precision)
        seconds = time.perf_counter() - started
        kernels = kernels_by_speed(precision, speeds)
        choice = f"{name_of_kernels(kernels)}, attention {kernels.attention}"
        ratios = [speed_ratio(speeds, candidate, *others) for candidate, *others in RATIOS]
        probes.append((choice, ratios, seconds))
    return probes


def _summarize(probes: list[Probe]) -> dict[str, object]:
    """Count the choices; the range of each ratio, and the middle time of a probe."""
    choices = [choice for choice, _, _ in probes]
    names = ("onednn / torch", "bf16 / fp32", "attention bf16 / fp32")
    columns = zip(*(ratios for _, ratios, _ in probes), strict=True)
    ranges = {
        name: [round(min(column), 2), round(max(column), 2)]
        for name, column in zip(names, columns, strict=True)
    }
    middle = sorted(seconds for _, _, seconds in probes)[len(probes) // 2]
    counts = {choice: choices.count(choice) for choice in sorted(set(choices))}
    return {"choices": counts, "ratios": ranges, "milliseconds": round(1000 * middle)}


def _probe_beside_neighbours(workload: Workload, precision: str, count: int) -> list[Probe]:
    with _busy_neighbours(count_usable_cores()):
        return probe_repeatedly(workload, precision, count)


def _probe_in_two_processes(workload: Workload, precision: str, count: int) -> list[Probe]:
    with _spawned_pool(2) as pool:
        results = [
            pool.apply_async(probe_repeatedly, (workload, precision, count)) for _ in range(2)
        ]
        return [probe for result in results for probe in result.get()]


def _spawned_pool(processes: int) -> Pool:
    return multiprocessing.get_context("spawn").Pool(processes)


@contextmanager
def _busy_neighbours(count: int) -> Iterator[None]:
    """Keep as many processes as there are cores busy with products of one thread each."""
    context = multiprocessing.get_context("spawn")
    neighbours = [context.Process(target=_multiply_forever, daemon=True) for _ in range(count)]
    for neighbour in neighbours:
        neighbour.start()
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.terminate()
            neighbour.join()


def _multiply_forever() -> None:
    torch.set_num_threads(1)
    matrix = torch.randn(512, 512)
    while True:
        torch.mm(matrix, matrix)


if __name__ == "__main__":
    sys.exit(main())
