"""Recorded video over RTSP: a client of our own, because FFmpeg's cannot ask for a moment of the clock (RFC 2326 §3.7)."""
