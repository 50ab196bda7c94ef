"""Volumetric fields: encodings, samplers, compositing, the QNeRF and the radiance field of an edited set."""
