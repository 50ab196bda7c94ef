"""The command line and, later, the window."""
