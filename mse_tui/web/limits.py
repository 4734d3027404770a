"""How often somebody may do something: counted in memory, over the last minutes, for the threads of one process."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

_MOST_KEYS = 20_000


class Limit:
    """At most `most` times in `seconds`, for each key on its own."""

    def __init__(
        self, most: int, seconds: float, *, clock: Callable[[], float] = time.monotonic, keys: int = _MOST_KEYS
    ) -> None:
        """Of more than `keys` keys, those that were not used for longest are forgotten."""
        self._most, self._seconds, self._clock, self._keys = most, seconds, clock, keys
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> bool:
        """Count once more; False where that is too often, and then it is not counted."""
        moment = self._clock()
        with self._lock:
            times = self._times.setdefault(key, deque())
            self._times.move_to_end(key)
            while times and times[0] <= moment - self._seconds:
                times.popleft()
            if len(self._times) > self._keys:
                self._times.popitem(last=False)
            if len(times) >= self._most:
                return False
            times.append(moment)
            return True

    def forget(self, key: str) -> None:
        """Begin anew for this key."""
        with self._lock:
            self._times.pop(key, None)


def client_key(address: str) -> str:
    """What counts as one client: an address; of IPv6 its network of 64 bits, all of which a customer has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped is not None else str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
