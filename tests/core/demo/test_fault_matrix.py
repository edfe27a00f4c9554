from __future__ import annotations

from pathlib import Path

import pytest

from connectors.protocols.scene import write_scene
from core.demo import fault_matrix
from core.demo.fault_cells import TRANSPORTS, Cell, cells
from core.demo.fault_matrix import CellResult, CycleResult, running
from core.demo.footprint import Footprint
from core.demo.simulators import SimulatorProcess
from core.types import CameraFault

OF_EVERY_STREAM = {
    CameraFault.UNREACHABLE,
    CameraFault.TIMED_OUT,
    CameraFault.ENDED,
    CameraFault.REFUSED,
    CameraFault.AUTHENTICATION,
    CameraFault.CORRUPT,
    CameraFault.CODEC_CHANGED,
    CameraFault.RESOLUTION_CHANGED,
    CameraFault.CLOCK_JUMPED,
    CameraFault.FROZEN,
    CameraFault.BLACK,
}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_fault_befalls_every_transport_that_can_have_it(transport: str) -> None:
    faults = [cell.fault for cell in cells(transport)]
    silent = CameraFault.MULTICAST_LOST if "multicast" in transport else CameraFault.STALLED
    tls = {CameraFault.TLS} if TRANSPORTS[transport].has_tls else set()
    assert set(faults) == OF_EVERY_STREAM | {silent} | tls
    assert len(faults) == len(set(faults))


def nothing(_simulator: SimulatorProcess) -> None: ...


def result(fault: CameraFault, detected_s: float | None, recovered_s: float | None) -> CellResult:
    cell = Cell(transport="rtsps", fault=fault, begin=nothing, end=nothing)
    return CellResult(cell=cell, seen=[fault], detected_s=detected_s, recovered_s=recovered_s)


@pytest.mark.parametrize(
    ("fault", "detected_s", "recovered_s", "is_good"),
    [
        (CameraFault.STALLED, 4.9, 2.9, True),
        (CameraFault.STALLED, 5.1, 2.9, False),
        (CameraFault.STALLED, 4.9, 3.1, False),
        (CameraFault.STALLED, None, 0.1, False),
        (CameraFault.STALLED, 0.1, None, False),
        (CameraFault.AUTHENTICATION, 0.1, 61.0, True),
        (CameraFault.FROZEN, 61.0, 0.1, False),
    ],
)
def test_a_fault_is_to_be_known_and_mended_within_its_limits(
    fault: CameraFault, detected_s: float | None, recovered_s: float | None, is_good: bool
) -> None:
    found = result(fault, detected_s, recovered_s)
    assert found.is_good is is_good
    assert found.as_json()["good"] is is_good


@pytest.mark.parametrize(
    ("failed", "threads", "handles", "rss_mib", "is_good"),
    [(0, 0, 0, 1.0, True), (1, 0, 0, 0.0, False), (0, 9, 0, 0.0, False), (0, 0, 9, 0.0, False), (0, 0, 0, 50.0, False)],
)
def test_rounds_are_good_when_all_ended_well_and_nothing_grows(
    failed: int, threads: int, handles: int, rss_mib: float, is_good: bool
) -> None:
    mark = Footprint(threads=threads, handles=handles, rss_mib=rss_mib)
    found = CycleResult(
        transport="rtsps",
        faults=[CameraFault.ENDED],
        cycles=200,
        failed=failed,
        start=mark,
        end=mark,
        grown=mark,
    )
    assert found.is_good is is_good
    assert found.as_json()["good"] is is_good


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "gate.mp4"
    write_scene(path, seconds=4.0, fps=12.5, size=(352, 288))
    return path


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_matrix, "_CALM_S", 1.0)
    monkeypatch.setattr(fault_matrix, "_LASTS_S", 0.2)


@pytest.mark.slow
@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize(
    ("transport", "faults"),
    [
        ("rtsp-tcp", {CameraFault.ENDED, CameraFault.CORRUPT}),
        ("imageserver", {CameraFault.STALLED}),
    ],
)
def test_faults_of_a_real_stream_are_known_and_mended_in_time(
    transport: str, faults: set[CameraFault], video: Path, tmp_path: Path
) -> None:
    chosen = [cell for cell in cells(transport) if cell.fault in faults]
    with running(transport, tmp_path / "bench", ["--video", str(video)]) as matrix:
        found = [matrix.measured(cell) for cell in chosen]
    assert [(one.cell.fault, one.seen) for one in found if not one.is_good] == []
