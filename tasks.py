"""Every task of this repository, on a machine that has only Python 3.11 or newer.

    python tasks.py demo [-- ARGUMENTS OF vigie demo]
    python tasks.py test [--quick] [-- ARGUMENTS OF pytest]
    python tasks.py lint            ruff, mypy, import rules
    python tasks.py check           lint, then test
    python tasks.py format          let ruff mend what it can
    python tasks.py system-packages what apt may bring for optional tests

Each makes the virtual environment it needs (.venv) and installs what changed. Standard library only, so that it runs
before anything is installed; the same on Windows and Linux.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)

SYSTEM_PACKAGES = {
    "postgresql": "the store's tests on a real PostgreSQL",
    "ffmpeg": "an independent RTSP client for the tests of our RTSP server",
    "gstreamer1.0-tools": "another one, which reads the metadata track",
    "gstreamer1.0-plugins-base": "its parts",
    "gstreamer1.0-plugins-good": "its RTSP client",
    "iproute2": "network namespaces for the tests of multicast",
    "mosquitto": "a real MQTT broker for the tests of ONVIF's JSON events",
    "mosquitto-clients": "its command-line clients",
    "mono-mcs": "compiles the stub of Genetec's SDK for the tests of the SDK bridge",
    "mono-devel": "runs that stub on Mono too",
}
"""Debian packages that optional tests use; without them those tests are skipped and say so."""

SOURCES = ["analytics", "config", "connectors", "console", "core", "tests", "tasks.py"]
QUICK = ["-m", "not slow"]
PARALLEL = ["-n", "2"]


def environment_python() -> Path:
    """The interpreter of the virtual environment."""
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return ENVIRONMENT / folder / name


def prepare(extras: str) -> Path:
    """Makes the environment and installs the project with these extras, when anything changed since the last time."""
    python = environment_python()
    if not python.exists():
        make_environment()
    stamp = ENVIRONMENT / f"installed-{extras or 'run'}"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
        target = f"{ROOT}[{extras}]" if extras else str(ROOT)
        print(f"tasks: installing Vigie{f' with {extras}' if extras else ''} into .venv", file=sys.stderr)
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", target)
        stamp.write_text(wanted, encoding="ascii")
    return python


def make_environment() -> None:
    """Makes .venv, or leaves nothing behind: half of one would be taken for whole the next time."""
    print("tasks: making .venv", file=sys.stderr)
    try:
        venv.create(ENVIRONMENT, with_pip=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise SystemExit(
            f"tasks: this Python cannot make a virtual environment with pip ({error}). "
            "Install its venv package (Debian and Ubuntu: apt install python3-venv)."
        ) from None
    except BaseException:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise


def run(*command: str | Path) -> None:
    """Runs and ends the task with the command's own exit code when it fails."""
    code = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if code:
        raise SystemExit(code)


def demo(arguments: list[str]) -> None:
    """The main job, on two simulated VMS."""
    run(prepare(""), "-m", "core.cli.main", "demo", *arguments)


def test(arguments: list[str], *, quick: bool) -> None:
    """The tests, all or the quick subset."""
    run(prepare("dev"), "-m", "pytest", *PARALLEL, *(QUICK if quick else []), *arguments)


def lint() -> None:
    """Style, types and the table of rooms."""
    python = prepare("dev")
    run(python, "-m", "ruff", "format", "--check", *SOURCES)
    run(python, "-m", "ruff", "check", *SOURCES)
    run(python, "-m", "mypy")
    run(python, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")


def mend() -> None:
    """Formats, and fixes what ruff can fix."""
    python = prepare("dev")
    run(python, "-m", "ruff", "check", "--fix", *SOURCES)
    run(python, "-m", "ruff", "format", *SOURCES)


def system_packages() -> None:
    """Names on standard output, reasons on standard error, so that a script may take the names."""
    for name, reason in SYSTEM_PACKAGES.items():
        print(f"{name}: {reason}", file=sys.stderr)
    print(" ".join(SYSTEM_PACKAGES))


def main() -> None:
    """Reads the command line and runs one task."""
    if sys.version_info < OLDEST_PYTHON:
        raise SystemExit(f"tasks: Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed, this is {sys.version}")
    own, _, passed_on = _split(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["demo", "test", "lint", "check", "format", "system-packages"])
    parser.add_argument(
        "--quick", action="store_true", help="test: leave out what takes long: about a minute on two cores"
    )
    arguments = parser.parse_args(own)
    if arguments.task == "demo":
        demo(passed_on)
    elif arguments.task == "system-packages":
        system_packages()
    elif arguments.task == "format":
        mend()
    if arguments.task in {"lint", "check"}:
        lint()
    if arguments.task in {"test", "check"}:
        test(passed_on, quick=arguments.quick)


def _split(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    if "--" not in arguments:
        return arguments, "", []
    at = arguments.index("--")
    return arguments[:at], "--", arguments[at + 1 :]


if __name__ == "__main__":
    main()
