"""Alarms as the SOAP alarm service writes them: ``Alarm``, ``EventHeader`` and ``SnapshotList`` (notes §4.6)."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from connectors.milestone.simulator.alarms.book import Alarm
from connectors.milestone.simulator.alarms.contract import Value, fill
from connectors.milestone.simulator.events.analytics_event import NAMESPACE
from connectors.milestone.simulator.site import Site, rest_time

_CAMERA_KIND = "5135ba21-f1dc-4321-806a-6ce2017343c0"
_KEPT = ("RuleList", "ObjectList", "ReferenceList")
"""Lists that are given back as they came."""


def fill_alarm(parent: etree._Element, alarm: Alarm, site: Site) -> None:
    """Writes the members of ``Alarm``; those that the alarm does not have are left out."""
    fill_header(etree.SubElement(parent, _name("EventHeader")), alarm, site)
    texts = {
        "Description": alarm.text("description"),
        "StartTime": alarm.text("start_time"),
        "EndTime": alarm.text("end_time"),
        "Location": alarm.text("location"),
        "State": str(alarm.state.level),
        "StateName": alarm.state.name,
        "Category": str(alarm.category.level) if alarm.category else "",
        "CategoryName": alarm.category.name if alarm.category else "",
        "AssignedTo": alarm.assigned_to,
        "Count": _kept_text(alarm, "Count"),
    }
    _fill_known(parent, texts)
    _copy_kept(parent, alarm)
    if alarm.snapshots:
        fill_snapshots(etree.SubElement(parent, _name("SnapshotList")), alarm)
    vendor = None if alarm.document is None else alarm.document.find(_name("Vendor"))
    if vendor is not None:
        parent.append(deepcopy(vendor))


def fill_header(parent: etree._Element, alarm: Alarm, site: Site) -> None:
    """Writes the members of ``EventHeader``."""
    texts = {
        "ID": alarm.alarm_id,
        "Timestamp": rest_time(alarm.raised_at),
        "Class": alarm.text("class"),
        "Type": alarm.text("type"),
        "Priority": str(alarm.priority.level),
        "PriorityName": alarm.priority.name,
        "Name": alarm.name,
        "Message": alarm.message,
        "CustomTag": alarm.text("custom_tag"),
    }
    _fill_known(parent, texts)
    server: list[tuple[str, Value]] = [("Type", "XPCORS"), ("Id", site.recorder_id)]
    identity: list[tuple[str, Value]] = [
        ("ServerId", server),
        ("ObjectId", alarm.camera.camera_id),
        ("FolderType", "0"),
        ("Kind", _CAMERA_KIND),
    ]
    fill(parent, NAMESPACE, [("Source", [("Name", alarm.camera.name), ("FQID", identity)])])


def fill_snapshots(parent: etree._Element, alarm: Alarm) -> None:
    """Writes the items of ``SnapshotList``."""
    for snapshot in alarm.snapshots:
        snapshot.add_to(parent)


def _fill_known(parent: etree._Element, texts: dict[str, str]) -> None:
    fill(parent, NAMESPACE, [(name, text) for name, text in texts.items() if text])


def _copy_kept(parent: etree._Element, alarm: Alarm) -> None:
    if alarm.document is None:
        return
    for name in _KEPT:
        kept = alarm.document.find(_name(name))
        if kept is not None:
            parent.append(deepcopy(kept))


def _kept_text(alarm: Alarm, name: str) -> str:
    return "" if alarm.document is None else alarm.document.findtext(_name(name)) or ""


def _name(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
