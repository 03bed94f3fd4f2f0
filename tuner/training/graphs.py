"""Steps that come again and again, recorded as CUDA graphs and replayed with one launch."""

from __future__ import annotations

import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

from tuner.training.backward import Step

# Recording costs about as much as three steps without it.
_BEFORE_RECORDING = 3
_MOST_GRAPHS = 32


class GraphCapture(Protocol):
    """Makes a replay of a step."""

    def capture_step(self, step: Step, warmup: Step) -> Step:
        """A call that does what `step` did, to the same tensors. RuntimeError if that cannot be.

        `rehearsal` is `step` without a lasting effect. Neither gradients nor random numbers move.
        """
        ...

    def release_captures(self) -> None:
        """All replays are dropped: let go of their memory."""
        ...


class GraphRunner:
    """A runner that records what comes often: at most `most` steps, the least recent goes first.

    After a recording that failed everything runs unrecorded, and `tell(level, text)` hears why.
    """

    def __init__(
        self, capture: GraphCapture, notify: Callable[[str, str], None], runs_before_recording: int = _BEFORE_RECORDING,
        most_graphs: int = _MOST_GRAPHS,
    ) -> None:  # fmt: skip
        self._capture, self._notify, self._runs_before_recording, self._most_graphs = (
            capture,
            notify,
            runs_before_recording,
            most_graphs,
        )
        self._replays: OrderedDict[Hashable, Step] = OrderedDict()
        self._run_counts: Counter[Hashable] = Counter()
        self._failed = False

    def run_step(self, key: Hashable, step: Step, warmup: Step) -> None:
        """Replay, record and replay, or run `step` itself."""
        replay = self._replays.get(key)
        if replay is not None:
            self._replays.move_to_end(key)
        elif not self._failed and self._is_recording_due(key):
            replay = self._record_step(key, step, warmup)
        (replay or step)()

    def forget_recordings(self) -> None:
        """Drop all recordings, and count afresh."""
        self._replays.clear()
        self._run_counts.clear()
        self._capture.release_captures()

    def _is_recording_due(self, key: Hashable) -> bool:
        self._run_counts[key] += 1
        return self._run_counts[key] > self._runs_before_recording

    def _record_step(self, key: Hashable, step: Step, warmup: Step) -> Step | None:
        if len(self._replays) >= self._most_graphs:
            oldest, _ = self._replays.popitem(last=False)
            del self._run_counts[oldest]
        try:
            replay = self._capture.capture_step(step, warmup)
        except RuntimeError as error:
            self._failed = True
            self.forget_recordings()
            self._notify(
                "warning", f"steps are not recorded as CUDA graphs: {_first_cause_line(error)}"
            )
            return None
        self._replays[key] = replay
        return replay


def _first_cause_line(error: BaseException) -> str:
    """Of what went wrong first: ending a broken recording raises another error on top."""
    while error.__context__ is not None:
        error = error.__context__
    return (str(error) or type(error).__name__).splitlines()[0][:200]


class CudaGraphCapture:
    """Records CUDA graphs that share one memory pool.

    Sharing is safe in any order of replays, since no step leaves a result in the pool. The
    generator's seed and offset are read at every replay, as without a graph.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = torch.device("cuda", device.index or 0)
        self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def capture_step(self, step: Step, warmup: Step) -> Step:
        """See Tape. As torch documents it: rehearsed on a side stream, then captured there."""
        state = torch.cuda.get_rng_state(self._device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.stream(torch.cuda.current_stream(self._device)):
            try:
                self._run_warmup_twice(warmup)
                with torch.cuda.graph(
                    graph, self._pool, self._stream, capture_error_mode="thread_local"
                ):
                    step()
            except RuntimeError:
                self._end_broken_capture()
                raise
            finally:
                torch.cuda.set_rng_state(state, self._device)
        return graph.replay

    def release_captures(self) -> None:
        """See Tape."""
        self._pool = torch.cuda.graph_pool_handle()

    def _run_warmup_twice(self, warmup: Step) -> None:
        """Once for what is made at first use, once more to find out whether it would wait."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            warmup()
            with _forbid_device_sync():
                warmup()
        current.wait_stream(self._stream)

    def _end_broken_capture(self) -> None:
        """A capture that broke off leaves the generator believing that it goes on."""
        generator = torch.cuda.default_generators[self._device.index]
        generator.graphsafe_set_state(generator.clone_state())


@contextmanager
def _forbid_device_sync() -> Iterator[None]:
    """Raise RuntimeError where an operation would wait for the device: it would break a capture."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)
