"""Diffusion models on the disk: what a path holds, the registry of those a user has, and their download."""
