"""What the GPU says: from a library that is made up, off the screens' thread, now and then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.app_harness import play, visible_screen_text
from tuner.render.machine_reading import GpuReading, MachineReading, short_gpu_name
from tuner.render.status_text import device_status_runs, gpu_title_runs, search_progress_runs
from tuner.render.styles import TERMINAL_STYLES
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.trial_counter import TrialCounter
from tuner.session.view import SessionState
from tuner.tui.app import TunerApp
from tuner.tui.state.gpu import (
    GpuReader,
    cuda_device_number,
    is_this_host,
)
from tuner.tui.state.machine import READ_EVERY, MachineMonitor, checkpoint_bytes
from tuner.tui.widgets.drawn_line import DrawnLine


class NVMLError(Exception):
    """As the library's."""


class FakeNvml:
    """Two GPUs; what is in `silent` is not answered."""

    NVMLError = NVMLError

    def __init__(self, *silent: str, driver: bool = True) -> None:
        self.silent = silent
        self.driver = driver
        self.begun = 0

    def nvmlInit(self) -> None:  # noqa: N802
        self.begun += 1
        if not self.driver:
            raise NVMLError

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:  # noqa: N802
        if number > 1:
            raise NVMLError
        return number

    def nvmlDeviceGetHandleByUUID(self, name: str) -> int:  # noqa: N802
        return {"GPU-a": 0, "GPU-b": 1}[name]

    def _answer(self, name: str, answer: Any) -> Any:
        if name in self.silent:
            raise NVMLError
        return answer

    def nvmlDeviceGetName(self, handle: int) -> bytes | str:  # noqa: N802
        return b"NVIDIA H100 80GB HBM3" if handle == 0 else "Tesla T4"

    def nvmlDeviceGetUtilizationRates(self, _handle: int) -> Any:  # noqa: N802
        return self._answer("load", SimpleNamespace(gpu=78))

    def nvmlDeviceGetMemoryInfo(self, _handle: int) -> Any:  # noqa: N802
        return self._answer("memory", SimpleNamespace(used=24_803_913_728, total=85_520_809_984))

    def nvmlDeviceGetTemperature(self, _handle: int, _sensor: int) -> Any:  # noqa: N802
        return self._answer("heat", 61)

    def nvmlDeviceGetPowerUsage(self, _handle: int) -> Any:  # noqa: N802
        return self._answer("power", 287_400)


def absent() -> Any:
    raise ImportError("no module named pynvml")


H100 = GpuReading("NVIDIA H100 80GB HBM3", 0, 0.78, 24_803_913_728, 85_520_809_984, 61, 287.4)


def test_everything_a_driver_tells() -> None:
    assert GpuReader(FakeNvml, {}).read_device("cuda:0") == H100


@pytest.mark.parametrize(
    ("visible", "device", "name"),
    [
        ("", "cuda", "NVIDIA H100 80GB HBM3"),
        ("", "cuda:1", "Tesla T4"),
        ("1", "cuda:0", "Tesla T4"),
        ("1, 0", "cuda:1", "NVIDIA H100 80GB HBM3"),
        ("GPU-b", "cuda:0", "Tesla T4"),
    ],
)
def test_gpus_are_counted_as_torch_counts_them(visible: str, device: str, name: str) -> None:
    reading = GpuReader(FakeNvml, {"CUDA_VISIBLE_DEVICES": visible}).read_device(device)
    assert reading is not None
    assert reading.name == name


@pytest.mark.parametrize("device", ["cpu", "mps", "", "cuda:x", "cuda:7"])
def test_other_devices_have_no_reading(device: str) -> None:
    assert GpuReader(FakeNvml, {}).read_device(device) is None


def test_without_package_or_driver_it_is_not_tried_again() -> None:
    tried: list[FakeNvml] = []

    def broken() -> FakeNvml:
        tried.append(FakeNvml(driver=False))
        return tried[-1]

    for library in (absent, broken):
        gpus = GpuReader(library, {})
        assert [gpus.read_device("cuda:0"), gpus.read_device("cuda:0")] == [None, None]
    assert [nvml.begun for nvml in tried] == [1]


@pytest.mark.parametrize("silent", ["load", "memory", "heat", "power"])
def test_what_is_not_told_is_left_out(silent: str) -> None:
    reading = GpuReader(lambda: FakeNvml(silent), {}).read_device("cuda:0")
    assert reading is not None
    readings = {
        "load": reading.load,
        "memory": reading.used,
        "heat": reading.celsius,
        "power": reading.watts,
    }
    assert [name for name, value in readings.items() if value is None] == [silent]


