"""The memory of a process that lives for months."""

import ctypes
import os
from contextlib import suppress

_M_ARENA_MAX = -8
"""mallopt(3)"""
_ARENAS = 2


def bound_arenas() -> None:
    """Let all threads of this process share a few arenas of glibc's allocator; elsewhere nothing is changed.

    By default every new thread may get one of its own, up to eight a core, and each keeps what its largest batch of
    content once took: an engine would grow with every execution. A number given in MALLOC_ARENA_MAX stands.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
