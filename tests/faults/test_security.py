"""What tuner never does, and what a hostile folder cannot make it do."""

from __future__ import annotations

import ast
import json
import os
import random
import stat
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.cli.recorded_sessions import create_finished_session
from tests.faults import fault_counts, hostile_folders
from tests.faults.command_line import call, is_inert, is_one_line
from tests.tui.app_harness import LARGE, SMALL, play, press
from tests.tui.places import ways
from tests.tui.setup_harness import Answers
from tests.worker.worker_sessions import make_session, run_worker
from tuner.errors import TunerError
from tuner.recipe.load import parse_recipe
from tuner.render.environment_text import environment_lines
from tuner.render.styles import TERMINAL_STYLES
from tuner.session.commands import Pause
from tuner.session.fold import load_session_view
from tuner.session.folder import delete_session, find_session, list_sessions
from tuner.session.inbox import send_command
from tuner.tui.app import TunerApp
from tuner.tui.screens import setup_screen as setup_screen
from tuner.tui.screens.study_screen import StudyScreen
from tuner.worker import launch

SOURCE = Path(__file__).parents[2] / "tuner"
COMMANDS = (
    ("list",),
    ("list", "--json"),
    ("status", "done"),
    ("status", "done", "--json"),
    ("trials", "done"),
    ("trials", "done", "--json"),
    ("show", "done", "0"),
    ("show", "done", "1", "--json"),
    ("show", "done", "best"),
    ("compare", "done", "0", "1"),
    ("importance", "done"),
    ("export", "done", "--format", "csv"),
)


# ── the source ───────────────────────────────────────────────────────────────────────────────

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load", "torch.save",
    "pandas.read_pickle", "numpy.fromfile", "yaml.load", "yaml.unsafe_load", "input",
}  # fmt: skip


@cache
def _trees() -> list[tuple[Path, ast.Module]]:
    paths = sorted(SOURCE.rglob("*.py"))
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def _called_function(node: ast.Call) -> str:
    return ast.unparse(node.func)


def test_no_pickle_no_eval_no_shell() -> None:
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                named = {alias.name.split(".")[0] for alias in node.names}
                assert not named & FORBIDDEN_MODULES, path
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in FORBIDDEN_MODULES, path
            if isinstance(node, ast.Call):
                assert _called_function(node) not in FORBIDDEN_CALLS, f"{path}:{node.lineno}"
                _is_harmless(path, node)


def _is_harmless(path: Path, call: ast.Call) -> None:
    words = {word.arg: word.value for word in call.keywords if word.arg}
    place = f"{path}:{call.lineno}"
    if "shell" in words:
        assert ast.unparse(words["shell"]) == "False", place
    if _called_function(call) in ("np.load", "numpy.load", "np.save", "numpy.save"):
        assert ast.unparse(words["allow_pickle"]) == "False", place
    if _called_function(call) in ("tempfile.mktemp",):
        raise AssertionError(place)


def test_foreign_code_and_pickles_need_a_word_in_the_recipe() -> None:
    plain = {
        "model": {"name": "m"},
        "data": {"train": "t.csv", "validation": 0.1, "text": "a", "label": "b"},
        "groups": [{"name": "all", "rest": True, "lr": 1e-5}],
    }
    recipe = parse_recipe(plain, "recipe.toml")
    assert recipe.model.trust_remote_code is False
    assert recipe.model.allow_pickle is False
    for key in ("trust_remote_code", "allow_pickle"):
        for value in ("true", 1, "yes"):
            with pytest.raises(TunerError):
                parse_recipe(plain | {"model": {"name": "m", key: value}}, "recipe.toml")
    enabling_lines = [
        f"{path.name}:{node.lineno}"
        for path, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg in ("trust_remote_code", "allow_pickle")
        and isinstance(node.value, ast.Constant)
        and node.value.value is True
    ]
    assert enabling_lines == []


