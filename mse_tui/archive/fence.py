"""The proof, checked inside a transaction, that a lock is still held."""

from typing import Protocol


class Fence(Protocol):
    def check(self) -> None:
        """Call inside the committing transaction. Raises Problem lease-lost unless the lease is still this holder's
        (same owner and fencing number, not past its end by the database's clock)."""
        ...


class NoFence:
    """For work that holds no lease: tests and offline maintenance under the site's engine lease."""

    def check(self) -> None:
        return None
