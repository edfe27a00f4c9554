"""A server certificate that somebody replaced while the server runs."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.simulation import Act, Simulation
from core.errors import UsageError
from core.types import Json


def certificate_act(simulation: Simulation, tls: ssl.SSLContext) -> Act:
    """``{trusted}``: from the next connection on the servers of ``tls`` show a certificate of the site's CA, or of another."""
    other = SiteAuthority.create(simulation.folder / "other-authority")

    async def change(order: Mapping[str, Json]) -> Json:
        is_trusted = order.get("trusted")
        if not isinstance(is_trusted, bool) or set(order) != {"trusted"}:
            raise UsageError("trusted must be true or false", remedy='Give {"trusted": false}.')
        authority = simulation.authority if is_trusted else other
        tls.load_cert_chain(*authority.issue(simulation.names))
        return {"trusted": is_trusted}

    return change
