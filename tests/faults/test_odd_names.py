"""Whatever a path or a name is, on every command: an answer or one line, no trace, no waiting."""

from __future__ import annotations

import itertools
import os
import random
import shutil
from pathlib import Path

import pytest

from tests.cli import recorded_sessions
from tests.cli.test_export_command import MODEL
from tests.faults.command_line import Answer, call, is_inert, is_one_line
from tuner.errors import TunerError
from tuner.session import staging
from tuner.session.best_document import save_model_description
from tuner.session.folder import Session, create_session, list_sessions
from tuner.training.files import make_temporary_folder

QUICK = 220
BYTES = b"caf\xe9.csv".decode("utf-8", "surrogateescape")
FILES = ("ok.csv", "~back.csv", "-x.csv", " a b.csv", "[bold]x.csv", "\U0001f600.csv", BYTES)
ODD_FILES = ("pipe.csv", "loop.csv", "dangling.csv", "folder.csv", "zero.csv")
SPELLINGS = (
    *("", " ", "~", "~back", "~nobody-here", "~nobody-here/x.csv", "~root/x.csv", "a" * 4000),
    *(
        "x" * 300 + ".csv",
        "a/" * 2000,
        "a\0b",
        "a\nb",
        "\x1b[31m",
        "\t",
        "\r",
        "\ud800",
        "\u202eabc",
    ),
    *("שלום", "e\u0301.csv", "-", "--", "-x", "--help", ".", "..", "/", "//", "CON", "%s", "%(x)s"),
    *("{}", "{0}", "[bold]x[/]", "[/]", "a b", " a", "*", "ok.*", "'", '"', "\\", "$HOME", "`id`"),
    *("ok.csv/x", "/dev/null", "/dev/stdin", "hub:", "hub:x", "hub:a:b:c:d", "done", "draft"),
)
NEW = ("new", "fresh", "--model", "m")
COMMANDS = (
    ("new", "NAME", "--model", "m", "--train", "ok.csv"),
    ("new", "fresh", "--model", "NAME", "--train", "ok.csv"),
    (*NEW, "--train", "NAME"),
    *((*NEW, "--train", "ok.csv", f"--{option}", "NAME")
      for option in ("validation", "test", "preset", "text", "label", "holdout", "set")),
    *((*NEW, "--train", "ok.csv", "--set", setting)
      for setting in ("model.name=NAME", "data.train=NAME", "data.root=NAME", "groups.NAME.lr=1")),
    *((command, "NAME") for command in ("status", "trials", "export", "replay", "importance",
                                        "open", "pause", "stop", "drain", "list")),
    ("NAME",), ("show", "NAME", "0"), ("show", "done", "NAME"), ("compare", "NAME", "done"),
    ("compare", "done", "NAME"), ("compare", "done", "0", "NAME"), ("export", "done", "-o", "NAME"),
    ("export", "done", "--trials", "NAME"), ("export", "done", "--format", "NAME"),
    ("enqueue", "NAME", "lr=1"), ("enqueue", "draft", "NAME"), ("enqueue", "draft", "lr.NAME=1"),
    ("enqueue", "draft", "epochs=NAME"), ("enqueue", "done", "--like", "NAME"),
    ("enqueue", "done", "--rerun", "NAME"), ("groups", "done", "--preset", "NAME"),
    ("set", "NAME", "a=1"), ("set", "draft", "NAME"), ("set", "draft", "model.name=NAME"),
    ("set", "draft", "NAME=1"), ("zoom", "NAME", "a=1..2"), ("zoom", "draft", "NAME"),
    ("zoom", "draft", "lr.head=NAME"), ("trials", "done", "--filter", "NAME"),
    ("list", "--sessions", "NAME"), ("status", "done", "--sessions", "NAME"),
)  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sessions; in the working folder files of odd names, and what only looks like a file."""
    recorded_sessions.create_draft(tmp_path / "sessions")
    save_model_description(recorded_sessions.create_finished_session(tmp_path / "sessions"), MODEL)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    rows = "text,label\n" + "".join(f"row {n} of it,{n % 2}\n" for n in range(12))
    for name in FILES:
        Path(name).write_text(rows)
    os.mkfifo("pipe.csv")
    os.symlink("loop.csv", "loop.csv")
    os.symlink("/nowhere/at/all", "dangling.csv")
    os.mkdir("folder.csv")
    os.symlink("/dev/zero", "zero.csv")
    return tmp_path / "sessions"


def answers(root: Path, command: tuple[str, ...], name: str) -> Answer:
    """Run the command with this name in its place; fail on what it should never do."""
    words = [word.replace("NAME", name) for word in command]
    answer = call(root, *words)
    assert answer.code in (0, 1, 2, 3), answer
    is_inert(answer.stdout)
    is_inert(answer.stderr)
    if answer.code:
        is_one_line(answer.stderr)
    shutil.rmtree(root / "fresh", ignore_errors=True)
    return answer


def cases() -> list[tuple[tuple[str, ...], str]]:
    """Every command with every name, but for those that another process would have to answer."""
    return [
        (command, name)
        for command, name in itertools.product(COMMANDS, (*SPELLINGS, *FILES, *ODD_FILES))
        if not (command == ("export", "done", "--trials", "NAME") and name == "")
    ]


@pytest.mark.timeout(120)
def test_any_name_on_any_command(root: Path) -> None:
    for command, name in random.Random(8).sample(cases(), QUICK):
        answers(root, command, name)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_name_on_every_command(root: Path) -> None:
    for command, name in cases():
        answers(root, command, name)


@pytest.mark.parametrize("name", [name for name in FILES if name not in (BYTES, "-x.csv")])
def test_a_file_may_have_any_name_that_is_text(root: Path, name: str) -> None:
    assert call(root, "new", "named", "--model", "m", "--train", name).code == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("pipe.csv", "a pipe or a device, not a file"), ("zero.csv", "a pipe or a device"),
        ("loop.csv", "its links form a loop"), ("dangling.csv", "a broken link"),
        ("folder.csv", "a folder, not a file"), ("ok.csv/x", "a part of this path is a file"),
        ("x" * 300 + ".csv", "the name is too long"), ("a\0.csv", "cannot contain NUL"),
        (BYTES, r"caf\xe9.csv: not UTF-8"), (" ", "--train: is empty"), ("o k.csv", "did you mean"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_by_its_reason(root: Path, name: str, says: str) -> None:
    answer = answers(root, (*NEW, "--train", "NAME"), name)
    assert answer.code == 2
    assert says in answer.stderr


def test_a_pipe_that_nobody_reads_is_not_waited_for(root: Path) -> None:
    answer = answers(root, ("export", "done", "-o", "NAME"), "pipe.csv")
    assert (answer.code, "a pipe that nobody reads" in answer.stderr) == (2, True)


def test_without_a_home(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    answer = answers(root, (*NEW, "--train", "NAME"), "~/x.csv")
    assert "no home folder (HOME is not set)" in answer.stderr
    assert call(root, "list").code == 0


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("command", ["list", "demo", "new", "status"])
def test_a_folder_whose_name_is_no_text_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    os.mkdir(b"caf\xe9")
    monkeypatch.chdir(os.fsdecode(b"caf\xe9"))
    words = {"new": [*NEW, "--train", "../ok.csv"], "status": ["status", "done"]}
    answer = call(Path("sessions"), *words.get(command, [command]))
    assert answer.code == 2
    is_one_line(answer.stderr)
    assert r"caf\xe9" in answer.stderr


@pytest.mark.usefixtures("root")
def test_a_working_folder_that_was_removed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir("gone")
    monkeypatch.chdir("gone")
    os.rmdir("../gone")
    answer = call(Path("sessions"), "list")
    assert "the working folder has been removed" in answer.stderr
    is_one_line(answer.stderr)


def test_without_room_for_temporary_files_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    expected_message = r"no temporary files can be written.*set TMPDIR"
    with pytest.raises(TunerError, match=expected_message), make_temporary_folder("x-"):
        pass


# ── a session is there as a whole or not at all ──────────────────────────────────────────────


@pytest.mark.parametrize("stops", [KeyboardInterrupt, OSError, UnicodeEncodeError])
def test_a_session_that_was_not_finished_leaves_its_name_free(
    root: Path, monkeypatch: pytest.MonkeyPatch, stops: type[BaseException]
) -> None:
    error = stops("utf-8", "x", 0, 1, "no") if stops is UnicodeEncodeError else stops(28, "full")

    def stop(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("tuner.session.folder.EventWriter", stop)
        with pytest.raises(BaseException, match=r"cannot create a session|full|utf-8"):
            create_session(root, "fresh", recorded_sessions.RECIPE)
    assert sorted(os.listdir(root)) == ["done", "draft"]
    assert create_session(root, "fresh", recorded_sessions.RECIPE).recipe_path.is_file()


def test_what_a_killed_one_left_behind_is_removed_and_what_is_being_made_is_not(
    root: Path,
) -> None:
    (root / f"{staging._HIDDEN_PREFIX}old-x").mkdir()
    with staging.staging_folder(root, "other") as unfinished_folder:
        create_session(root, "fresh", recorded_sessions.RECIPE)
        assert unfinished_folder.is_dir()
        assert [s.name for s in list_sessions(root)] == ["done", "draft", "fresh"]
    assert sorted(os.listdir(root)) == ["done", "draft", "fresh"]


def test_an_empty_folder_is_no_session(root: Path) -> None:
    (root / "fresh").mkdir()
    assert Session(
        create_session(root, "fresh", recorded_sessions.RECIPE).path
    ).events_path.is_file()
