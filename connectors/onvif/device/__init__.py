"""What we are to a VMS: an ONVIF device with one channel per analysed camera. See ``docs/onvif.md``."""
