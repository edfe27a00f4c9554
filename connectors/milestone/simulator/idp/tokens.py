"""The two kinds of token of an XProtect site: the JWT for REST, and the SOAP token for recorders (notes §1.2, §1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest

from connectors.milestone.simulator.idp.jwt import JwtSigner
from connectors.milestone.simulator.idp.ntlm import WindowsAccount
from connectors.milestone.simulator.site import fresh_id
from connectors.protocols.simulation import FaultBoard
from core.contracts import Clock
from core.types import Json, UtcSeconds

AUDIENCE = "managementserver"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoapToken:
    """What SOAP ``Login`` hands out; opens recorders."""

    text: str
    registered_at: UtcSeconds
    expires_at: UtcSeconds


class Tokens:
    """Knows the accounts (one basic user, at most one of Windows, client credentials), and every token that still opens something.

    The fault ``token-expired`` with the outcome ``now`` makes all of them end at the next look at any.
    """

    def __init__(
        self,
        *,
        username: str,
        password: str,
        jwt_s: float,
        soap_s: float,
        clock: Clock,
        faults: FaultBoard,
        windows: WindowsAccount | None = None,
        clients: Mapping[str, str] | None = None,
    ) -> None:
        self.jwt_s = jwt_s
        self.soap_s = soap_s
        self._username = username
        self._password = password
        self._windows = windows
        self._clients = dict(clients or {})
        self._clock = clock
        self._faults = faults
        self._signer = JwtSigner()
        self._bearers: dict[str, UtcSeconds] = {}
        self._refreshers: set[str] = set()
        self._soap: dict[str, SoapToken] = {}

    @property
    def signer(self) -> JwtSigner:
        """Signs the JWTs."""
        return self._signer

    def is_account(self, username: str, password: str) -> bool:
        """Whether the credentials are the site's one account; user names are not case-sensitive (as in Windows)."""
        same_user = compare_digest(username.lower().encode(), self._username.lower().encode())
        same_password = compare_digest(password.encode(), self._password.encode())
        return same_user and same_password

    def is_windows_account(self, username: str, password: str) -> bool:
        """Whether the credentials are the Windows account, its domain given or not."""
        known = self._windows
        if known is None or not known.is_named(username):
            return False
        return compare_digest(password.encode(), known.password.encode())

    def is_client(self, client_id: str, secret: str) -> bool:
        """Whether they are the client credentials of a registered service."""
        return compare_digest(secret.encode(), self._clients.get(client_id, "").encode()) and client_id in self._clients

    def issue_bearer(self, issuer: str, client_id: str, subject: str | None = None) -> str:
        """A fresh JWT; ``subject`` is the basic user unless given, and empty for a service."""
        now, token_id = self._clock.utc(), fresh_id()
        self._bearers = {known: ends_at for known, ends_at in self._bearers.items() if now < ends_at}
        self._bearers[token_id] = now + self.jwt_s
        claims: dict[str, Json] = {
            "iss": issuer,
            "aud": AUDIENCE,
            "client_id": client_id,
            "scope": [AUDIENCE],
            "jti": token_id,
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + self.jwt_s),
        }
        user = self._username if subject is None else subject
        return self._signer.sign({**claims, "sub": user} if user else claims)

    def is_bearer(self, token: str) -> bool:
        """Whether a JWT opens the REST interfaces now."""
        self._obey_fault()
        claims = self._signer.verify(token)
        if claims is None:
            return False
        return self._clock.utc() < self._bearers.get(str(claims["jti"]), 0.0)

    def is_service(self, token: str) -> bool:
        """Whether a JWT was given to a service, by client credentials, rather than to a user."""
        claims = self._signer.verify(token)
        return claims is not None and str(claims["client_id"]) in self._clients

    def issue_refresher(self) -> str:
        """A refresh token, good for one use."""
        token = fresh_id()
        self._refreshers.add(token)
        return token

    def use_refresher(self, token: str) -> bool:
        """Spends a refresh token."""
        known = token in self._refreshers
        self._refreshers.discard(token)
        return known

    def issue_soap(self, host: str) -> SoapToken:
        """A fresh SOAP token; earlier ones live on until they expire."""
        now = self._clock.utc()
        token = SoapToken(
            text=f"TOKEN#{fresh_id()}#{host}//ServerConnector#",
            registered_at=now,
            expires_at=now + self.soap_s,
        )
        self._soap = {text: known for text, known in self._soap.items() if now < known.expires_at}
        self._soap[token.text] = token
        return token

    def is_soap(self, text: str) -> bool:
        """Whether a SOAP token opens anything now."""
        self._obey_fault()
        token = self._soap.get(text)
        return token is not None and self._clock.utc() < token.expires_at

    def _obey_fault(self) -> None:
        if self._faults.next("token-expired") == "now":
            self._bearers.clear()
            self._refreshers.clear()
            self._soap.clear()
