from __future__ import annotations

import platform
import uuid

from connectors.onvif.device.identity import identity_of
from tests.connectors.onvif.device.soap_support import settings


def test_the_identity_is_the_same_after_every_restart() -> None:
    assert identity_of(settings(), host="machine") == identity_of(settings(), host="MACHINE")
    assert identity_of(settings()) == identity_of(settings(), host=platform.node())


def test_two_machines_and_two_vms_are_two_devices() -> None:
    one = identity_of(settings(), host="machine")
    others = [
        identity_of(settings(), host="another"),
        identity_of(settings().model_copy(update={"id": "second"}), host="machine"),
    ]
    assert len({one.mac, *(other.mac for other in others)}) == 3
    assert len({one.serial, *(other.serial for other in others)}) == 3


def test_the_mac_is_locally_administered_and_no_hardware_s() -> None:
    mac = identity_of(settings()).mac
    first = int(mac[:2], 16)
    assert (first & 0b10, first & 0b01) == (0b10, 0)
    assert len(mac) == 17
    assert mac.replace(":", "") != f"{uuid.getnode():012x}"


def test_people_read_the_name_that_they_gave() -> None:
    assert identity_of(settings(), name="Gare centrale").name == "Gare centrale"
    assert identity_of(settings()).name == "Vigie bridge"
