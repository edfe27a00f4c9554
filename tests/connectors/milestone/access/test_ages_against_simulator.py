"""Session, routes and inventory against the simulator in every age, for every way of logging in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.access.soap import Bookmark, EvidenceLock
from connectors.milestone.access.tokens import Grant
from connectors.milestone.inventory.inventory import Inventory
from core.clock import SystemClock
from core.errors import AuthenticationRefused, NotFoundInVms, VmsRefused, VmsUnavailable
from tests.connectors.milestone.simulator.running import PASSWORD, Running
from tests.connectors.milestone.sites import running_site, services_for, settings_for, write_clip
from tests.connectors.milestone.support import WAIT_S

pytestmark = pytest.mark.slow

WINDOWS = "SITE\\vigie"
LOGINS: dict[str, dict[str, str]] = {
    "basic": {"login": "basic"},
    "windows": {"login": "windows", "username": WINDOWS},
    "client": {"login": "client", "username": "app"},
}
SECRETS = {"basic": PASSWORD, "windows": PASSWORD, "client": "s3cret"}
ACCOUNTS = ("--windows-user", WINDOWS, "--windows-password", PASSWORD, "--client", "app=s3cret")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("videos"))


@contextmanager
def aged(clip: Path, release: str, *options: str) -> Iterator[Running]:
    with running_site(clip, "--release", release, "--user-defined-event", "Vigie alert", *ACCOUNTS, *options) as site:
        yield site


@contextmanager
def logged_in(site: Running, *, password: str = PASSWORD, **changes: Any) -> Iterator[XProtectSession]:
    session = XProtectSession(settings_for(site, **changes), services_for(password))
    try:
        yield session
    finally:
        session.close()


@pytest.mark.parametrize(
    ("release", "routes"),
    [
        ("2020R1", ("soap", "soap", "soap", False, False)),
        ("2021R1", ("soap", "soap", "soap", False, False)),
        ("2022R1", ("rest", "soap", "soap", False, False)),
        ("2022R2", ("rest", "soap", "soap", False, False)),
        ("2023R2", ("rest", "rest", "soap", True, False)),
        ("2023R3", ("rest", "rest", "soap", True, True)),
        ("2024R1", ("rest", "rest", "soap", True, True)),
        ("2024R2", ("rest", "rest", "rest", True, True)),
        ("2025R2", ("rest", "rest", "rest", True, True)),
    ],
)
def test_every_age_has_its_routes_and_shows_its_cameras(clip: Path, release: str, routes: tuple[object, ...]) -> None:
    with aged(clip, release, "--disabled-camera", "Spare") as site, logged_in(site) as session:
        taken = session.routes
        assert routes == (
            taken.config(),
            taken.alarms(),
            taken.bookmarks(),
            taken.has_events_rest(),
            taken.has_events_websocket(),
        )
        assert taken.version()[:2] == (int(release[2:4]), int(release[5]))
        inventory = Inventory(session, SystemClock())
        enabled = {camera.name: camera.is_enabled for camera in inventory.cameras()}
        assert enabled["gate"]
        assert not enabled.get("Spare"), "disabled, or not shown at all by SOAP"
        assert inventory.camera(site.camera).recorder.url == site.announced.extra["recorder"]
        assert "Vigie alert" in inventory.user_defined_events().values()
        assert "Vigie" in inventory.analytics_event_ids().values()
        assert inventory.product().version == session.routes.version()[:2]
        assert inventory.server_options()["Bookmark"] == "True"


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("release", ["2020R1", "2021R1", "2023R3", "2025R2"])
def test_every_kind_of_account_gets_both_tokens_where_the_age_has_them(clip: Path, release: str, login: str) -> None:
    with (
        aged(clip, release) as site,
        logged_in(site, password=SECRETS[login], **LOGINS[login]) as session,
    ):
        if (release, login) == ("2020R1", "client"):
            with pytest.raises(VmsRefused, match="before 2021 R1"):
                session.corporate.get()
            return
        assert session.corporate.get().startswith("TOKEN#")
        assert Inventory(session, SystemClock()).camera(site.camera).device == site.camera
        if release != "2020R1":
            assert session.bearer.get()


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("release", ["2020R1", "2025R2"])
def test_a_wrong_password_is_refused_with_the_remedy_of_its_kind(clip: Path, release: str, login: str) -> None:
    if (release, login) == ("2020R1", "client"):
        pytest.skip("OAuth clients are since 2021 R1")
    with aged(clip, release) as site, logged_in(site, password="wrong", **LOGINS[login]) as session:
        with pytest.raises(AuthenticationRefused) as caught:
            session.corporate.get()
        expected = {"basic": "Basic Users", "windows": "DOMAIN", "client": "client id"}[login]
        assert expected in caught.value.remedy


@pytest.mark.parametrize(
    ("order", "words", "remedy"),
    [
        ("LockedOut", "the account is locked", "clear its lockout"),
        ("ChangePassword", "choose a new password", "choose a new one"),
    ],
)
def test_accounts_that_are_locked_or_must_change_their_password_are_told_apart(
    clip: Path, order: str, words: str, remedy: str
) -> None:
    with aged(clip, "2025R2") as site, logged_in(site) as session:
        site.order("idp", order, repeat=True)
        with pytest.raises(AuthenticationRefused, match=words) as caught:
            session.bearer.get()
        assert remedy in caught.value.remedy


def test_while_the_gateway_recycles_the_last_known_inventory_serves(clip: Path) -> None:
    with aged(clip, "2025R2") as site, logged_in(site) as session:
        inventory = Inventory(session, SystemClock())
        inventory.refresh()
        known = inventory.camera(site.camera)
        site.order("html-error", "503", repeat=True)
        inventory.forget(site.camera)
        assert inventory.camera(site.camera) == known
        with pytest.raises(VmsUnavailable):
            inventory.refresh()
        assert [camera.device for camera in inventory.cameras()] == [site.camera]


@pytest.mark.parametrize("release", ["2021R1", "2025R2"])
def test_a_site_of_2600_cameras_is_known_after_one_pass(clip: Path, release: str) -> None:
    with aged(clip, release, "--cameras", "2600") as site, logged_in(site) as session:
        inventory = Inventory(session, SystemClock())
        inventory.camera(site.camera)
        listed = inventory.cameras()
        assert len(listed) == 2600
        assert all(inventory.remembered(camera.device) for camera in listed)


def test_a_401_without_reason_is_answered_by_a_new_token(clip: Path) -> None:
    with aged(clip, "2025R2") as site, logged_in(site) as session:
        token = session.bearer.get()
        site.order("unauthorized", "now")
        assert session.rest("GET", "/sites", what="sites").status_code == 200
        assert session.bearer.get() != token


def test_an_unknown_camera_is_not_found_in_soap_ages_either(clip: Path) -> None:
    with aged(clip, "2021R1") as site, logged_in(site) as session, pytest.raises(NotFoundInVms):
        Inventory(session, SystemClock()).camera("99999999-9999-4999-8999-999999999999")


def test_the_older_windows_service_takes_bookmarks(clip: Path) -> None:
    with aged(clip, "2020R1") as site, logged_in(site, **LOGINS["windows"]) as session:
        now = time.time()
        bookmark = Bookmark(
            device=site.camera, begin=now - 5, triggered=now, end=now + 5, header="NTLM", description="vigie:ntlm"
        )
        made = session.with_corporate_token(lambda commands, token: commands.create_bookmark(token, bookmark))
        found = session.with_corporate_token(
            lambda commands, token: commands.search_bookmarks(token, site.camera, now - 60, now + 60, "vigie:ntlm")
        )
        assert list(found) == [made]


@pytest.mark.parametrize(("release", "login"), [("2020R1", "windows"), ("2020R1", "basic"), ("2024R1", "basic")])
def test_events_and_evidence_locks_by_soap_arrive_once(clip: Path, release: str, login: str) -> None:
    with aged(clip, release) as site, logged_in(site, **LOGINS[login]) as session:
        event_id = next(
            event_id
            for event_id, name in Inventory(session, SystemClock()).user_defined_events().items()
            if name == "Vigie alert"
        )
        session.with_corporate_token(lambda commands, token: commands.trigger_event(token, event_id))
        assert len(site.ledger("event")) == 1
        now = time.time()
        lock = EvidenceLock(
            device=site.camera,
            begin=now - 10,
            tagged=now - 5,
            end=now,
            header="Alert",
            description="person vigie:lock",
            retention_days=30,
            lock_id="0d4a7c52-7d0b-4f0e-9a61-2d1f9f0a55bb",
        )
        made = session.with_corporate_token(lambda commands, token: commands.create_evidence_lock(token, lock))
        assert made == lock.lock_id
        found = session.with_corporate_token(
            lambda commands, token: commands.find_evidence_locks(token, site.camera, now - 60, now + 60, "")
        )
        assert found == {made: "Alert\nperson vigie:lock"}
        assert len(site.ledger("evidence_lock")) == 1


def test_evidence_locks_are_refused_below_corporate(clip: Path) -> None:
    with aged(clip, "2024R1", "--edition", "Expert") as site, logged_in(site) as session:
        now = time.time()
        lock = EvidenceLock(
            device=site.camera, begin=now, tagged=now, end=now, header="h", description="d", retention_days=1
        )
        with pytest.raises(VmsRefused):
            session.with_corporate_token(lambda commands, token: commands.create_evidence_lock(token, lock))


@pytest.mark.slow
def test_tokens_are_renewed_in_the_background_while_video_goes_on(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with aged(clip, "2025R2", "--jwt-seconds", "3", "--soap-seconds", "3") as site, logged_in(site) as session:
        renewers: list[str] = []
        log_in = session.corporate._fetch

        def recorded(current: str) -> Grant:
            renewers.append(threading.current_thread().name)
            return log_in(current)

        monkeypatch.setattr(session.corporate, "_fetch", recorded)
        tokens = {session.corporate.get()}
        end = time.monotonic() + WAIT_S
        while len(tokens) < 3 and time.monotonic() < end:
            tokens.add(session.corporate.get())
            session.bearer.get()
            threading.Event().wait(0.02)
        assert len(tokens) == 3
        assert "xprotect-tokens" in renewers[1:]
