"""Two simulated VMS on loopback and a real service between them: the demo and the delivery bench."""
