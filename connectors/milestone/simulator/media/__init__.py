"""Ways of video beside the recorder's port: the Open Network Bridge and VPS drivers."""
