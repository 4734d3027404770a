"""Standard input, output and error of this process are there, whatever it was begun with."""

import os
import sys


def open_what_is_closed() -> None:
    """Let a closed one lead to nowhere.

    Else the next file that is opened, which may be the database, would have its number, and be written to as output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))
