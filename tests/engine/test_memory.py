"""What the allocator keeps for threads that come and go."""

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

COUNT_ARENAS = """
import ctypes, sys, threading
from mse_tui.engine.memory import bound_arenas

libc = ctypes.CDLL(None)
if not hasattr(libc, "malloc_info"):
    sys.exit(77)
bound_arenas()
together = threading.Barrier(12)

def allocate():
    block = ctypes.create_string_buffer(60_000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


def arenas(**environment: str) -> int:
    """How many a process has after a dozen threads; skips where the allocator is another one."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT_ARENAS],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=REPOSITORY,
    )
    if done.returncode == 77:
        pytest.skip("the C library is not glibc")
    return done.stdout.count("<heap ")


def test_threads_share_a_few_arenas():
    assert 1 <= arenas() <= 2


def test_a_number_that_the_environment_gives_stands():
    assert arenas(MALLOC_ARENA_MAX="4") == 4
