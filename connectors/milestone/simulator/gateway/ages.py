"""What exists behind the gateway's port in which release (notes §8.1): the one gate of every path."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.milestone.simulator.config.rest import REST
from connectors.milestone.simulator.releases import Release
from connectors.milestone.simulator.web.routing import NoSuchPath

_EVENTS_AND_ALARMS = frozenset(
    {
        "events",
        "eventsessions",
        "alarms",
        "alarmsessions",
        "alarmstates",
        "alarmpriorities",
        "alarmcategories",
        "alarmmessages",
        "alarmstatistics",
        "alarmsettings",
        "alarmsounds",
        "alarmsuppressions",
        "alarmdisables",
        "closereasons",
    }
)
"""First segments of Events REST and Alarms REST; ``alarmDefinitions`` is Config REST and older."""

_BOOKMARKS = frozenset({"bookmarks", "evidencelocks"})

_TREES: Mapping[str, Callable[[Release], bool]] = {
    "/idp": lambda release: release.has_identity_provider,
    "/api/ws/events": lambda release: release.has_events_websocket,
    "/api": lambda release: release.has_gateway,
    "/managementserver/servercommandserviceoauth.svc": lambda release: release.has_identity_provider,
}
"""Trees of paths, lower case, longest first, and whether a release has them."""


def require_path(path: str, release: Release) -> None:
    """Raises ``NoSuchPath`` where a release has nothing at this path; those that no table names exist in every one."""
    lower = path.lower()
    for tree, is_there in _TREES.items():
        if lower == tree or lower.startswith(f"{tree}/"):
            if not (is_there(release) and _has_resource(lower, release)):
                raise NoSuchPath(path)
            return


def _has_resource(lower_path: str, release: Release) -> bool:
    root = f"{REST.lower()}/"
    if not lower_path.startswith(root):
        return True
    resource = lower_path.removeprefix(root).partition("/")[0]
    if resource in _EVENTS_AND_ALARMS:
        return release.has_events_and_alarms_rest
    return resource not in _BOOKMARKS or release.has_bookmarks_rest
