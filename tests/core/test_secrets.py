from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.model import SecretRef
from core.clock import ManualClock, SystemClock
from core.errors import SecretError
from core.secrets import MAX_BYTES, SiteSecrets
from core.services import services_for

posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


def write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def refusal(tmp_path: Path, reference: object) -> SecretError:
    with pytest.raises(SecretError) as caught:
        SiteSecrets(tmp_path).resolve(reference)
    return caught.value


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b"hunter2\r", "hunter2\r"),
        (b" hunter 2 ", " hunter 2 "),
        ("é€".encode(), "é€"),
    ],
)
def test_a_secret_is_the_content_of_its_file_without_one_final_newline(
    tmp_path: Path, content: bytes, value: str
) -> None:
    write(tmp_path / "secrets" / "pw", content)
    assert SiteSecrets(tmp_path).resolve(SecretRef(secret="pw")) == value


def test_a_changed_secret_is_read_anew(tmp_path: Path) -> None:
    secrets = SiteSecrets(tmp_path)
    write(tmp_path / "secrets" / "pw", b"old")
    assert secrets.read("pw") == "old"
    write(tmp_path / "secrets" / "pw", b"new")
    assert secrets.read("pw") == "new"


@pytest.mark.parametrize("name", ["../pw", "a/b", "/etc/passwd", "..", ".", "", "a\\b", "C:pw", ".hidden", "a\n"])
def test_a_secret_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    write(tmp_path / "pw", b"outside")
    error = refusal(tmp_path, SecretRef(secret=name))
    assert "cannot be a file name" in str(error)


def test_an_absent_secret_says_which_file_to_write(tmp_path: Path) -> None:
    error = refusal(tmp_path, SecretRef(secret="pw"))
    assert "'pw' cannot be read: No such file" in str(error)
    assert str(tmp_path / "secrets" / "pw") in str(error)
    assert error.remedy.startswith("Write it to that file")


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_secret_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "secrets" / "pw", b"hunter2", mode)
    error = refusal(tmp_path, SecretRef(secret="pw"))
    assert "can be read by other accounts" in str(error)
    assert error.remedy == f"Run: chmod 600 {path}"


@posix_only
def test_a_secret_that_only_its_owner_may_read_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "secrets" / "pw", b"hunter2", 0o400)
    assert SiteSecrets(tmp_path).read("pw") == "hunter2"


def test_a_file_put_in_place_by_the_system_keeps_its_own_mode(tmp_path: Path) -> None:
    path = write(tmp_path / "run" / "pw", b"hunter2\n", 0o444)
    assert SiteSecrets(tmp_path).resolve(SecretRef(file=path)) == "hunter2"
    assert SiteSecrets(tmp_path).resolve(SecretRef(file=Path("run/pw"))) == "hunter2"


def test_an_environment_variable_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIE_TEST_PW", "hunter2")
    assert SiteSecrets(tmp_path).resolve(SecretRef(env="VIGIE_TEST_PW")) == "hunter2"


@pytest.mark.parametrize("value", [None, ""])
def test_an_absent_environment_variable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("VIGIE_TEST_PW", raising=False)
    if value is not None:
        monkeypatch.setenv("VIGIE_TEST_PW", value)
    error = refusal(tmp_path, SecretRef(env="VIGIE_TEST_PW"))
    assert error.line() == (
        "the environment variable VIGIE_TEST_PW is not set, or is empty. Set it for the account that runs Vigie."
    )


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"\n", "is empty"), (b"x" * (MAX_BYTES + 1), "is larger than 64 KiB")]
)
def test_a_file_that_cannot_be_a_secret_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    write(tmp_path / "secrets" / "pw", content)
    assert message in str(refusal(tmp_path, SecretRef(secret="pw")))


def test_no_error_carries_the_secret(tmp_path: Path) -> None:
    write(tmp_path / "secrets" / "pw", b"hunter2\xff")
    error = refusal(tmp_path, SecretRef(secret="pw"))
    assert "is not UTF-8 text" in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_secret_given_as_text_is_refused_without_repeating_it(tmp_path: Path) -> None:
    assert str(refusal(tmp_path, "hunter2")) == "a secret is named by a SecretRef, not by str"


def test_services_resolve_secrets_beside_the_site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "secrets" / "pw", b"hunter2")
    monkeypatch.chdir(tmp_path)
    services = services_for(Path("site.yaml"))
    monkeypatch.chdir(tmp_path.parent)
    assert services.secrets(SecretRef(secret="pw")) == "hunter2"
    assert services.site_dir == tmp_path.resolve()
    assert isinstance(services.clock, SystemClock)


def test_services_take_another_clock(tmp_path: Path) -> None:
    clock = ManualClock()
    assert services_for(tmp_path / "site.yaml", clock).clock is clock
