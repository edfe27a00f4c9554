"""Drives ``milestonexprotectrestpython`` and prints what it read as JSON. Runs in the environment of that package only."""

from __future__ import annotations

import importlib
import json
import sys

_LISTS = (
    "GetSites",
    "GetRecordingServers",
    "GetHardware",
    "GetCameras",
    "GetMetadatas",
    "GetAnalyticsEvents",
    "GetUserDefinedEvents",
    "GetEventTypeGroups",
    "GetEventTypes",
    "GetStateGroups",
    "GetCameraGroups",
    "GetLicenseInformations",
    "GetMicrophones",
    "GetOutputs",
)


def main() -> None:
    """Arguments: gateway, basic or windows, user, password."""
    url, kind, user, password = sys.argv[1:5]
    service = importlib.import_module("milestonexprotectrestpython.xprrestservice").XPRRestService()
    service.IsSslVerifyEnabled = False
    service.ApiGatewayUrlPrefix = url
    login = (service.LoginBasicUser if kind == "basic" else service.LoginWindowsUser)(user, password)
    told = {name: [item.DisplayName for item in getattr(service, name)()] for name in _LISTS}
    camera = service.GetCameras(includeDisabled=False)[0]
    streams = [stream.StreamReferenceId for stream in service.GetCameraStreams(camera.Id)]
    sys.stdout.write(json.dumps({**told, "scope": login.Scope, "camera": camera.Id, "streams": streams}))


if __name__ == "__main__":
    main()
