"""What people wait for goes first: a save never waits behind a picture or a path that is being computed."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

_PATIENCE = 5
"""Niceness of threads that compute, and of those that libraries start from them."""
_SWITCH_S = 0.0005
"""A thread that computes lets others go on after this long."""


def give_way() -> None:
    """Let this process's other threads go first, where the system knows priorities of single threads (Linux)."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PATIENCE)


def switch_often() -> None:
    """Let threads of this process take turns more often: a save passes through three of them."""
    sys.setswitchinterval(_SWITCH_S)
