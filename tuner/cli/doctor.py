"""`tuner doctor`: what this machine offers, and what would go wrong on it."""

from __future__ import annotations

import argparse
import fcntl
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tuner import __version__
from tuner.cli.check import findings_table
from tuner.cli.output import print_json_result, print_result, progress_spinner, stream_can_encode
from tuner.cli.session_lookup import sessions_root
from tuner.errors import TunerError
from tuner.interpreter import python_command
from tuner.recipe.findings import Finding
from tuner.recipe.user_paths import resolve_absolute_path, resolve_user_path
from tuner.results.format import count_in_words, format_bytes

PACKAGES = ("torch", "transformers", "optuna", "textual", "datasets", "msgspec", "numpy")
OLDEST_PYTHON = (3, 11)
LITTLE_DISK = 5e9
DEVICE_SECONDS = 180
# torch is asked in a process of its own: its import takes seconds, a broken driver may crash it.
DEVICE_QUESTION = """
import json, torch
devices = []
if torch.cuda.is_available():
    for index in range(torch.cuda.device_count()):
        gpu = torch.cuda.get_device_properties(index)
        devices.append(f"cuda:{index} {gpu.name}, {gpu.total_memory / 2**30:.0f} GiB")
elif getattr(torch.backends, "mps", None) and torch.backends.mps.is_available():
    devices.append("mps")
kernels = ""
if not devices:
    from tuner.results.kernels_text import describe_kernels
    from tuner.training.kernel_choice import kernels_of_machine

    kernels = describe_kernels(kernels_of_machine())
print(json.dumps([devices + [f"cpu, {torch.get_num_threads()} threads"], kernels]))
"""
LOCK_QUESTION = """
import fcntl, sys
with open(sys.argv[1], "r+") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("held")
    else:
        print("free")
"""


def run_doctor(options: argparse.Namespace) -> int:
    """Print the findings; return 1 if one of them is an error."""
    with progress_spinner("looking at this machine"):
        findings = list(examine_machine(options))
    if options.json:
        print_json_result(findings)
    else:
        print_result(findings_table(findings))
    return 1 if any(finding.level == "error" for finding in findings) else 0


def examine_machine(options: argparse.Namespace) -> Iterator[Finding]:
    """Yield all findings in the order in which they are shown."""
    yield python_finding()
    yield from package_findings()
    yield from device_findings()
    yield from folder_findings(options)
    yield terminal_finding()
    yield model_hub_finding()


def python_finding() -> Finding:
    text = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    old = sys.version_info < OLDEST_PYTHON
    return Finding("error" if old else "ok", "python", f"{text}, tuner {__version__}")


def package_findings() -> Iterator[Finding]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("error", "packages", f"{name} is not installed: pip install {name}")
    yield Finding(
        "ok", "packages", ", ".join(f"{name} {version}" for name, version in versions.items())
    )


def device_findings() -> Iterator[Finding]:
    """Report the devices that torch sees, and without a GPU what multiplies fastest on the CPU."""
    try:
        answer = _run_child_python(DEVICE_QUESTION, timeout=DEVICE_SECONDS)
    except subprocess.TimeoutExpired:
        yield Finding("error", "devices", f"torch did not answer within {DEVICE_SECONDS} s")
        return
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or ["no output"]
        yield Finding("error", "devices", f"torch cannot be used: {lines[-1]}")
        return
    devices, kernels = json.loads(answer.stdout.splitlines()[-1])
    yield Finding("ok", "devices", "; ".join(devices))
    if kernels:
        yield Finding("ok", "kernels", kernels)


def _run_child_python(
    code: str, *arguments: str, timeout: float = 30
) -> subprocess.CompletedProcess[str]:
    command = python_command("-c", code, *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def folder_findings(options: argparse.Namespace) -> Iterator[Finding]:
    """Report where the sessions are and what the disk there offers."""
    try:
        root = sessions_root(options)
    except TunerError as error:
        yield Finding("error", "sessions", str(error))
        return
    folder = _nearest_existing_folder(resolve_absolute_path(root))
    yield disk_space_finding(folder)
    yield from sessions_findings(root, folder)


def disk_space_finding(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    return Finding(
        "warning" if free < LITTLE_DISK else "ok",
        "disk",
        f"{format_bytes(free)} free in {folder}",
    )


def sessions_findings(root: Path, folder: Path) -> Iterator[Finding]:
    """Report whether sessions can be written there and whether the file system keeps locks."""
    where = str(root) if root.exists() else f"{root} (will be created in {folder})"
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            "error",
            "sessions",
            f"{where} is not writable: choose another folder with --sessions DIR",
        )
        return
    yield Finding("ok", "sessions", where)
    yield file_lock_finding(folder)


def file_lock_finding(folder: Path) -> Finding:
    """Check that another process sees a lock held here, as the UI must see the worker's."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".tuner-doctor-") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return Finding("error", "locks", f"this file system has no locks: {error.strerror}")
        lock_state = _run_child_python(LOCK_QUESTION, file.name).stdout.strip()
    if lock_state != "held":
        return Finding(
            "error",
            "locks",
            "this file system does not lock files between processes: use a local disk",
        )
    return Finding("ok", "locks", "other processes see them")


def terminal_finding() -> Finding:
    """Report the terminal's size, colors and characters."""
    size = shutil.get_terminal_size()
    if not sys.stdout.isatty():
        return Finding("ok", "terminal", "no terminal: all commands work, but the UI cannot start")
    from rich.console import Console

    colours = Console().color_system or "none"
    letters = "Unicode" if stream_can_encode(sys.stdout) else "no Unicode: ASCII is shown instead"
    text = f"{size.columns}×{size.lines}, colours {colours}, {letters}"
    return Finding("warning" if size.columns < 60 or size.lines < 16 else "ok", "terminal", text)


def model_hub_finding() -> Finding:
    """Report whether models may be downloaded, and where those already downloaded are."""
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    mode = "offline (HF_HUB_OFFLINE)" if offline else "online"
    try:
        cache = hub_cache_folder()
    except TunerError as error:
        return Finding("error", "hub", str(error))
    count = len(list(cache.glob("models--*"))) if cache.is_dir() else 0
    models = count_in_words(count, "model")
    if not os.access(_nearest_existing_folder(cache), os.W_OK | os.X_OK):
        advice = f"{cache} is not writable: set HF_HOME to a folder that is"
        return Finding("warning", "hub", f"{mode}, {models} there; {advice}")
    return Finding("ok", "hub", f"{mode}, {models} in {cache}")


def hub_cache_folder() -> Path:
    """Return the folder of downloaded models, as huggingface_hub chooses it."""
    home = resolve_user_path(os.environ.get("HF_HOME") or "~/.cache/huggingface", "HF_HOME")
    return resolve_user_path(os.environ.get("HF_HUB_CACHE") or home / "hub", "HF_HUB_CACHE")


def _nearest_existing_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
