from __future__ import annotations

from pathlib import Path

from connectors.onvif.simulator.client.judge import EXPECTATIONS

GUIDE = Path(__file__).parents[5] / "docs" / "simulators-onvif.md"


def test_the_guide_lists_every_expectation_in_its_own_words() -> None:
    rows = GUIDE.read_text(encoding="utf-8").splitlines()
    missing = [code for code, expected in EXPECTATIONS.items() if f"| `{code}` | {expected.text} |" not in rows]
    assert missing == []
