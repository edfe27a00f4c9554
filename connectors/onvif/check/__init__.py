"""``vigie check`` for an ONVIF bridge and for our own device."""
