"""The command line. Its commands are found by name, and imported only when they are called."""
