"""Events: the port for analytics events, Events REST, and the Events & State WebSocket."""
