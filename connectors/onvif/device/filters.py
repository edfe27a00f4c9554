"""Which topics a subscriber wants: ``wsnt:Filter`` in the two dialects that ONVIF makes mandatory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from connectors.onvif.device.calls import Fault
from connectors.onvif.device.event_faults import dialect_unknown, invalid_filter, invalid_topic_expression
from connectors.onvif.device.notifications import CONCRETE
from connectors.onvif.device.topics import Topic, qualified_path
from connectors.onvif.device.xml import qualified
from core.types import UtcSeconds

CONCRETE_SET: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
"""``a|b``, and ``//.`` at the end for a whole subtree (SPEC:Core "Topic Filter")."""

_SUBTREE: Final = "//."
_MAX_CHARACTERS: Final = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    """A topic, or the subtree below it with the topic itself."""

    path: tuple[str, ...]
    is_subtree: bool

    def holds(self, path: tuple[str, ...]) -> bool:
        return path[: len(self.path)] == self.path if self.is_subtree else path == self.path


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """What every one of the expressions lets through; without expressions everything."""

    expressions: tuple[tuple[_Branch, ...], ...] = ()

    def wants(self, topic: Topic) -> bool:
        """Whether messages of this topic are wanted. Topics that do not exist (yet) are simply never told."""
        path = topic.qualified
        return all(any(branch.holds(path) for branch in branches) for branches in self.expressions)


def parse_filter(element: etree._Element | None, now: UtcSeconds) -> TopicFilter:
    """Reads the ``Filter`` of a subscription. Raises the ``Fault`` that WS-BaseNotification names; ``now`` stamps it."""
    expressions = []
    for item in element if element is not None else ():
        if item.tag != qualified("wsnt:TopicExpression"):
            raise invalid_filter(now, etree.QName(item))
        expressions.append(_branches(item, now))
    return TopicFilter(tuple(expressions))


def _branches(item: etree._Element, now: UtcSeconds) -> tuple[_Branch, ...]:
    dialect = item.get("Dialect", CONCRETE_SET).strip()
    if dialect not in {CONCRETE, CONCRETE_SET}:
        raise dialect_unknown(now, dialect)
    text = item.text or ""
    if len(text) > _MAX_CHARACTERS:
        raise invalid_topic_expression(now, f"a topic expression may have {_MAX_CHARACTERS} characters")
    prefixes = {prefix or "": uri for prefix, uri in item.nsmap.items()}
    alternatives = text.split("|") if dialect == CONCRETE_SET else [text]
    return tuple(_branch(part.strip(), dialect, prefixes, now) for part in alternatives)


def _branch(text: str, dialect: str, prefixes: dict[str, str], now: UtcSeconds) -> _Branch:
    is_subtree = dialect == CONCRETE_SET and text.endswith(_SUBTREE)
    try:
        path = qualified_path(text.removesuffix(_SUBTREE) if is_subtree else text, prefixes)
    except ValueError as error:
        raise _invalid(text, error, now) from error
    return _Branch(path=path, is_subtree=is_subtree)


def _invalid(text: str, error: ValueError, now: UtcSeconds) -> Fault:
    return invalid_topic_expression(now, f"topic expression {text[:200]!r}: {error}")
