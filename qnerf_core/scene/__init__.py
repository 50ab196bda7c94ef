"""Cameras, views, scenes, their files and their validation."""
