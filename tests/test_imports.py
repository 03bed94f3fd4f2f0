"""Deferred imports, proved in fresh interpreters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "datasets", "pandas", "optuna")
PROBE = """
import sys
from tuner.cli import main
code = main(sys.argv[2:])
heavy = [name for name in sys.argv[1].split(",") if name in sys.modules]
print("heavy:", *heavy, file=sys.stderr)
sys.exit(code)
"""


def run_fresh(arguments: list[str], refused: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """`tuner ARGUMENTS` in a new interpreter; stderr's last line names what was imported."""
    command = [sys.executable, "-c", PROBE, ",".join(refused), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=60
    )


@pytest.mark.parametrize(
    "arguments", [["list"], ["status", "done"], ["trials", "done"], ["show", "done", "1"]]
)
def test_commands_that_read_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    from tests.cli import recorded_sessions

    recorded_sessions.create_finished_session(tmp_path)
    answer = run_fresh(["--sessions", str(tmp_path), *arguments], HEAVY)
    assert (answer.returncode, answer.stderr) == (0, "heavy:\n")


def test_help_does_not_even_import_rich() -> None:
    answer = run_fresh(["--help"], (*HEAVY, "rich", "textual", "numpy", "tomlkit", "argcomplete"))
    assert (answer.returncode, answer.stderr) == (0, "heavy:\n")


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    from tests.cli import recorded_sessions

    recorded_sessions.create_finished_session(tmp_path)
    command = [sys.executable, "-m", "tuner", "--sessions", str(tmp_path), "trials", "done"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), complaints) == (0, b"")