def test_what_is_trusted_is_shown(tmp_path: Path) -> None:
    session = create_finished_session(tmp_path, "done")
    assert "trusted" not in call(tmp_path, "status", "done").stdout
    text = session.recipe_path.read_text()
    flags = 'name = "tiny"\ntrust_remote_code = true\nallow_pickle = true'
    session.recipe_path.write_text(text.replace('name = "tiny"', flags))
    status_text = call(tmp_path, "status", "done").stdout
    assert "model.trust_remote_code" in status_text
    assert "model.allow_pickle" in status_text
    lines = environment_lines(load_session_view(session), 80, TERMINAL_STYLES)
    screen_text = "\n".join("".join(text for text, _ in line) for line in lines)
    assert screen_text.count("trusted") == 2


# ── rights and places ────────────────────────────────────────────────────────────────────────


def test_everything_that_a_study_writes_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        session = make_session(tmp_path / "sessions", trials=2)
        assert run_worker(session) == 0
        send_command(session, Pause())
    finally:
        os.umask(before)
    for path in (session.path, *session.path.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))


NAMES = (
    "..",
    "../x",
    "a/b",
    "/etc",
    ".x",
    "a\x00b",
    "a\nb",
    "\x1b[2J",
    "~",
    "a b",
    "é",
    "-" * 101,
    "",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_never_leads_out_of_the_sessions(tmp_path: Path, name: str) -> None:
    root = tmp_path / "sessions"
    create_finished_session(root, "done")
    with pytest.raises(TunerError):
        find_session(root, name)
    for words in (("status", name), ("start", name), ("new", name, "--model", "m")):
        answer = call(root, *words)
        assert answer.code == 2
        is_one_line(answer.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["sessions"]


LINKS = (
    "trials",
    "best",
    "cache",
    "best.json",
    "study.db",
    "worker.log",
    "worker.lock",
    "trials/0000",
)


@pytest.mark.parametrize("name", LINKS)
def test_nothing_is_written_through_a_link(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_spawn_worker_process", _must_not_start)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    session = make_session(tmp_path / "sessions", trials=1)
    place = session.path / name
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    is_file = "." in name
    place.symlink_to(outside / "precious" if is_file else outside)
    answer = call(tmp_path / "sessions", "start", "demo")
    assert answer.code == 2
    is_one_line(answer.stderr)
    assert "is a link" in answer.stderr
    assert run_worker(session) == 2
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "mine"
    delete_session(session)
    assert (outside / "precious").read_text() == "mine"


def _must_not_start(*_: object) -> None:
    raise AssertionError("a worker was started")


@pytest.mark.timeout(30)
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    for number, name in enumerate(("events.jsonl", "commands.jsonl", "recipe.toml", "worker.lock")):
        for kind in ("pipe", "device"):
            session = create_finished_session(tmp_path, f"s{number}-{kind}")
            path = session.path / name
            path.unlink(missing_ok=True)
            if kind == "pipe":
                os.mkfifo(path)
            else:
                path.symlink_to("/dev/zero")
            for words in (("list",), ("status", session.name), ("trials", session.name)):
                answer = call(tmp_path, *words)
                assert answer.code in (0, 2), answer
                is_inert(answer.stdout)
            answer = call(tmp_path, "start", session.name)
            assert answer.code == 2
            is_one_line(answer.stderr)


# ── hostile folders ──────────────────────────────────────────────────────────────────────────


def contents(folder: Path) -> dict[str, bytes]:
    """Every plain file below a folder, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _looked_at_from_the_command_line(root: Path) -> None:
    for words in COMMANDS:
        answer = call(root, *words)
        assert answer.code in (0, 1, 2, 3), (words, answer)
        if "--json" in words and not answer.code:
            json.loads(answer.stdout)
        is_inert(answer.stdout)
        if answer.code:
            is_one_line(answer.stderr)


def test_a_hostile_log_is_shown_without_harm(tmp_path: Path) -> None:
    session, events = hostile_folders.telling(tmp_path)
    logs = list(hostile_folders.spoilt(events))
    for log in logs[::80]:
        hostile_folders.write_events(session, log)
        _looked_at_from_the_command_line(tmp_path)
    fault_counts.count_event("hostile logs", len(logs[::80]))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_hostile_log_is_shown_without_harm(tmp_path: Path) -> None:
    session, events = hostile_folders.telling(tmp_path)
    for log in hostile_folders.spoilt(events):
        hostile_folders.write_events(session, log)
        _looked_at_from_the_command_line(tmp_path)
        fault_counts.count_event("hostile logs")


def test_a_log_of_extremes_is_shown_without_harm(tmp_path: Path) -> None:
    session, events = hostile_folders.telling(tmp_path)
    for seed in range(3):
        hostile_folders.write_events(session, hostile_folders.extremes(events, random.Random(seed)))
        assert load_session_view(session).trials
        _looked_at_from_the_command_line(tmp_path)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())
    monkeypatch.setattr(TunerApp, "_launch_in_thread", _must_not_start)


async def look_around(names: Sequence[str], pilot: Pilot[None], app: TunerApp) -> None:
    """Go to these places, press some keys there, and come back."""
    home = app.screen
    assert isinstance(home, StudyScreen)
    depth = len(app.screen_stack)
    for name in names:
        way = ways()[name]
        await press(pilot, "down")
        await way(pilot, app)
        await press(pilot, "down", "right", "tab", "down")
        while len(app.screen_stack) > depth:
            app.pop_screen()
            await pilot.pause()
        await home.show_view_named("Live")


def _looked_at_on_the_screen(root: Path, size: tuple[int, int], names: Sequence[str]) -> None:
    app = play(root, partial(look_around, names), session="done", size=size)
    assert app._exception is None


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("quiet")
def test_a_trap_of_a_folder_is_shown_on_every_screen_and_stays_as_it_was(tmp_path: Path) -> None:
    root, outside = tmp_path / "sessions", tmp_path / "outside"
    session, events = hostile_folders.telling(root)
    hostile_folders.write_events(session, hostile_folders.extremes(events, random.Random(1)))
    hostile_folders.set_traps(session, outside)
    (outside / "precious-best.json").write_text("mine")
    before = contents(tmp_path)
    _looked_at_from_the_command_line(root)
    _looked_at_on_the_screen(root, SMALL, [*ways()][::3])
    assert contents(tmp_path) == before


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("quiet")
def test_every_hostile_log_is_shown_on_every_screen(tmp_path: Path) -> None:
    session, events = hostile_folders.telling(tmp_path)
    for number, log in enumerate(list(hostile_folders.spoilt(events))[::25]):
        hostile_folders.write_events(session, log)
        _looked_at_on_the_screen(tmp_path, LARGE if number % 2 else SMALL, [*ways()])
        fault_counts.count_event("hostile logs on every screen")
    for seed in range(6):
        hostile_folders.write_events(session, hostile_folders.extremes(events, random.Random(seed)))
        _looked_at_on_the_screen(tmp_path, SMALL if seed % 2 else LARGE, [*ways()])
        fault_counts.count_event("hostile logs on every screen")


def test_texts_of_a_megabyte_do_not_stop_anybody(tmp_path: Path) -> None:
    session, events = hostile_folders.telling(tmp_path)
    long = "x" * 2**20
    for event in events:
        if event["kind"] in ("trial_pruned", "session_finished"):
            event["reason"] = long
        if event["kind"] == "data_read":
            event["labels"] = [long, "b"]
    hostile_folders.write_events(session, events)
    for words in (("list",), ("status", "done"), ("show", "done", "1")):
        assert call(tmp_path, *words).code == 0


def test_a_folder_of_somebody_elses_names_a_file_that_is_not_its_business(tmp_path: Path) -> None:
    session = create_finished_session(tmp_path, "done")
    text = session.recipe_path.read_text()
    session.recipe_path.write_text(text.replace("train.jsonl", "/etc/passwd"))
    _looked_at_from_the_command_line(tmp_path)
    answer = call(tmp_path, "status", "done")
    assert "root:" not in answer.stdout + answer.stderr


def test_links_among_the_sessions_are_no_sessions(tmp_path: Path) -> None:
    create_finished_session(tmp_path / "others", "real")
    root = tmp_path / "sessions"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "others" / "real")
    assert list_sessions(root) == []
    answer = call(root, "status", "linked")
    assert answer.code == 2
    is_one_line(answer.stderr)
