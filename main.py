"""Without arguments or with a path the window; with a command the command line."""

from __future__ import annotations

import sys

from app.launch import main

if __name__ == "__main__":
    sys.exit(main())
