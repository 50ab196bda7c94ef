"""Everything a run made, on disk, interval by interval."""
