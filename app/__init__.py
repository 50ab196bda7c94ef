"""The command line and the window."""

from __future__ import annotations

import ctypes
import sys


def _make_constants_immortal() -> None:
    # PySide6 6.12.0 takes None for immortal, which it is from Python 3.12 on: before, every Qt call that returns None
    # takes a reference away, and after some thousand calls the interpreter aborts ("deallocating None").
    for constant in (None, True, False):
        ctypes.c_ssize_t.from_address(id(constant)).value += 1 << 40


if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
    _make_constants_immortal()
