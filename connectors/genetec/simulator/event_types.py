"""Names and numbers of event types that Security Center knows (public samples; newer names without number left out)."""

from __future__ import annotations

from typing import Final

CUSTOM_EVENT: Final = "CustomEvent"
BOOKMARK_ADDED: Final = "CameraLiveBookmarkAdded"
TRANSMISSION_LOST: Final = "CameraTransmissionLost"
TRANSMISSION_RECOVERED: Final = "CameraTransmissionRecovered"

_ANALYTICS: Final = {
    "AudioAlarm": 1024,
    "ObjectConditionChange": 1028,
    "ObjectCrossedLine": 1029,
    "ObjectEntered": 1030,
    "ObjectExited": 1031,
    "ObjectFall": 1032,
    "ObjectFollowingRoute": 1033,
    "ObjectInField": 1034,
    "ObjectLeft": 1035,
    "ObjectLoitering": 1036,
    "ObjectMerged": 1037,
    "ObjectRemoved": 1038,
    "ObjectRun": 1039,
    "ObjectSlide": 1040,
    "ObjectSplit": 1041,
    "ObjectStopped": 1042,
    "Tailgating": 1043,
    "Tampering": 1044,
    "Undefined": 1045,
    "DirectionAlarm": 1047,
    "AdaptiveMotion": 1048,
    "ObjectCountReached": 1049,
    "CrowdDetected": 1051,
    "ObjectDetected": 1053,
    "HeatMapChanged": 1054,
    "ObjectVelocityChanged": 1055,
    "ObjectDirectionChanged": 1056,
    "ObjectCountChanged": 1057,
    "PeopleCounting": 1058,
    "PeopleCountingAlarm": 1059,
    "TamperingOff": 1060,
}

ANALYTICS_EVENTS: Final = {f"VideoAnalytics{name}": number for name, number in _ANALYTICS.items()}
"""What a client may raise as a built-in event."""

EVENT_TYPES: Final = {
    **ANALYTICS_EVENTS,
    "AlarmTriggered": 2,
    "AlarmAcknowledged": 3,
    BOOKMARK_ADDED: 6,
    "CameraPlaybackBookmarkAdded": 7,
    "CameraMotionOn": 8,
    "CameraMotionOff": 9,
    CUSTOM_EVENT: 15,
    "UnitConnected": 16,
    "UnitDisconnected": 17,
    "CameraSignalLost": 1371,
    "CameraSignalRecovered": 1372,
    TRANSMISSION_LOST: 1375,
    TRANSMISSION_RECOVERED: 1380,
    "CameraMotion": 1383,
    "AlarmAcknowledgedAlternate": 81,
    "AlarmForciblyAcked": 2385,
}
"""What a client may subscribe to."""
