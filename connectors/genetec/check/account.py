"""Whether the role lets this account in: base URI, user, application id, certificate part; and its clock."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from connectors.genetec.check.look import Look
from connectors.genetec.menus import USERS
from connectors.protocols.findings import HTTP_DATE_STEP_S

ADMINISTRATOR = "00000000-0000-0000-0000-000000000003"
"""GUID of the admin user, the same in every Security Center: something that surely exists."""


def look_at_user_name(look: Look) -> None:
    """Before anything is asked, as the role would only say 403."""
    name = look.settings.username
    if "\\" in name or "@" in name:
        look.findings.warn(
            look.url,
            "account_not_local",
            f"{name!r} looks like an Active Directory user, and such cannot sign in to the Web SDK",
            f"{USERS}: add a user of Security Center itself, with the privilege 'Log on using the SDK'.",
        )


def look_at_web_sdk(look: Look) -> None:
    """Raises ``VmsError``."""
    clock = look.services.clock
    before = clock.utc()
    answer = look.sdk.ping()
    now = (before + clock.utc()) / 2
    look.findings.ok(look.url, "web_sdk_ok", "the Web-based SDK role answers at this base URI")
    if answer.date:
        _look_at_clock(look, answer.date, now)


def _look_at_clock(look: Look, date: str, now: float) -> None:
    try:
        drift_s = parsedate_to_datetime(date).timestamp() + HTTP_DATE_STEP_S / 2 - now
    except ValueError:
        return  # a proxy's nonsense in a header that nothing else reads
    look.findings.clock(look.url, "the role's server", drift_s)


def look_at_account(look: Look) -> None:
    """Raises ``VmsError``."""
    look.sdk.ask(f"/entity/exists/{ADMINISTRATOR}", what="use the account")
    message = f"{look.settings.username} may use the SDK; application id and certificate part are accepted"
    look.findings.ok(look.url, "account_ok", message)
