"""Pictures that belong to an alarm, as the schema of analytics events describes them (notes §4.3)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from connectors.milestone.simulator.events.analytics_event import NAMESPACE
from connectors.milestone.simulator.web.rest import JsonObject


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One ``Snapshot``: its members in the schema's order, with their texts as they came."""

    members: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, element: etree._Element) -> Snapshot:
        """Reads a valid ``Snapshot``; its ``FQID`` is left out."""
        members = ((etree.QName(child).localname, child.text or "") for child in element if not len(child))
        return cls(tuple(members))

    def as_json(self) -> JsonObject:
        """As Alarms REST shows it; the shape is *unverified*."""
        return {name[0].lower() + name[1:]: text for name, text in self.members}

    def add_to(self, parent: etree._Element) -> None:
        """Writes it as a child of ``parent``."""
        element = etree.SubElement(parent, f"{{{NAMESPACE}}}Snapshot")
        for name, text in self.members:
            etree.SubElement(element, f"{{{NAMESPACE}}}{name}").text = text


def snapshots_of(document: etree._Element | None) -> list[Snapshot]:
    """All pictures of an event or alarm in XML."""
    if document is None:
        return []
    found = document.findall(f"{{{NAMESPACE}}}SnapshotList/{{{NAMESPACE}}}Snapshot")
    return [Snapshot.of(element) for element in found]
