"""What runs a model: the processor, or an accelerator through one of onnxruntime's execution providers.

Names of providers and of their options are onnxruntime's (its execution provider pages). The mapping and every way
back to the processor are tested; **no accelerator was at hand: running on one is unverified**.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnxruntime
import structlog
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from core.redaction import redact

CPU: Final = "cpu"
AUTO: Final = "auto"
_CPU_PROVIDER: Final = "CPUExecutionProvider"
_PROVIDERS: Final[Mapping[str, str]] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "directml": "DmlExecutionProvider",
}
_PREFERRED: Final = ("cuda", "openvino", "directml")
"""In the order in which ``auto`` tries them. Not TensorRT: it builds an engine for minutes when it first meets a model."""
_PACKAGES: Final[Mapping[str, str]] = {
    "tensorrt": "onnxruntime-gpu",
    "cuda": "onnxruntime-gpu",
    "openvino": "onnxruntime-openvino",
    "directml": "onnxruntime-directml",
}
ERRORS_ONLY: Final = 3
SESSION_ERRORS: Final = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NotFound,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What onnxruntime raises for a model or a provider that it cannot use; no base class is theirs alone."""

_log = structlog.get_logger(component="analysis")


class Fallback(NamedTuple):
    """Why the processor runs a model that an accelerator should."""

    cause: str
    remedy: str


class Session(NamedTuple):
    """An open model and what runs it."""

    session: onnxruntime.InferenceSession
    provider: str
    """As in the settings, never ``auto``."""
    fallback: Fallback | None


def open_session(data: bytes, path: Path, probe: NDArray[np.float32], wanted: str = CPU) -> Session:
    """Opens a model on the provider wanted; on the processor where that cannot be had, which is logged with its cause.

    ``probe``: an input that fits the model. An accelerator must run it once, or it does not count as one.

    Raises one of ``SESSION_ERRORS`` where the processor cannot run the model either.
    """
    available = onnxruntime.get_available_providers()
    if wanted == AUTO:
        wanted = next((name for name in _PREFERRED if _PROVIDERS[name] in available), CPU)
    if wanted == CPU:
        return Session(_opened(data, path, CPU), CPU, None)
    if _PROVIDERS[wanted] not in available:
        fallback = Fallback(
            f"the onnxruntime installed offers no {_PROVIDERS[wanted]}",
            f"Install {_PACKAGES[wanted]} instead of onnxruntime (docs/dependencies.md), or set analysis.provider: cpu.",
        )
        return _on_processor(data, path, wanted, fallback)
    try:
        session = _opened(data, path, wanted)
        session.run(None, {session.get_inputs()[0].name: probe})
    except (*SESSION_ERRORS, RuntimeError) as error:  # the latter where a provider's own library throws
        return _on_processor(data, path, wanted, _broken(wanted, first_line(error)))
    if _PROVIDERS[wanted] not in session.get_providers():  # its libraries did not load, which onnxruntime only logs
        return _on_processor(data, path, wanted, _broken(wanted, "onnxruntime left it out"))
    return Session(session, wanted, None)


def first_line(error: Exception) -> str:
    """What onnxruntime says, without its trace."""
    return redact((str(error).strip() or type(error).__name__).splitlines()[0])


def _broken(wanted: str, cause: str) -> Fallback:
    return Fallback(
        f"{_PROVIDERS[wanted]} does not start: {cause}",
        "Check the driver and the libraries that it needs (docs/models.md), or set analysis.provider: cpu.",
    )


def _on_processor(data: bytes, path: Path, wanted: str, fallback: Fallback) -> Session:
    session = _opened(data, path, CPU)
    _log.warning(
        "the processor runs the model instead of the accelerator wanted",
        model=str(path),
        wanted=wanted,
        cause=fallback.cause,
        remedy=fallback.remedy,
    )
    return Session(session, CPU, fallback)


def _opened(data: bytes, path: Path, name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One thread: a worker process has one session, and there is one worker for each core.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if name == "directml":  # its page: neither memory patterns nor parallel execution
        options.enable_mem_pattern = False
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return onnxruntime.InferenceSession(data, options, providers=_chain(name, path), enable_fallback=False)


def _chain(name: str, path: Path) -> Sequence[str | tuple[str, Mapping[str, str]]]:
    """Providers in the order in which they take what they can of the model."""
    if name == CPU:
        return [_CPU_PROVIDER]
    if name == "tensorrt":
        cache = {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(path.parent)}
        return [(_PROVIDERS[name], cache), _PROVIDERS["cuda"], _CPU_PROVIDER]
    return [_PROVIDERS[name], _CPU_PROVIDER]
