"""Steps that come again and again, recorded as CUDA graphs and replayed with one launch."""

from __future__ import annotations

import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

from tuner.pool.causes import OUT_OF_MEMORY
from tuner.training.backward import Step
from tuner.training.failure_causes import failure_cause, first_message_line

# Recording costs about as much as three steps: a shape that came three times has paid for it if it
# comes three times more.
_BEFORE_RECORDING = 3
# Every graph holds memory of its own, and rare shapes are not worth it.
_MOST_GRAPHS = 32


class GraphCapture(Protocol):
    """Captures a step so that it can be replayed."""

    def capture_step(self, step: Step, warmup: Step) -> Step:
        """Return a call that does what `step` did, to the same tensors. RuntimeError if that fails.

        `warmup` is `step` without a lasting effect. Neither gradients nor random numbers change.
        """
        ...

    def release_captures(self) -> None:
        """Release the memory of all replays, which nobody holds any more."""
        ...


class GraphRunner:
    """A runner that records frequent steps: `most_graphs` at most, least recently used out first.

    After a recording that failed everything runs unrecorded, and `notify(level, text)` hears why.
    """

    def __init__(
        self,
        capture: GraphCapture,
        notify: Callable[[str, str], None],
        runs_before_recording: int = _BEFORE_RECORDING,
        most_graphs: int = _MOST_GRAPHS,
    ) -> None:
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
        """Drop all recordings and all counts."""
        self._replays.clear()
        self._run_counts.clear()
        self._capture.release_captures()

    def _is_recording_due(self, key: Hashable) -> bool:
        self._run_counts[key] += 1
        return self._run_counts[key] > self._runs_before_recording

    def _record_step(self, key: Hashable, step: Step, warmup: Step) -> Step | None:
        if len(self._replays) >= self._most_graphs:
            # Its count starts anew, so that two shapes at the limit do not replace each other every
            # time.
            oldest, _ = self._replays.popitem(last=False)
            del self._run_counts[oldest]
        try:
            replay = self._capture.capture_step(step, warmup)
        except RuntimeError as error:
            # A recording needs as much memory as the step: the trial goes on with smaller
            # micro-batches, whose steps are recorded.
            if failure_cause(error) == OUT_OF_MEMORY:
                raise
            # Once and for all: what cannot be captured (an operation that waits, an unsupported
            # kernel) would fail for every shape, and each attempt costs several steps.
            self._failed = True
            self.forget_recordings()
            self._notify(
                "warning", f"steps are not recorded as CUDA graphs: {_first_cause_line(error)}"
            )
            return None
        self._replays[key] = replay
        return replay


def _first_cause_line(error: BaseException) -> str:
    """Describe what went wrong first: ending a broken capture raises another error on top."""
    while error.__context__ is not None:
        error = error.__context__
    return first_message_line(error)


class CudaGraphCapture:
    """Captures CUDA graphs that share one memory pool.

    Sharing is safe in any order of replays, since no step leaves a result in the pool. The
    generator's seed and offset are read at every replay, as without a graph.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = torch.device("cuda", device.index or 0)
        self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def capture_step(self, step: Step, warmup: Step) -> Step:
        """Warm up on a side stream and capture there, as torch documents it; see GraphCapture."""
        # The warm-up draws dropout masks. Without restoring, a trial would depend on when it
        # recorded.
        state = torch.cuda.get_rng_state(self._device)
        graph = torch.cuda.CUDAGraph()
        # torch.cuda.graph leaves the capture stream as the current one where the capture fails.
        with torch.cuda.stream(torch.cuda.current_stream(self._device)):
            try:
                self._run_warmup_twice(warmup)
                # thread_local: other threads (a library's, say) may call CUDA meanwhile, which
                # breaks a capture in the default mode.
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
        """Start a new memory pool; the old one goes with its last graph."""
        # A pool is not freed while a graph uses it: new recordings get a new one, the old one is
        # returned when its graphs are collected.
        self._pool = torch.cuda.graph_pool_handle()

    def _run_warmup_twice(self, warmup: Step) -> None:
        """Run once for what is made at first use, once more to see whether the step ever waits."""
        current = torch.cuda.current_stream(self._device)
        # Both ways: the warm-up reads what the current stream wrote, and what comes next on the
        # current stream may use what the warm-up left (lazily made workspaces, autograd buffers).
        self._stream.wait_stream(current)
        try:
            with torch.cuda.stream(self._stream):
                warmup()
                with _forbid_device_sync():
                    warmup()
        finally:
            current.wait_stream(self._stream)

    def _end_broken_capture(self) -> None:
        """Reset the generator, which believes after a broken capture that the capture goes on."""
        # Setting its own state again ends the mode in which it refuses to draw outside of a
        # capture.
        generator = torch.cuda.default_generators[self._device.index]
        generator.graphsafe_set_state(generator.clone_state())


@contextmanager
def _forbid_device_sync() -> Iterator[None]:
    """Raise RuntimeError where an operation waits for the device, which would break a capture."""
    before = torch.cuda.get_sync_debug_mode()
    # torch warns that this debug mode is a prototype.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)
