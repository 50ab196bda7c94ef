from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from app.engine.channel import Channel

_NICE = {"jobs": 5, "interactive": 2}


def main(arguments: list[str]) -> None:
    interactive = "--interactive" in arguments
    # Ctrl-C in the terminal is the window's to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(max(0, _NICE["interactive" if interactive else "jobs"] - os.nice(0)))
    _be_the_first_to_go()
    channel = Channel()
    if interactive:
        from app.engine.interactive import Interactive

        Interactive(channel).serve()
    else:
        from app.engine.service import Engine

        Engine(channel).serve()
    # Nothing is left to be tidied, and libraries take their time with it.
    sys.stderr.flush()
    os._exit(0)


def _be_the_first_to_go() -> None:
    """When the memory is full, Linux should end this process and not the window."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("800")


if __name__ == "__main__":
    main(sys.argv[1:])
