"""Pages of what FindItem and FindFolder find."""

from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.soap import SoapFault, integer
from mse_tui.sandbox.ews.values import truth

_MOST = 1000


def paged(view: Any, total: int) -> tuple[slice, str]:
    """The part that a page view (or None) asks for, and the attributes that the response's RootFolder gets."""
    if view is None:
        return slice(0, total), _attributes("IndexedPagingOffset", total, total, total)
    limit = min(integer(view.get("MaxEntriesReturned", str(_MOST))), total)
    if limit < 0:
        raise SoapFault("ErrorInvalidPagingMaxRows", "MaxEntriesReturned must be positive.")
    if etree.QName(view).localname.startswith("Fractional"):
        denominator = integer(view.get("Denominator"))
        if denominator <= 0:
            raise SoapFault("ErrorInvalidFractionalPagingParameters", "The denominator must be positive.")
        start = total * integer(view.get("Numerator")) // denominator
        end = min(start + limit, total)
        return slice(start, end), (
            f' NumeratorOffset="{end}" AbsoluteDenominator="{max(total, 1)}"'
            f' TotalItemsInView="{total}" IncludesLastItemInRange="{truth(end >= total)}"'
        )
    offset = integer(view.get("Offset"))
    if offset < 0:
        raise SoapFault("ErrorInvalidIndexedPagingParameters", "The offset must not be negative.")
    if view.get("BasePoint") == "End":
        end = max(total - offset, 0)
        start = max(end - limit, 0)
        return slice(start, end), _attributes("IndexedPagingOffset", total - start, total, total if start == 0 else 0)
    start = min(offset, total)
    end = min(start + limit, total)
    return slice(start, end), _attributes("IndexedPagingOffset", end, total, end)


def _attributes(name: str, offset: int, total: int, end: int) -> str:
    return f' {name}="{offset}" TotalItemsInView="{total}" IncludesLastItemInRange="{truth(end >= total)}"'
