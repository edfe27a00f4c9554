"""Tokens and what they stand for: one string per channel, for its profile and for each of its configurations.

A token of another channel, or none at all, answers the fault that the media specifications name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from connectors.onvif.device.calls import Fault, invalid_argument
from connectors.onvif.device.model import Channel, Device

Has: TypeAlias = Callable[[Channel], bool]
"""Whether a channel has a configuration of the kind that is asked for."""


def profile(device: Device, token: str) -> Channel:
    """The channel of that profile. Raises ``ter:NoProfile``."""
    if (channel := device.channel(token)) is None:
        raise invalid_argument("NoProfile", f"there is no profile {token!r}")
    return channel


def configuration(device: Device, token: str, has: Has) -> Channel:
    """The channel that has the configuration of that token. Raises ``ter:NoConfig``."""
    channel = device.channel(token)
    if channel is None or not has(channel):
        raise invalid_argument("NoConfig", f"there is no such configuration {token!r}")
    return channel


def holders(device: Device, has: Has, configuration_token: str, profile_token: str) -> Sequence[Channel]:
    """The channels whose configurations are asked for (SPEC:Media2 "Get<entity>Configurations").

    A configuration's token gives that one, a profile's token those that fit it, none all. Raises ``ter:NoProfile`` and
    ``ter:NoConfig``, that also for the configuration of another profile.
    """
    within = [profile(device, profile_token)] if profile_token else device.channels
    if not configuration_token:
        return [channel for channel in within if has(channel)]
    found = configuration(device, configuration_token, has)
    if all(found.token != channel.token for channel in within):
        raise invalid_argument("NoConfig", f"configuration {configuration_token!r} is not of profile {profile_token!r}")
    return [found]


def conflict(reason: str) -> Fault:
    """``ter:ConfigurationConflict`` (SPEC:Media2 "AddConfiguration", "RemoveConfiguration")."""
    return Fault("Receiver", ("Action", "ConfigurationConflict"), reason)


def no_more_profiles() -> Fault:
    """``ter:MaxNVTProfiles``: each channel has its one profile, and that is all."""
    return Fault("Receiver", ("Action", "MaxNVTProfiles"), "each camera has its one profile; there can be no other")


def fixed_profile(token: str) -> Fault:
    """``ter:DeletionOfFixedProfile``."""
    return Fault("Sender", ("Action", "DeletionOfFixedProfile"), f"profile {token!r} is fixed")
