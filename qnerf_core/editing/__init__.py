"""The consolidated multi-view edit: what is asked for, in which steps it is done, and what it reports."""
