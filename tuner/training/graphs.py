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
_MOST = 32


class Tape(Protocol):
    """Makes a replay of a step."""

    def record(self, step: Step, rehearsal: Step) -> Step:
        """A call that does what `step` did, to the same tensors. RuntimeError if that cannot be.

        `rehearsal` is `step` without a lasting effect. Neither gradients nor random numbers move.
        """
        ...

    def clear(self) -> None:
        """All replays are dropped: let go of their memory."""
        ...


class Recorder:
    """A runner that records what comes often: at most `most` steps, the least recent goes first.

    After a recording that failed everything runs unrecorded, and `tell(level, text)` hears why.
    """

    def __init__(
        self, tape: Tape, tell: Callable[[str, str], None], wait: int = _BEFORE_RECORDING,
        most: int = _MOST,
    ) -> None:  # fmt: skip
        self._tape, self._tell, self._wait, self._most = tape, tell, wait, most
        self._replays: OrderedDict[Hashable, Step] = OrderedDict()
        self._seen: Counter[Hashable] = Counter()
        self._failed = False

    def run(self, key: Hashable, step: Step, rehearsal: Step) -> None:
        """Replay, record and replay, or run `step` itself."""
        replay = self._replays.get(key)
        if replay is not None:
            self._replays.move_to_end(key)
        elif not self._failed and self._is_due(key):
            replay = self._recorded(key, step, rehearsal)
        (replay or step)()

    def forget(self) -> None:
        """Drop all recordings, and count afresh."""
        self._replays.clear()
        self._seen.clear()
        self._tape.clear()

    def _is_due(self, key: Hashable) -> bool:
        self._seen[key] += 1
        return self._seen[key] > self._wait

    def _recorded(self, key: Hashable, step: Step, rehearsal: Step) -> Step | None:
        if len(self._replays) >= self._most:
            oldest, _ = self._replays.popitem(last=False)
            del self._seen[oldest]
        try:
            replay = self._tape.record(step, rehearsal)
        except RuntimeError as error:
            self._failed = True
            self.forget()
            self._tell("warning", f"steps are not recorded as CUDA graphs: {_first_line(error)}")
            return None
        self._replays[key] = replay
        return replay


def _first_line(error: BaseException) -> str:
    """Of what went wrong first: ending a broken recording raises another error on top."""
    while error.__context__ is not None:
        error = error.__context__
    return (str(error) or type(error).__name__).splitlines()[0][:200]


class CudaTape:
    """Records CUDA graphs that share one memory pool.

    Sharing is safe in any order of replays, since no step leaves a result in the pool. The
    generator's seed and offset are read at every replay, as without a graph.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = torch.device("cuda", device.index or 0)
        self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, step: Step, rehearsal: Step) -> Step:
        """See Tape. As torch documents it: rehearsed on a side stream, then captured there."""
        state = torch.cuda.get_rng_state(self._device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.stream(torch.cuda.current_stream(self._device)):
            try:
                self._rehearse(rehearsal)
                with torch.cuda.graph(
                    graph, self._pool, self._stream, capture_error_mode="thread_local"
                ):
                    step()
            except RuntimeError:
                self._leave_capture()
                raise
            finally:
                torch.cuda.set_rng_state(state, self._device)
        return graph.replay

    def clear(self) -> None:
        """See Tape."""
        self._pool = torch.cuda.graph_pool_handle()

    def _rehearse(self, rehearsal: Step) -> None:
        """Once for what is made at first use, once more to find out whether it would wait."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            rehearsal()
            with _waiting_forbidden():
                rehearsal()
        current.wait_stream(self._stream)

    def _leave_capture(self) -> None:
        """A capture that broke off leaves the generator believing that it goes on."""
        generator = torch.cuda.default_generators[self._device.index]
        generator.graphsafe_set_state(generator.clone_state())


@contextmanager
def _waiting_forbidden() -> Iterator[None]:
    """Raise RuntimeError where an operation would wait for the device: it would break a capture."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)
