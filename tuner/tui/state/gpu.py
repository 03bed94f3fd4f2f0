"""What the GPU says of itself, through NVIDIA's management library, where there is one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from tuner.render.machine_reading import GpuReading

Library = Callable[[], Any]


def import_nvml() -> Any:
    """Import NVIDIA's management library; raises ImportError if it is not installed."""
    import pynvml  # from the package nvidia-ml-py

    return pynvml


class GpuReader:
    """Reads GPUs for as long as the app lives. Takes milliseconds: not for the UI thread."""

    def __init__(
        self, library: Library = import_nvml, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._library = library
        self._environment = environment
        self._nvml: Any = None
        self._is_absent = False

    def read_device(self, device: str = "cuda:0") -> GpuReading | None:
        """Read the GPU that torch calls `device`; None without a GPU, a driver or the library."""
        number = cuda_device_number(device)
        if number is None or not self._ensure_initialized():
            return None
        try:
            handle = self._device_handle(number)
            return GpuReading(
                name=_decode_gpu_name(self._nvml.nvmlDeviceGetName(handle)),
                number=number,
                **self._read_measurements(handle),
            )
        except self._nvml.NVMLError:
            return None

    def _ensure_initialized(self) -> bool:
        """Initialize the library once; do not retry after a failure."""
        if self._nvml is None and not self._is_absent:
            try:
                library = self._library()
                library.nvmlInit()
            except Exception:  # noqa: BLE001  # no package, no driver, a broken one: no GPU to show
                self._is_absent = True
            else:
                self._nvml = library
        return self._nvml is not None

    def _device_handle(self, number: int) -> Any:
        """Find the device by number or by name, as CUDA_VISIBLE_DEVICES makes torch count them."""
        visible = self._environment.get("CUDA_VISIBLE_DEVICES", "")
        visible_devices = [part.strip() for part in visible.split(",") if part.strip()]
        identifier = visible_devices[number] if number < len(visible_devices) else str(number)
        if identifier.isdecimal():
            return self._nvml.nvmlDeviceGetHandleByIndex(int(identifier))
        return self._nvml.nvmlDeviceGetHandleByUUID(identifier)

    def _read_measurements(self, handle: Any) -> dict[str, Any]:
        library = self._nvml
        load = self._query_or_none(library.nvmlDeviceGetUtilizationRates, handle)
        memory = self._query_or_none(library.nvmlDeviceGetMemoryInfo, handle)
        watts = self._query_or_none(library.nvmlDeviceGetPowerUsage, handle)
        return {
            "load": None if load is None else load.gpu / 100,
            "used": None if memory is None else int(memory.used),
            "total": None if memory is None else int(memory.total),
            "celsius": self._query_or_none(library.nvmlDeviceGetTemperature, handle, 0),
            "watts": None if watts is None else watts / 1000,
        }

    def _query_or_none(self, query: Callable[..., Any], *arguments: Any) -> Any:
        """Return the reply; None if this GPU does not support the query, as a MIG slice may not."""
        try:
            return query(*arguments)
        except self._nvml.NVMLError:
            return None


def cuda_device_number(device: str) -> int | None:
    """Return the number in "cuda:1", 0 for "cuda", None for other devices."""
    kind, _, number = device.partition(":")
    if kind != "cuda" or not (number or "0").isdecimal():
        return None
    return int(number or 0)


def is_this_host(host: str | None) -> bool:
    """Tell whether a worker on that host shares this machine's GPUs."""
    return host is not None and host == socket.gethostname()


def _decode_gpu_name(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name
