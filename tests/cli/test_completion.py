"""What a shell proposes while a command line of tuner is typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Tuner
from tuner.cli.catalog import COMMANDS

SCRIPTS = Path(sys.executable).parent
ASK_IN_BASH = """
eval "$(tuner completion bash)"
for COMP_LINE in "$@"; do
    COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMPREPLY=()
    _python_argcomplete tuner
    echo "${COMPREPLY[@]}"
done
"""
ASK_IN_FISH = 'tuner completion fish | source; for line in $argv; complete -C "$line"; end'


@pytest.fixture
def sessions_root(tuner: Tuner, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make two drafts with the groups embeddings, layers and head."""
    for name in ("alpha", "alpine"):
        assert tuner("new", name, "--preset", "demo").code == 0
    monkeypatch.setenv("TUNER_SESSIONS", str(root))
    monkeypatch.setenv("PATH", f"{SCRIPTS}:{os.environ['PATH']}")
    return root


def run_shell(*command: str) -> list[str]:
    """Run a shell that asks tuner, and return the lines that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def propose(line: str, shell: str = "bash") -> list[str]:
    """Ask as the shell functions do, and return the proposals."""
    reading, writing = os.pipe()
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SHELL": shell,
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    code = f"import os; os.dup2({writing}, 8); from tuner.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", code], env=environment, pass_fds=[writing], check=True, timeout=60
    )
    os.close(writing)
    with os.fdopen(reading) as file:
        return file.read().splitlines()


@pytest.mark.usefixtures("sessions_root")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tuner st", ["start", "stop", "status"]),
        ("tuner status al", ["alpha", "alpine"]),
        ("tuner status --j", ["--json"]),
        ("tuner new x --ho", ["--holdout"]),
        ("tuner new x --preset ba", ["baseline", "basic"]),
        ("tuner new x --from alp", ["alpha", "alpine"]),
        ("tuner new x --preset demo --set groups.head.l", ["groups.head.layers=", "groups.head.lr=",
            "groups.head.layer_decay="]),
        ("tuner set alpha search.tri", ["search.trials="]),
        ("tuner set alpha groups.head.lr", ["groups.head.lr="]),
        ("tuner enqueue alpha lr.h", ["lr.head="]),
        ("tuner enqueue alpha lr.head=1e-4 epo", ["epochs="]),
        ("tuner enqueue alpha --like b", ["best"]),
        ("tuner zoom alpha lr.", ["lr.embeddings=", "lr.layers=", "lr.head="]),
        ("tuner compare alpha alp", ["alpine"]),
        ("tuner export alpha --format t", ["toml"]),
        ("tuner export alpha --trials a", ["all"]),
        ("tuner completion ", ["bash", "zsh", "fish"]),
        ("tuner set nobody groups.", []),
        ("tuner enqueue alpha --seed ", []),
    ],
)  # fmt: skip
def test_words(line: str, words: list[str]) -> None:
    assert propose(line) == words


@pytest.mark.usefixtures("sessions_root")
def test_every_command_is_proposed() -> None:
    assert propose("tuner ") == list(COMMANDS)


def test_the_folder_of_the_sessions_may_be_given(
    sessions_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNER_SESSIONS")
    assert propose("tuner status al") == []
    assert propose(f"tuner --sessions {sessions_root} status al") == ["alpha", "alpine"]
    assert propose(f"tuner status --sessions {sessions_root} al") == ["alpha", "alpine"]


@pytest.mark.usefixtures("sessions_root")
def test_files_and_folders() -> None:
    Path("rows.csv").touch()
    Path("models").mkdir()
    assert sorted(propose("tuner new x --train ")) == ["models/", "rows.csv"]
    assert propose("tuner new x --model ") == ["models/"]


@pytest.mark.usefixtures("sessions_root")
def test_in_bash() -> None:
    lines = ["tuner st", "tuner status al", "tuner enqueue alpha lr.h"]
    assert run_shell("bash", "--norc", "-c", ASK_IN_BASH, "bash", *lines) == [
        "start stop status",
        "alpha alpine",
        "lr.head=",
    ]


@pytest.mark.usefixtures("sessions_root")
@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_in_fish() -> None:
    lines = ["tuner status al", "tuner enqueue alpha lr.h"]
    words = run_shell("fish", "--no-config", "-c", ASK_IN_FISH, *lines)
    assert [word.strip() for word in words] == ["alpha", "alpine", "lr.head="]


@pytest.mark.usefixtures("sessions_root")
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_takes_the_script() -> None:
    code = 'autoload -U compinit; compinit -u -D; eval "$(tuner completion zsh)"; '
    assert run_shell("zsh", "-f", "-c", f"{code}echo $_comps[tuner]") == ["_python_argcomplete"]


@pytest.mark.usefixtures("sessions_root")
def test_zsh_gets_descriptions() -> None:
    assert propose("tuner drai", "zsh") == ["drain:finish running trials, then pause"]


def test_a_shell_without_a_script(tuner: Tuner) -> None:
    answer = tuner("completion", "tcsh")
    assert (answer.code, "tcsh is not one of bash, zsh, fish" in answer.stderr) == (2, True)
