from __future__ import annotations

from pathlib import Path

import pytest

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.server_tls import server_context
from core.errors import VmsRefused


def test_no_certificate_means_no_tls() -> None:
    assert server_context(None, None, "device:") is None


def test_a_good_pair_makes_a_context(tmp_path: Path) -> None:
    certificate, key = SiteAuthority.create(tmp_path).issue(("127.0.0.1",))
    assert server_context(certificate, key, "device:") is not None


def test_files_that_cannot_be_used_are_named_with_their_place(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate", encoding="utf-8")
    with pytest.raises(VmsRefused, match=r"broken\.pem of device:") as raised:
        server_context(broken, broken, "device:")
    assert "device:" in raised.value.remedy
