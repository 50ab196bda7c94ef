"""Child processes that compute, so that the window never waits: JSON lines in, JSON lines out."""
