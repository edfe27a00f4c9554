"""The hidden payload of a raised event: the part ``payload`` of a multipart body, read leniently.

Genetec's own sample writes that part's head with a stray ``; "`` at its end and the payload in ASCII. Unverified:
what the role does with other characters; here each becomes a replacement character.
"""

from __future__ import annotations

import re

_PART_HEAD = re.compile(rb'name="?payload"?', re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)


def payload_of(content_type: str, body: bytes) -> str:
    """The payload's text; empty when there is none."""
    boundary = _BOUNDARY.search(content_type)
    if not boundary or not content_type.lower().startswith("multipart/"):
        return ""
    for part in body.split(b"--" + boundary[1].encode()):
        blank = _BLANK_LINE.search(part)
        if blank and _PART_HEAD.search(part, 0, blank.start()):
            return part[blank.end() :].removesuffix(b"\n").removesuffix(b"\r").decode("ascii", "replace")
    return ""
