"""VMS drivers as documented, that add an ONVIF device, pull its events and read its streams: independent of our device."""
