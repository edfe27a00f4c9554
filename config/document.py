"""A YAML file as plain data that knows the line of every value.

Scalars are read by YAML 1.2's core schema: ``22:00`` and ``off`` are text (YAML 1.1 reads 1320 and false), only
``true`` and ``false`` are booleans, a number with a leading zero is text. Anchors, aliases and ``<<`` are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.composer import ComposerError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from config.problems import Location, Problem, SettingsProblems, path_text

MAX_BYTES = 8 * 1024 * 1024
MAX_VALUES = 1_000_000
"""Values of a document once its aliases are expanded: far above any site, far below a bomb."""
MAX_DEPTH = 64

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"


class _Loader(yaml.SafeLoader):
    """Composes nodes; the tags of plain scalars are those of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML declares it so
    _depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Bounded, because composing recurses."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ComposerError(None, None, "nested too deeply", self.get_mark())
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), list(_first))

_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "merge": str,
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": lambda text: int(text, 0),
    "float": lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
}

_Entries: TypeAlias = dict[str, tuple[Node, Node]]


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: ``data`` as dicts, lists and scalars; ``problems`` that did not keep it from being read."""

    path: Path
    data: Any
    problems: tuple[Problem, ...]
    _root: Node
    _entries: dict[int, _Entries]

    def line_of(self, location: Sequence[str | int]) -> int:
        """Line of the value, or of the nearest thing around it that exists; counted from 1."""
        node, line = self._root, _line(self._root)
        for part in location:
            child = self._child(node, part)
            if child is None:
                break
            line, node = _line(child[0]), child[1]
        return line

    def _child(self, node: Node, part: str | int) -> tuple[Node, Node] | None:
        if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            return node.value[part], node.value[part]
        return self._entries.get(id(node), {}).get(str(part))


def read_document(path: Path) -> Document:
    """Reads a YAML file.

    Raises:
        SettingsProblems: the file cannot be read, is too large, or is not one YAML document.
    """
    root = _compose(path, _text_of(path))
    if root is None:
        raise _wrong(path, "the file is empty", remedy="docs/settings.md shows a complete one.")
    if _expanded_size(path, root, {}, set()) > MAX_VALUES:
        raise _wrong(path, f"its aliases expand to more than {MAX_VALUES} values", remedy="Write the values out.")
    reader = _Reader(path)
    data = reader.value(root, ())
    return Document(path, data, tuple(reader.problems), root, reader.entries)


def _wrong(path: Path, message: str, *, line: int = 0, remedy: str = "") -> SettingsProblems:
    return SettingsProblems([Problem(file=path, line=line, message=message, remedy=remedy)])


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise _wrong(path, f"is larger than {MAX_BYTES // 1024 // 1024} MiB; is it a settings file?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _wrong(path, "is not UTF-8 text", line=line, remedy="Save the file as UTF-8.") from error


def _compose(path: Path, text: str) -> Node | None:
    check = "Check the indentation (spaces, no tabs) and the quotes here and on the line before."
    try:
        node: Node | None = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"is not valid YAML: {', '.join(filter(None, (error.context, error.problem)))}"
        raise _wrong(path, message, line=mark.line + 1 if mark else 0, remedy=check) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _wrong(path, "holds a control character", line=line, remedy="Delete it.") from error
    return node


def _expanded_size(path: Path, node: Node, sizes: dict[int, int], open_nodes: set[int]) -> int:
    if isinstance(node, ScalarNode):
        return 1
    if id(node) in sizes:
        return sizes[id(node)]
    if id(node) in open_nodes:
        raise _wrong(path, "an alias stands inside its own anchor", line=_line(node), remedy="Write the value out.")
    open_nodes.add(id(node))
    pairs = isinstance(node, MappingNode)
    children = [part for pair in node.value for part in pair] if pairs else node.value
    size = 1 + sum(_expanded_size(path, child, sizes, open_nodes) for child in children)
    open_nodes.remove(id(node))
    sizes[id(node)] = size
    return size


class _Reader:
    """Turns nodes into data; what an alias repeats is read once and shared."""

    def __init__(self, path: Path) -> None:
        self.problems: list[Problem] = []
        self.entries: dict[int, _Entries] = {}
        self._path = path
        self._done: dict[int, Any] = {}

    def value(self, node: Node, location: Location) -> Any:
        """The node as data. ``location`` is where it stands first."""
        if id(node) not in self._done:
            self._done[id(node)] = self._read(node, location)
        return self._done[id(node)]

    def _read(self, node: Node, location: Location) -> Any:
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            entries = self._entries_of(node, location)
            return {key: self.value(child, (*location, key)) for key, (_, child) in entries.items()}
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(child, (*location, index)) for index, child in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, location)
        return self._unknown_tag(node, location)

    def _entries_of(self, node: MappingNode, location: Location) -> _Entries:
        own: _Entries = {}
        merged: _Entries = {}
        for key, child in node.value:
            if key.tag == _MERGE:
                merged.update(self._merged(child, location))
            elif not isinstance(key, ScalarNode):
                self._add(key, location, "a list or mapping cannot be a key")
            elif key.value in own:
                first = _line(own[key.value][0])
                message = f"is written twice, first in line {first}"
                self._add(key, (*location, key.value), message, "Keep one of them.")
            else:
                own[key.value] = (key, child)
        self.entries[id(node)] = {**merged, **own}
        return self.entries[id(node)]

    def _merged(self, node: Node, location: Location) -> _Entries:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        merged: _Entries = {}
        for source in sources:
            if isinstance(source, MappingNode):
                merged = {**self._entries_of(source, location), **merged}
            else:
                self._add(source, location, "'<<' takes a mapping, or a list of mappings")
        return merged

    def _scalar(self, node: ScalarNode, location: Location) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if kind not in _SCALARS:
            return self._unknown_tag(node, location)
        try:
            return _SCALARS[kind](node.value)
        except ValueError:
            return self._add(node, location, f"is not a value of its tag !!{kind}", "Remove the tag.")

    def _unknown_tag(self, node: Node, location: Location) -> None:
        self._add(
            node, location, f"has the tag {node.tag.replace(_TAG, '!!')!r}, which settings do not use", "Remove it."
        )

    def _add(self, node: Node, location: Location, message: str, remedy: str = "") -> None:
        self.problems.append(
            Problem(file=self._path, line=_line(node), path=path_text(location), message=message, remedy=remedy)
        )
