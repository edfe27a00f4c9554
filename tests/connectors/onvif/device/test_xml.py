from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.onvif.device.xml import XmlRefused, child, element, parse, text_of

BOMB = (
    b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY d "&c;&c;&c;&c;&c;&c;">]>'
    b"<b>&d;</b>"
)
EXTERNAL = b'<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/hostname">]><b>&a;</b>'


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (BOMB, "document type"),
        (EXTERNAL, "document type"),
        (b'<!DOCTYPE b SYSTEM "http://127.0.0.1:9/b.dtd"><b/>', "document type"),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE b [<!ENTITY a "x">]><b c="&a;"/>'.encode("utf-16"), "type"),
        (b"<a>" * 40 + b"</a>" * 40, "deeper"),
        (b"<a>" + b"<b/>" * 6_000 + b"</a>", "more than"),
        (b"<a" + b"".join(b" b%d='1'" % number for number in range(6_000)) + b"/>", "more than"),
        (b"<a>&unknown;</a>", "well-formed"),
        (b"<a><b></a>", "well-formed"),
        (b"<a/><a/>", "well-formed"),
        (b"<a", "well-formed"),
        (b"", "well-formed"),
        (b"\x00", "well-formed"),
        (b"<a>\xff</a>", "well-formed"),
    ],
)
def test_what_no_client_sends_is_refused_with_the_reason(document: bytes, why: str) -> None:
    with pytest.raises(XmlRefused, match=why):
        parse(document)


def test_prefixes_within_texts_can_still_be_resolved() -> None:
    root = parse(b'<a xmlns="urn:u" xmlns:q="urn:v"><b>q:x</b><!-- gone --><?gone too?></a>')
    assert (root.tag, root[0].nsmap["q"], len(root)) == ("{urn:u}a", "urn:v", 1)


@given(st.binary(max_size=200) | st.text(alphabet="<>/a& ;\"'=!-[]?x", max_size=200).map(str.encode))
def test_any_bytes_are_a_document_or_refused(data: bytes) -> None:
    try:
        root = parse(data)
    except XmlRefused:
        return
    assert isinstance(root, etree._Element)


def test_elements_carry_the_usual_prefixes_and_the_schema_s_booleans() -> None:
    made = element("tt:Frame", UtcTime="now", Skipped=None)
    child(made, "tt:Enabled", True)
    assert etree.tostring(made) == (
        b'<tt:Frame xmlns:tt="http://www.onvif.org/ver10/schema" UtcTime="now"><tt:Enabled>true</tt:Enabled></tt:Frame>'
    )
    assert (text_of(made, "tt:Enabled"), text_of(made, "tt:Absent")) == ("true", "")
