"""Files in the working folder that have a library's name are never executed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tuner
from tests.cli import recorded_sessions
from tuner.cli import doctor
from tuner.interpreter import SOURCE_FOLDER, python_command

LIBRARIES = (
    *("torch", "transformers", "datasets", "pandas", "numpy", "optuna", "safetensors"),
    *("msgspec", "rich", "textual", "tomlkit", "pynvml", "platformdirs", "argcomplete"),
    *("json", "argparse", "dataclasses", "typing", "pathlib", "subprocess", "random", "tomllib"),
)
TRAP = """
import os
with open(os.environ["TUNER_TEST_TRAP"], "a") as file:
    file.write(__file__ + "\\n")
raise SystemExit("a file of the working folder was executed")
"""
EXPORT = ["export", "done", "--format", "csv"]
TUNER_SCRIPT = Path(sys.executable).with_name("tuner")


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Enter a folder full of modules that write their path to this file when they are executed."""
    log, folder = tmp_path / "executed", tmp_path / "hostile"
    folder.mkdir()
    for name in LIBRARIES:
        (folder / f"{name}.py").write_text(TRAP)
    recorded_sessions.create_finished_session(tmp_path / "sessions")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TUNER_TEST_TRAP", str(log))
    monkeypatch.setenv("TUNER_SESSIONS", str(tmp_path / "sessions"))
    return log


def run_here(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the working folder; tuner is importable as where it is installed."""
    path = os.pathsep.join(filter(None, [str(SOURCE_FOLDER), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_the_trap_works(trap: Path) -> None:
    assert run_here([sys.executable, "-c", "import msgspec"]).returncode == 1
    assert trap.read_text().endswith("hostile/msgspec.py\n")


@pytest.mark.parametrize("program", [[sys.executable, "-m", "tuner"], [str(TUNER_SCRIPT)]])
@pytest.mark.parametrize("command", [["--help"], ["list"], ["status", "done"], EXPORT])
def test_neither_by_the_command_nor_by_its_module(
    trap: Path, program: list[str], command: list[str]
) -> None:
    done = run_here([*program, *command])
    assert (done.returncode, done.stderr, trap.exists()) == (0, "", False)
    assert done.stdout


def test_nor_by_a_python_that_tuner_starts(trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import json, msgspec, numpy; import tuner.pool.protocol; print('done')"
    done = run_here(python_command("-c", code))
    assert (done.stdout, done.stderr, trap.exists()) == ("done\n", "", False)
    monkeypatch.setattr(doctor, "DEVICE_QUESTION", 'import json, msgspec; print(\'[["cpu"], ""]\')')
    assert [finding.text for finding in doctor.device_findings()] == ["cpu"]
    assert not trap.exists()


def test_one_function_names_the_interpreter() -> None:
    package = Path(tuner.__file__).parent
    naming = [
        path.relative_to(package).as_posix()
        for path in sorted(package.rglob("*.py"))
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("executable", "_base_executable")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert naming == ["interpreter.py"]


def test_the_source_folder_itself_may_be_what_makes_tuner_importable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(SOURCE_FOLDER)
    assert "-P" not in python_command("-m", "tuner")
    monkeypatch.chdir(tmp_path)
    assert python_command("-m", "tuner") == [sys.executable, "-P", "-m", "tuner"]
