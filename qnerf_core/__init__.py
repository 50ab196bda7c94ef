"""QNeRF Studio's library: consistent multi-view edits by query fields (never imports Qt, pyvista or app)."""

from __future__ import annotations

__version__ = "0.1.0"
