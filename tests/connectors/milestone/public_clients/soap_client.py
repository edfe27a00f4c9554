"""Drives ``milestonexprotectwspython`` and prints what it read as JSON. Runs in the environment of that package only.

Left out: ``RegisterIntegration``, in whose answer the package looks for the result of another operation; and handing a
login from one service to the next, which its constructors refuse. Both are so with any server. Recorders it asks for
Windows users only, and live pictures of 100 pixels at least.
"""

from __future__ import annotations

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any


def _service(name: str, url: str, kind: str, user: str, password: str) -> Any:
    module = importlib.import_module(f"milestonexprotectwspython.{name.lower()}")
    service = getattr(module, name)()
    service.IsSslVerifyEnabled = False
    service.ManagementServerUrlPrefix = url
    service.ServerApiUrlPrefix = url
    log_in = service.LoginBasicUser if kind == "basic" else service.LoginWindowsUser
    log_in(user, password)
    return service


def _management(service: Any) -> dict[str, Any]:
    product = service.GetProductInfo()
    configuration = service.GetConfiguration()
    recorder = configuration.Recorders[0]
    camera = recorder.Cameras[0]
    return {
        "token": service.LoginInfo.Token,
        "version": [product.MajorVersion, product.MinorVersion],
        "recorder": recorder.WebServerUri,
        "camera": [camera.DeviceId, camera.Name, camera.CameraSecurity.Live],
        "options": {option.Key: option.Value for option in configuration.ServerOptions},
        "hardware": [item.Uri for item in service.GetConfigurationHardware([recorder.Hardware[0].HardwareId])],
        "recorders": [item.Name for item in service.GetConfigurationRecorders([recorder.RecorderId])],
        "queried": service.QueryRecorderInfo(recorder.RecorderId).Name,
        "disabled": [item.DeviceName for item in service.GetDevicesDisabled()],
    }


def _recorder(service: Any, camera: str) -> dict[str, Any]:
    now, minute = datetime.now(UTC).replace(tzinfo=None), timedelta(seconds=60)
    live = service.JPEGGetLive(camera, 100, 100)
    kinds = {kind.Name: kind.Id for kind in service.SequencesGetTypes(camera)}
    recording = kinds["RecordingWithTriggerSequence"]
    listed = service.SequencesGet(camera, recording, now - minute, now + minute, 10)
    at = listed[0].TimeBegin + timedelta(seconds=4.5)
    images = [getattr(service, name)(camera, at) for name in ("JPEGGetAt", "JPEGGetAtOrBefore", "JPEGGetAtOrAfter")]
    found = [
        listed,
        service.SequencesGetAround(camera, recording, at, 5, 5),
        service.SequencesGetAroundWithSpan(camera, recording, at, 60_000_000, 5, 60_000_000, 5),
    ]
    service.StartManualRecording([camera])
    is_manual = service.IsManualRecording([camera])[0].IsManualRecording
    service.StopManualRecording([camera])
    return {
        "live": bytes(live.Data[:3]).hex(),
        "asked": at.isoformat(),
        "images": [[image.Time.isoformat(), bytes(image.Data[:3]).hex()] for image in images],
        "sequences": [[(entry.TimeEnd - entry.TimeBegin).total_seconds() for entry in entries] for entries in found],
        "manual": [is_manual, service.IsManualRecording([camera])[0].IsManualRecording],
    }


def main() -> None:
    """Arguments: management server, basic or windows, user, password. The recorder only for Windows users."""
    account = tuple(sys.argv[1:5])
    told = _management(_service("XPWServerCommandService", *account))
    registration = _service("XPWServiceRegistrationService", *account)
    told["services"] = {service.Name: [*service.Uri] for service in registration.GetServices()}
    if sys.argv[2] == "windows":
        recorder = _service("XPWRecorderCommandService", *account)
        recorder.RecordingServerUrlPrefix = told["recorder"].rstrip("/")
        told |= _recorder(recorder, told["camera"][0])
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
