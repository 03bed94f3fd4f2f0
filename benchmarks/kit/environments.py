"""Other libraries in environments of their own, so that nobody's versions bend to another's."""

from __future__ import annotations

import subprocess
import tempfile
import venv
from importlib.metadata import version
from pathlib import Path

from kit.processes import BENCHMARKS

_ENVIRONMENTS = BENCHMARKS / ".environments"
_CPU_WHEELS = "https://download.pytorch.org/whl/cpu"


class NotInstallable(Exception):
    """The library cannot be had here; the message says why."""


def python_of(name: str) -> Path:
    """Return the path of an environment's interpreter, which need not exist."""
    return _ENVIRONMENTS / name / "bin" / "python"


def is_installed(name: str, module: str) -> bool:
    """Whether the environment is there and its library can be imported."""
    python = python_of(name)
    return python.exists() and _can_import(python, module)


def ensure_installed(name: str, module: str, package: str) -> Path:
    """Return the interpreter of an environment with the package, made at its first use.

    torch is this environment's own version; transformers the newest that lets the package be
    imported. Raises NotInstallable.
    """
    if is_installed(name, module):
        return python_of(name)
    venv.create(_ENVIRONMENTS / name, with_pip=True)
    failure = ""
    for transformers in ("transformers", "transformers<5", "transformers<4.50"):
        failure = _pip_install(python_of(name), package, transformers)
        if not failure and _can_import(python_of(name), module):
            return python_of(name)
    raise NotInstallable(failure or f"{module} cannot be imported with any transformers tried")


def _can_import(python: Path, module: str) -> bool:
    done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
    return done.returncode == 0


def _pip_install(python: Path, package: str, transformers: str) -> str:
    """Install quietly; returns the last line of what went wrong, or nothing."""
    torch = f"torch=={version('torch')}"
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(f"{torch}\n", encoding="utf-8")
        command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        command += ["-c", str(constraints), torch, package, transformers]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode and torch.endswith("+cpu"):
            command += ["--extra-index-url", _CPU_WHEELS]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1][:200] if lines else f"pip ended with {done.returncode}"


def versions_in(python: Path, *packages: str) -> dict[str, str]:
    """Look up the versions of packages in another environment."""
    code = "import sys; from importlib.metadata import version as v; print(*map(v, sys.argv[1:]))"
    done = subprocess.run(
        [python, "-c", code, *packages], capture_output=True, text=True, check=True
    )
    return dict(zip(packages, done.stdout.split(), strict=True))
