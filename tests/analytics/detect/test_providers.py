from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from analytics.detect.providers import SESSION_ERRORS, Session, open_session
from tests.analytics.detect.onnx_file import constant_model

DATA = constant_model([np.zeros((1, 2), np.float32)], shape=(1, 3, 2, 4))
PROBE: NDArray[np.float32] = np.zeros((1, 3, 2, 4), np.float32)
CPU = "CPUExecutionProvider"
OPENED = onnxruntime.InferenceSession


class Accelerated:
    """An onnxruntime built with accelerators: remembers how it was asked, then runs on the processor."""

    available: ClassVar[list[str]] = []
    error: ClassVar[Exception | None] = None
    left_out: ClassVar[bool] = False
    asked: ClassVar[list[tuple[list[Any], Any]]] = []

    def __init__(self, data: bytes, options: Any, *, providers: list[Any], enable_fallback: bool) -> None:
        assert not enable_fallback
        self.names = [name if isinstance(name, str) else name[0] for name in providers]
        self.asked.append((providers, options))
        if self.error is not None and self.names != [CPU]:
            raise self.error
        self.real = OPENED(data, options, providers=[CPU])

    def get_providers(self) -> list[str]:
        return [CPU] if self.left_out else self.names

    def get_inputs(self) -> Any:
        return self.real.get_inputs()

    def run(self, names: Any, inputs: Any) -> Any:
        return self.real.run(names, inputs)


@pytest.fixture
def accelerated(monkeypatch: pytest.MonkeyPatch) -> type[Accelerated]:
    class Fresh(Accelerated):
        asked: ClassVar[list[tuple[list[Any], Any]]] = []

    monkeypatch.setattr(onnxruntime, "InferenceSession", Fresh)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*Fresh.available, CPU])
    return Fresh


def opened(wanted: str) -> Session:
    return open_session(DATA, Path("models/m.onnx"), PROBE, wanted)


@pytest.mark.parametrize(
    ("wanted", "provider"),
    [
        ("cuda", "CUDAExecutionProvider"),
        ("tensorrt", "TensorrtExecutionProvider"),
        ("openvino", "OpenVINOExecutionProvider"),
        ("directml", "DmlExecutionProvider"),
    ],
)
def test_what_is_wanted_and_there_comes_first_and_the_processor_last(
    accelerated: type[Accelerated], wanted: str, provider: str
) -> None:
    accelerated.available = [provider]
    with capture_logs() as logs:
        session = opened(wanted)
    assert (session.provider, session.fallback, logs) == (wanted, None, [])
    ((chain, options),) = accelerated.asked
    names = [name if isinstance(name, str) else name[0] for name in chain]
    assert (names[0], names[-1]) == (provider, CPU)
    assert options.intra_op_num_threads == 1
    assert options.enable_mem_pattern == (wanted != "directml")


def test_tensorrt_keeps_its_engines_beside_the_model_and_leaves_the_rest_to_cuda(
    accelerated: type[Accelerated],
) -> None:
    accelerated.available = ["TensorrtExecutionProvider"]
    opened("tensorrt")
    ((chain, _),) = accelerated.asked
    assert chain[0][1] == {"trt_engine_cache_enable": "1", "trt_engine_cache_path": "models"}
    assert chain[1:] == ["CUDAExecutionProvider", CPU]


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ([], "cpu"),
        (["AzureExecutionProvider"], "cpu"),
        (["DmlExecutionProvider"], "directml"),
        (["DmlExecutionProvider", "OpenVINOExecutionProvider"], "openvino"),
        (["TensorrtExecutionProvider", "CUDAExecutionProvider"], "cuda"),
        (["TensorrtExecutionProvider"], "cpu"),
    ],
)
def test_auto_takes_what_there_is_and_nothing_is_no_fall_back(
    accelerated: type[Accelerated], available: list[str], expected: str
) -> None:
    accelerated.available = available
    with capture_logs() as logs:
        session = opened("auto")
    assert (session.provider, session.fallback, logs) == (expected, None, [])


@pytest.mark.parametrize("wanted", ["cuda", "tensorrt", "openvino", "directml"])
def test_an_onnxruntime_without_the_provider_falls_back_and_says_which_package_has_it(wanted: str) -> None:
    with capture_logs() as logs:
        session = opened(wanted)
    assert session.provider == "cpu"
    assert session.fallback is not None
    assert "offers no" in session.fallback.cause
    assert "onnxruntime-" in session.fallback.remedy
    ((entry),) = logs
    assert entry["log_level"] == "warning"
    assert (entry["wanted"], entry["cause"]) == (wanted, session.fallback.cause)


@pytest.mark.parametrize("error", [RuntimeError("CUDA failure 100: no device\ntrace"), SESSION_ERRORS[0]("no device")])
def test_a_provider_that_does_not_start_falls_back_with_its_cause(
    accelerated: type[Accelerated], error: Exception
) -> None:
    accelerated.available, accelerated.error = ["CUDAExecutionProvider"], error
    with capture_logs() as logs:
        session = opened("cuda")
    assert session.provider == "cpu"
    assert session.fallback is not None
    assert "no device" in session.fallback.cause
    assert "trace" not in session.fallback.cause
    assert [entry["log_level"] for entry in logs] == ["warning"]


def test_a_provider_that_onnxruntime_silently_leaves_out_is_a_fall_back_too(accelerated: type[Accelerated]) -> None:
    accelerated.available, accelerated.left_out = ["CUDAExecutionProvider"], True
    assert opened("cuda").fallback is not None


def test_a_model_that_the_accelerator_cannot_run_once_is_run_by_the_processor(
    accelerated: type[Accelerated], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_session: Accelerated, _names: Any, _inputs: Any) -> Any:
        raise SESSION_ERRORS[0]("out of memory")

    accelerated.available = ["CUDAExecutionProvider"]
    monkeypatch.setattr(accelerated, "run", fail)
    fallback = opened("cuda").fallback
    assert fallback is not None
    assert "out of memory" in fallback.cause


def test_what_the_processor_cannot_open_either_is_raised() -> None:
    with pytest.raises(SESSION_ERRORS):
        open_session(b"weights", Path("m.onnx"), PROBE, "cuda")