def test_names_and_numbers() -> None:
    assert [cuda_device_number(name) for name in ("cuda", "cuda:3", "cpu")] == [0, 3, None]
    assert short_gpu_name("NVIDIA H100 80GB HBM3") == "H100 80GB"
    assert short_gpu_name("NVIDIA") == "NVIDIA"
    assert not is_this_host("a host that is not this one")


def session_stand_in(root: Path, state: SessionState = SessionState.RUNNING) -> Any:
    session = corpus.record_running_session(root)
    view = load_session_view(session)
    for trial in view.trials.values():
        trial.device = "cuda:0"
    tally = TrialCounter.of_whole_view(view)
    return SimpleNamespace(
        session=session,
        view=view,
        trial_counts=tally,
        state=state,
        is_stalled=False,
        remaining_seconds=4000.0,
    )


class Later:
    """Work that is done when the test says so."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.work.append(work)

    def do(self) -> None:
        self.work.pop()()


def test_it_is_read_beside_the_screens_and_not_too_often(tmp_path: Path) -> None:
    later, now = Later(), [0.0]
    machine = MachineMonitor(
        GpuReader(FakeNvml, {}), clock=lambda: now[0], start=later, is_local_host=lambda _host: True
    )
    session = session_stand_in(tmp_path)
    folder = session.session.trial_folder(14) / "checkpoint"
    folder.mkdir(parents=True)
    (folder / "1.safetensors").write_bytes(b"x" * 1000)
    assert machine.latest_reading(session) == MachineReading()
    now[0] = 10 * READ_EVERY
    machine.latest_reading(session)
    assert len(later.work) == 1, "one reading at a time, however long it takes"
    later.do()
    assert machine.latest_reading(session) == MachineReading(H100, 1000)
    assert len(later.work) == 1
    later.do()
    now[0] += READ_EVERY / 2
    machine.latest_reading(session)
    assert not later.work


def test_another_machine_or_no_worker_has_no_reading(tmp_path: Path) -> None:
    later, elsewhere = Later(), Later()
    session = session_stand_in(tmp_path, SessionState.PAUSED)
    MachineMonitor(
        GpuReader(FakeNvml, {}), start=later, is_local_host=lambda _host: True
    ).latest_reading(session)
    session.state = SessionState.RUNNING
    MachineMonitor(
        GpuReader(FakeNvml, {}), start=elsewhere, is_local_host=lambda _host: False
    ).latest_reading(session)
    assert not later.work
    assert not elsewhere.work


def test_a_trial_without_a_checkpoint_takes_nothing(tmp_path: Path) -> None:
    assert checkpoint_bytes(Session(tmp_path), 3) == 0


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_the_lines_with_a_gpu(tmp_path: Path, width: int) -> None:
    facts = session_stand_in(tmp_path)
    reading = MachineReading(H100, 1_200_000_000)
    now = corpus.START + 3900
    device = "".join(
        text for text, _ in device_status_runs(facts, now, width, TERMINAL_STYLES, reading)
    )
    spent = "".join(
        text for text, _ in search_progress_runs(facts, now, width, TERMINAL_STYLES, H100)
    )
    assert cell_len(device) <= width
    assert cell_len(spent) <= width
    assert "GPU0 H100 80GB ▕" in device
    assert "78 %" in device
    assert "14/60 trials" in spent
    assert ("GPU0" in spent) == (width < 100)
    if width >= 120:
        assert "mem 23.1/79.6 GiB  61°C  287 W" in device
        assert "412 examples/s" in device
    if width == 200:
        assert "checkpoint 1.1 GiB" in device


def test_the_first_gpu_is_in_the_title_of_the_picker(root: Path) -> None:
    corpus.record_finished_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert "GPU" not in visible_screen_text(app)
        app.machine = MachineMonitor(GpuReader(FakeNvml, {}), start=lambda work: work())
        app.screen.query_one("#title", DrawnLine).redraw_content()
        await pilot.pause()
        assert "GPU0 H100 80GB 78 % 61°C" in visible_screen_text(app).splitlines()[0]

    play(root, scene)


def test_the_gpu_in_a_title() -> None:
    title = "".join(text for text, _ in gpu_title_runs(H100, 120, TERMINAL_STYLES))
    assert title == "GPU0 H100 80GB 78 % 61°C"
    idle = GpuReading("Tesla T4", 1, 0.0)
    assert gpu_title_runs(idle, 40, TERMINAL_STYLES)[0][0] == "GPU1 idle"
