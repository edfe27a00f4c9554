"""The Web SDK's query mini-language: operations separated by commas, values escaped with a backslash.

Facts: WIKI:web-sdk-endpoints and Genetec's WebSDKStudio sample. ``#`` may not occur in a query at all. That a backslash
takes the meaning from every sign, and not only from the comma, is the wiki's wording and not tried on a real system.
"""

from __future__ import annotations

from urllib.parse import quote

_SPECIAL = "\\,=@*(){}"
"""Signs with a meaning; dot, dash and colon stand bare in the time stamps of working clients."""

_STRUCTURE = "(),=@*{}.:-"
"""Left readable in the URL, as in Genetec's own samples; a server decodes the rest before it parses."""

_NUMBER_SIGN = "No "


def one_line(text: str, limit: int) -> str:
    """The text as operators can be shown it: one line, no ``#``, at most ``limit`` characters."""
    visible = "".join(char if char.isprintable() else " " for char in text.replace("#", _NUMBER_SIGN))
    return " ".join(visible.split())[:limit].rstrip()


def escaped(text: str) -> str:
    """The text as one value of a query. It may hold no ``#`` (see ``one_line``)."""
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in text)


def call(method: str, *arguments: object) -> str:
    """``Method(a,b)``; texts among the arguments must be ``escaped``."""
    return f"{method}({','.join(map(str, arguments))})"


def encoded(query: str) -> str:
    """The query as it stands behind ``q=`` in a URL."""
    return quote(query, safe=_STRUCTURE)
