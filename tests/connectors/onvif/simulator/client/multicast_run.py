"""Our device in one network namespace, a driver in another: what a reader on the device's own machine cannot do.

``unshare -rn python -m tests.connectors.onvif.simulator.client.multicast_run`` prints the driver's report.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from connectors.protocols.scene import write_scene
from tests.connectors.onvif.simulator.client.test_against_our_device import running

HERE, THERE = "10.98.76.1", "10.98.76.2"
CHECK = (
    "import sys; from connectors.onvif.simulator.client.command import COMMAND; import argparse;"
    "sys.stdin.readline(); p = argparse.ArgumentParser(); COMMAND.configure(p);"
    "sys.exit(COMMAND.run(p.parse_args(sys.argv[1:])))"
)


def _ip(*words: str, inside: int | None = None) -> None:
    prefix = ["nsenter", "--net", "--target", str(inside)] if inside else []
    subprocess.run([*prefix, "ip", *words], check=True, timeout=10)


def main() -> int:
    """Runs in a namespace of its own; returns the driver's exit code."""
    _ip("link", "set", "lo", "up")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scene(folder / "scene.mp4", seconds=1.0, fps=12.5, size=(160, 90))
        more = {"rtsp": f"{HERE}:8554", "multicast": {"address": "239.98.76.0"}}
        url = f"http://{HERE}:8443"
        arguments = ["--url", url, "--password", "secret", "--check", "--seconds", "10", "--role", "xprotect"]
        command = ["unshare", "-n", sys.executable, "-c", CHECK, *arguments, "--stream-method", "multicast", "--json"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as driver:
            _ip("link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(driver.pid))
            for words in (("addr", "add", f"{HERE}/24", "dev", "here"), ("link", "set", "here", "up")):
                _ip(*words)
            _ip("route", "add", "239.0.0.0/8", "dev", "here")
            for words in (
                ("addr", "add", f"{THERE}/24", "dev", "there"),
                ("link", "set", "there", "up"),
                ("route", "add", "239.0.0.0/8", "dev", "there"),
            ):
                _ip(*words, inside=driver.pid)
            with running(folder, folder / "scene.mp4", HERE, port=8443, **more):
                driver.communicate("go\n", timeout=40)
            return driver.returncode


if __name__ == "__main__":
    sys.exit(main())
