"""Whether a window can be opened here at all: Qt ends the process instead of raising."""

from __future__ import annotations

import ctypes
import os
import sys

_WITHOUT_SCREEN = {"offscreen", "minimal", "vnc", "linuxfb", "eglfs"}

_NO_DISPLAY = """\
The window cannot open: {cause}.

  on a desktop     run the command in a terminal of the desktop
  over SSH         connect with `ssh -X`, or use a remote desktop
  without screen   use the commands: `python main.py scenes`, `edit`, `export` ... (`python main.py --help`)
  to try it        xvfb-run -a -s "-screen 0 1280x800x24 +extension GLX" python main.py"""

_NO_LIBRARY = """\
The window cannot open: {cause}.

  Debian, Ubuntu   apt-get install {package}
  all at once      make system-packages"""


def use_x11() -> None:
    """The 3D view needs X11 (XWayland on a Wayland desktop)."""
    if sys.platform == "linux" and os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")


def problem() -> str | None:
    """What to tell the user instead of opening a window."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM", "xcb").split(":")[0] in _WITHOUT_SCREEN:
        return None
    if not os.environ.get("DISPLAY"):
        if os.environ.get("WAYLAND_DISPLAY"):
            return None
        return _NO_DISPLAY.format(cause="there is no display (DISPLAY is not set)")
    for library, package in (("libxcb-cursor.so.0", "libxcb-cursor0"), ("libGL.so.1", "libgl1")):
        try:
            ctypes.CDLL(library)
        except OSError:
            return _NO_LIBRARY.format(cause=f"{library} is missing", package=package)
    if not _answers():
        return _NO_DISPLAY.format(cause=f"the display {os.environ['DISPLAY']} does not answer")
    return None


def _answers() -> bool:
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    fine = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return fine
