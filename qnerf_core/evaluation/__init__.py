"""Measuring an edit: against the truth, between its views, against the originals; tables and benchmarks."""
