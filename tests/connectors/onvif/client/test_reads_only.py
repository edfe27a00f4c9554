"""No PTZ call, and none that changes a camera, exists in the client: by its code and by its WSDLs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from lxml import etree

from connectors.onvif.client.soap import WSDL_FOLDER

ONVIF = Path(__file__).parents[4] / "connectors" / "onvif"
MODULES = sorted(path for room in ("client", "control", "video", "check") for path in (ONVIF / room).rglob("*.py"))
WSDLS = sorted(WSDL_FOLDER.iterdir())

READS = {
    "GetSystemDateAndTime",
    "GetServices",
    "GetCapabilities",
    "GetDeviceInformation",
    "GetProfiles",
    "GetStreamUri",
    "GetSnapshotUri",
}
OF_THE_SUBSCRIPTION = {
    "GetEventProperties",
    "CreatePullPointSubscription",
    "PullMessages",
    "SetSynchronizationPoint",
    "Renew",
    "Unsubscribe",
}
"""They change nothing but our own subscription: SetSynchronizationPoint asks that present states be told."""

CHANGES = re.compile(
    r"^(Set|Add|Remove|Delete|Modify|Start|Stop|System|Absolute|Relative|Continuous|Goto|Restore|Upgrade|Load|Create|"
    r"Send|Move|Scan)[A-Z][A-Za-z0-9]+$"
)


def operations(path: Path) -> set[str]:
    return {str(item.get("name")) for item in etree.parse(path).iter("{http://schemas.xmlsoap.org/wsdl/}operation")}


def words(path: Path) -> set[str]:
    """Every text in the code, docstrings left out, and every attribute that is called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    called = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    tagged = {text.rpartition("}")[2] for text in texts}
    return tagged | called


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 10
    assert [path.name for path in WSDLS] == ["device.wsdl", "media.wsdl", "media2.wsdl", "schema.xsd"]


def test_the_wsdls_have_reading_operations_only() -> None:
    assert set().union(*(operations(path) for path in WSDLS)) == READS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_module_names_an_operation_that_changes_anything(path: Path) -> None:
    assert not {word for word in words(path) if CHANGES.match(word)} - OF_THE_SUBSCRIPTION


@pytest.mark.parametrize("path", [*MODULES, *WSDLS], ids=lambda path: f"{path.parent.name}-{path.name}")
def test_pan_tilt_zoom_is_not_even_mentioned(path: Path) -> None:
    assert not re.search(r"ptz|pan.?tilt", path.read_text(encoding="utf-8"), re.IGNORECASE)


def test_no_connector_knows_the_service_that_moves_cameras() -> None:
    connectors = [path for path in ONVIF.parent.rglob("*.py") if "simulator" not in path.parts]
    assert len(connectors) > 100
    moves = re.compile(r"ver20/ptz|ContinuousMove|AbsoluteMove|RelativeMove|GotoPreset|GotoHome")
    assert [str(path) for path in connectors if moves.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("path", WSDLS, ids=lambda path: path.name)
def test_what_the_wsdls_import_is_beside_them(path: Path) -> None:
    places = [item.get("schemaLocation") or item.get("location") for item in etree.parse(path).iter("{*}import")]
    assert set(places) <= {"schema.xsd"}
