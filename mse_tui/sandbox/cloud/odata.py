"""The OData query options that directory objects take: $filter, $search, $select, $top, $count and page links.

A subset, strict about the rest: what is not understood is refused as Graph refuses what it does not support.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from mse_tui.sandbox.cloud.answers import CloudError, Question

Row = dict[str, Any]
Test = Callable[[Row], bool]

LARGEST_PAGE = 999
DEFAULT_PAGE = 100

_KNOWN = {"$filter", "$search", "$select", "$top", "$count", "$skiptoken", "$orderby"}
_STRING = r"'((?:[^']|'')*)'"
_EQUAL = re.compile(rf"\s*(\w+)\s+eq\s+(?:{_STRING}|(true|false|null))\s*", re.IGNORECASE)
_STARTS = re.compile(rf"\s*startswith\(\s*(\w+)\s*,\s*{_STRING}\s*\)\s*", re.IGNORECASE)
_ANY = re.compile(
    rf"\s*(\w+)/any\(\s*(\w+)\s*:\s*(?:\2\s+eq\s+{_STRING}|startswith\(\s*\2\s*,\s*{_STRING}\s*\))\s*\)\s*",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(r"\s*\b(and|or)\b\s*", re.IGNORECASE)
_SEARCHED = re.compile(r'"(\w+):([^"]*)"')


def page(question: Question, rows: Sequence[Row], origin: str, context: str) -> Row:
    """One page of a collection, as the question's options want it. Raises CloudError for what is not supported."""
    options = question.query
    unknown = set(options) - _KNOWN
    if unknown:
        raise _unsupported(f"Query option {sorted(unknown)[0]} is not supported.")
    advanced = question.headers.get("consistencylevel", "").lower() == "eventual"
    if "$search" in options and not advanced:
        raise _unsupported("Request with $search query parameter only works with ConsistencyLevel: eventual.")
    if "$count" in options and not advanced:
        raise CloudError(400, "Request_BadRequest", "$count is not currently supported without ConsistencyLevel.")
    found = [row for row in rows if _filter(options.get("$filter", ""))(row)]
    found = [row for row in found if _search(options.get("$search", ""))(row)]
    start, size = _skip(options), _top(options)
    content: Row = {"@odata.context": f"{origin}/v1.0/$metadata#{context}"}
    if options.get("$count") == "true":
        content["@odata.count"] = len(found)
    if start + size < len(found):
        token = base64.urlsafe_b64encode(json.dumps({"start": start + size}).encode()).decode()
        following = {**{key: value for key, value in options.items() if key != "$skiptoken"}, "$skiptoken": token}
        path = quote(question.path, safe="/$")
        content["@odata.nextLink"] = f"{origin}{path}?{urlencode(following, safe='$', quote_via=quote)}"
    content["value"] = [selected(row, options) for row in found[start : start + size]]
    return content


def selected(row: Row, options: Mapping[str, str]) -> Row:
    """The properties that $select names, and the annotations; the default ones without it."""
    wanted = options.get("$select", "")
    if wanted:
        names = {name.strip() for name in wanted.split(",")}
    else:
        names = set(row) - (_NOT_BY_DEFAULT if "userPrincipalName" in row else set())
    return {key: value for key, value in row.items() if key in names or key.startswith("@")}


_NOT_BY_DEFAULT = {"accountEnabled", "assignedPlans", "proxyAddresses", "department", "userType"}
"""Properties of a user that only $select brings."""


def _top(options: Mapping[str, str]) -> int:
    text = options.get("$top", str(DEFAULT_PAGE))
    if not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise CloudError(400, "Request_BadRequest", f"Invalid page size specified: '{text}'.")
    return int(text)


def _skip(options: Mapping[str, str]) -> int:
    if "$skiptoken" not in options:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(options["$skiptoken"]))["start"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise CloudError(400, "Directory_ExpiredPageToken", "The specified page token value has expired.") from error


def _filter(text: str) -> Test:
    """The test that a $filter makes: clauses joined by 'and' and 'or', the former binding tighter."""
    if not text:
        return lambda _: True
    alternatives: list[list[Test]] = [[]]
    at, joined = 0, "and"
    while True:
        clause, at = _clause(text, at)
        if joined == "or":
            alternatives.append([])
        alternatives[-1].append(clause)
        if at == len(text):
            return lambda row: any(all(test(row) for test in tests) for tests in alternatives)
        connective = _CONNECTIVE.match(text, at)
        if connective is None:
            raise CloudError(400, "BadRequest", f"Invalid filter clause at position {at} in '{text}'.")
        joined, at = connective[1].lower(), connective.end()


def _clause(text: str, at: int) -> tuple[Test, int]:
    if found := _EQUAL.match(text, at):
        name, literal, word = found.groups()
        return _equals(name, _unquoted(literal) if word is None else json.loads(word.lower())), found.end()
    if found := _STARTS.match(text, at):
        name, literal = found.groups()
        start = _unquoted(literal).casefold()
        return lambda row: str(_property(row, name) or "").casefold().startswith(start), found.end()
    if found := _ANY.match(text, at):
        name, _, equal, beginning = found.groups()
        if equal is not None:
            wanted = _unquoted(equal).casefold()
            return lambda row: any(one.casefold() == wanted for one in _property(row, name)), found.end()
        start = _unquoted(beginning).casefold()
        return lambda row: any(one.casefold().startswith(start) for one in _property(row, name)), found.end()
    raise CloudError(400, "BadRequest", f"Invalid filter clause at position {at} in '{text}'.")


def _equals(name: str, value: Any) -> Test:
    def test(row: Row) -> bool:
        held = _property(row, name)
        if isinstance(held, str) and isinstance(value, str):
            return held.casefold() == value.casefold()
        return bool(held == value)

    return test


def _property(row: Row, name: str) -> Any:
    if name not in row:
        raise _unsupported(f"Unsupported property filter clause for property '{name}'.")
    return row[name]


def _unquoted(literal: str) -> str:
    return literal.replace("''", "'")


def _search(text: str) -> Test:
    """The test that a $search makes: words of a property that begin so, alternatives joined by OR."""
    if not text:
        return lambda _: True
    clauses = _SEARCHED.findall(text)
    if not clauses or '" OR "'.join(f"{name}:{value}" for name, value in clauses) != text[1:-1]:
        raise CloudError(400, "Request_BadRequest", f"Syntax error in $search: {text}")

    def test(row: Row) -> bool:
        return any(_has_words(str(_property(row, name) or ""), value) for name, value in clauses)

    return test


def _has_words(text: str, wanted: str) -> bool:
    words = _words(text)
    return all(any(word.startswith(start) for word in words) for start in _words(wanted))


def _words(text: str) -> list[str]:
    """As the directory's index splits a text: at everything that is no letter or digit, and before capitals."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [word.casefold() for word in re.split(r"[\W_]+", apart) if word]


def _unsupported(text: str) -> CloudError:
    return CloudError(400, "Request_UnsupportedQuery", text)
