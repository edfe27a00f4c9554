"""A bridge's video, on its way to the analysis and, on request, to those who play it from our device."""
