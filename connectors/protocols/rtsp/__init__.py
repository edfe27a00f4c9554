"""An RTSP 1.0 server on asyncio (RFC 2326) that sends live H.264 and H.265 over RTP (RFC 3550, 6184, 7798)."""
