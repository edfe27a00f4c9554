"""What only the whole file can show: repeated ids, names that nothing declares.

Looks at the raw document, so that these problems are told together with those of single values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from uuid import UUID

from config.document import Document
from config.model import CompositionSettings, Kinds, RuleSettings
from config.problems import Location, Problem, path_text
from config.wording import did_you_mean

_Entry: TypeAlias = tuple[Location, Mapping[str, Any]]


def inconsistencies(document: Document, kinds: Kinds) -> Iterator[Problem]:
    """Problems of a site file."""
    vms = list(_entries(document.data, "vms", ()))
    cameras = list(_entries(document.data, "cameras", ()))
    yield from _repeated(document, vms, "VMS")
    yield from _repeated(document, cameras, "camera")
    yield from _repeated_devices(document, cameras)
    declared_vms = [str(entry["id"]) for _, entry in vms if "id" in entry]
    declared_schedules = _keys(document.data, "schedules")
    for location, camera in cameras:
        yield from rule_inconsistencies(document, camera, location, kinds)
        yield from _preset_problems(document, camera, location)
        yield from _undeclared(document, location, camera, "vms", declared_vms)
        for rule_location, rule in _entries(camera, "rules", location):
            yield from _undeclared(document, rule_location, rule, "schedule", declared_schedules)
    for location, entry in vms:
        yield from _aimless_orders(document, location, entry, [camera for _, camera in cameras])


def rule_inconsistencies(document: Document, camera: Any, location: Location, kinds: Kinds) -> Iterator[Problem]:
    """Problems between the rules of one camera, or of a rule file: repeated ids, compositions of what is not there."""
    yield from _repeated(document, list(_entries(camera, "rules", location)), "rule")
    yield from composition_problems(document, camera, location, kinds)


def composition_problems(document: Document, camera: Any, location: Location, kinds: Kinds) -> Iterator[Problem]:
    """Compositions of rules that are unknown or never fire, and those that are composed of themselves."""
    rules = [(place, rule) for place, rule in _entries(camera, "rules", location) if isinstance(rule.get("id"), str)]
    types = {rule["id"]: kinds.rules.get(str(rule.get("type"))) for _, rule in rules}
    members = {rule["id"]: _names(rule, "rules") for _, rule in rules if _is_composition(types[rule["id"]])}
    for place, rule in rules:
        for index, name in enumerate(members.get(rule["id"], ())):
            where = (*place, "rules", index)
            yield from _unfit_member(document, where, name, types)
            if circle := _circle(rule["id"], name, members):
                message = f"{rule['id']!r} is composed of itself: {' → '.join(circle)}"
                yield _problem(document, where, message, "Take one of them out of the other's rules.")


def _preset_problems(document: Document, camera: Mapping[str, Any], location: Location) -> Iterator[Problem]:
    """Presets of one name, rules of presets that the camera does not have, presets that nobody would tell apart."""
    presets = list(_entries(camera, "presets", location))
    yield from _repeated(document, presets, "preset")
    if presets and camera.get("watch_view") is False:
        yield _problem(document, (*location, "watch_view"), "presets cannot be told apart unwatched", "Leave it out.")
    declared = [str(preset["id"]) for _, preset in presets if "id" in preset]
    for place, rule in _entries(camera, "rules", location):
        yield from _undeclared(document, place, rule, "preset", declared)


def _is_composition(model: type[RuleSettings] | None) -> bool:
    return model is not None and issubclass(model, CompositionSettings)


def _unfit_member(
    document: Document, location: Location, name: str, types: Mapping[str, type[RuleSettings] | None]
) -> Iterator[Problem]:
    if name not in types:
        remedy = f"{did_you_mean(name, sorted(types))}Its rules: {', '.join(sorted(types))}."
        yield _problem(document, location, f"no rule beside it is called {name!r}", remedy)
    elif (model := types[name]) is not None and not model.fires:
        yield _problem(document, location, f"{name!r} only counts and never fires", "Name a rule that raises alerts.")


def _circle(rule: str, member: str, members: Mapping[str, list[str]]) -> tuple[str, ...]:
    """The shortest way from a rule over one of its members back to itself; nothing where there is none."""
    ways: dict[str, tuple[str, ...]] = {member: (rule, member)}
    ends = deque([member])
    while ends:
        end = ends.popleft()
        if end == rule:
            return ways[end]
        new = [name for name in members.get(end, ()) if name not in ways]
        ways.update({name: (*ways[end], name) for name in new})
        ends.extend(dict.fromkeys(new))
    return ()


def _entries(data: Any, key: str, location: Location) -> Iterator[_Entry]:
    """The mappings in the list under ``key``, with where they stand; nothing where the document is malformed."""
    listed = data.get(key) if isinstance(data, Mapping) else None
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(entry, Mapping):
            yield (*location, key, index), entry


def _keys(data: Any, key: str) -> list[str]:
    named = data.get(key) if isinstance(data, Mapping) else None
    return sorted(named) if isinstance(named, Mapping) else []


def _problem(document: Document, location: Location, message: str, remedy: str) -> Problem:
    line = document.line_of(location)
    return Problem(file=document.path, line=line, path=path_text(location), message=message, remedy=remedy)


def _repeated(document: Document, entries: list[_Entry], noun: str) -> Iterator[Problem]:
    first_lines: dict[str, int] = {}
    for location, entry in entries:
        name = entry.get("id")
        if not isinstance(name, str):
            continue
        place = (*location, "id")
        if name in first_lines:
            message = f"{name!r} is already the id of the {noun} in line {first_lines[name]}"
            yield _problem(document, place, message, f"Give each {noun} an id of its own.")
        first_lines.setdefault(name, document.line_of(place))


def _repeated_devices(document: Document, cameras: list[_Entry]) -> Iterator[Problem]:
    first_lines: dict[tuple[str, str], int] = {}
    for location, camera in cameras:
        device, vms = camera.get("device"), camera.get("vms")
        if not isinstance(device, str) or not isinstance(vms, str):
            continue
        place = (*location, "device")
        key = (vms, _canonical(device))
        if key in first_lines:
            message = f"the camera in line {first_lines[key]} is the same device of {vms!r}"
            yield _problem(document, place, message, "Put all its rules under one camera.")
        first_lines.setdefault(key, document.line_of(place))


def _canonical(device: str) -> str:
    """GUIDs may be written in several ways; other ids only in one."""
    try:
        return str(UUID(device))
    except ValueError:
        return device


def _aimless_orders(
    document: Document, location: Location, vms: Mapping[str, Any], cameras: list[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Orders under ``control`` for cameras or rules that this VMS does not have."""
    own = [camera for camera in cameras if camera.get("vms") == vms.get("id")]
    for place, order in _entries(vms, "control", location):
        meant = _names(order, "cameras")
        yield from _unknown(document, (*place, "cameras"), meant, sorted(str(camera.get("id")) for camera in own))
        aimed = [camera for camera in own if not meant or camera.get("id") in meant]
        rules = {str(rule.get("id")) for camera in aimed for _, rule in _entries(camera, "rules", ())}
        yield from _unknown(document, (*place, "rules"), _names(order, "rules"), sorted(rules))


def _names(entry: Mapping[str, Any], key: str) -> list[str]:
    listed = entry.get(key)
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def _unknown(document: Document, location: Location, names: list[str], known: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in known:
            remedy = f"{did_you_mean(name, known)}Known there: {', '.join(known) or 'none'}."
            yield _problem(document, (*location, index), f"nothing of this VMS is called {name!r}", remedy)


def _undeclared(
    document: Document, location: Location, entry: Mapping[str, Any], key: str, declared: list[str]
) -> Iterator[Problem]:
    name = entry.get(key)
    if not isinstance(name, str) or name in declared:
        return
    known = ", ".join(declared) or "none"
    remedy = f"{did_you_mean(name, declared)}Declared: {known}."
    yield _problem(document, (*location, key), f"{name!r} is not declared under '{_SECTIONS[key]}'", remedy)


_SECTIONS = {"vms": "vms", "schedule": "schedules", "preset": "presets"}
