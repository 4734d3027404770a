"""Microsoft Graph as far as it tells of users, groups and who is in them (v1.0)."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from mse_tui.sandbox.cloud.answers import Answer, CloudError, Question, json_answer
from mse_tui.sandbox.cloud.odata import Row, page, selected
from mse_tui.sandbox.cloud.tenant import PLAN_IDS, Contact, Entry, Group, Tenant, User, stable_id

BATCH_LIMIT = 20

Handler = Callable[["GraphService", Question, Tenant, frozenset[str], list[str]], Answer]


class GraphService:
    """Answers questions about the tenant that `tenant()` gives at each of them."""

    def __init__(self, origin: Callable[[], str], tenant: Callable[[], Tenant]) -> None:
        self._origin = origin
        self._tenant = tenant
        self.interrupt: Callable[[str], Answer | None] = lambda _: None
        """Asked for an answer in place of the right one, for each entry of a batch."""

    def handle(self, question: Question, roles: frozenset[str]) -> Answer:
        """The answer for an application with these roles."""
        try:
            if question.path == "/v1.0/$batch":
                return self._batch(question, roles)
            return self._one(question, self._tenant(), roles)
        except CloudError as error:
            return error.answer

    def _one(self, question: Question, tenant: Tenant, roles: frozenset[str]) -> Answer:
        for method, pattern, handler in _ROUTES:
            found = pattern.fullmatch(question.path)
            if found and method == question.method:
                return handler(self, question, tenant, roles, list(found.groups()))
        raise CloudError(400, "BadRequest", f"Resource not found for the segment '{question.path}'.")

    def _batch(self, question: Question, roles: frozenset[str]) -> Answer:
        requests = question.json().get("requests")
        if not isinstance(requests, list) or not requests or len(requests) > BATCH_LIMIT:
            raise CloudError(400, "BadRequest", f"A batch holds 1 to {BATCH_LIMIT} requests.")
        tenant = self._tenant()
        return json_answer(200, {"responses": [self._within_batch(one, tenant, roles) for one in requests]})

    def _within_batch(self, request: dict[str, Any], tenant: Tenant, roles: frozenset[str]) -> dict[str, Any]:
        path, _, query = request["url"].partition("?")
        question = Question(request["method"], f"/v1.0{unquote(path)}", dict(parse_qsl(query)))
        answer = self.interrupt(operation_of(question.path))
        if answer is None:
            try:
                answer = self._one(question, tenant, roles)
            except CloudError as error:
                answer = error.answer
        headers = {"Retry-After": answer.headers["retry-after"]} if "retry-after" in answer.headers else {}
        return {"id": request["id"], "status": answer.status, "headers": headers, "body": json.loads(answer.body)}

    def _page(self, question: Question, rows: list[Row], context: str) -> Answer:
        return json_answer(200, page(question, rows, self._origin(), context))

    def _groups(self, question: Question, tenant: Tenant, roles: frozenset[str], _: list[str]) -> Answer:
        _need(roles, "GroupMember.Read.All")
        return self._page(question, [_untyped(_group_row(group)) for group in tenant.groups()], "groups")

    def _group(self, question: Question, tenant: Tenant, roles: frozenset[str], keys: list[str]) -> Answer:
        _need(roles, "GroupMember.Read.All")
        row = selected(_untyped(_group_row(_known_group(tenant, keys[0]))), question.query)
        return json_answer(200, {"@odata.context": f"{self._origin()}/v1.0/$metadata#groups/$entity", **row})

    def _members(self, question: Question, tenant: Tenant, roles: frozenset[str], keys: list[str]) -> Answer:
        _need(roles, "GroupMember.Read.All")
        group = _known_group(tenant, keys[0])
        if group.hidden and "Member.Read.Hidden" not in roles:
            return self._page(question, [], "directoryObjects")
        found = tenant.members(group) if keys[1] == "members" else tenant.transitive_members(group)
        return self._entries(question, found, roles, keys[2])

    def _groups_with(self, question: Question, tenant: Tenant, roles: frozenset[str], keys: list[str]) -> Answer:
        _need(roles, "User.Read.All", "GroupMember.Read.All")
        user = _known_user(tenant, keys[0])
        found = tenant.groups_with(user.id) if keys[1] == "memberOf" else tenant.transitive_groups_with(user.id)
        return self._entries(question, list(found), roles, keys[2])

    def _entries(self, question: Question, found: list[Any], roles: frozenset[str], rest: str | None) -> Answer:
        """A collection of directory objects, or those of one type, or their number."""
        kind, count = (rest or "").strip("/").removesuffix("$count").strip("/"), (rest or "").endswith("$count")
        if (kind or count) and question.headers.get("consistencylevel", "").lower() != "eventual":
            raise CloudError(400, "Request_UnsupportedQuery", "OData cast needs ConsistencyLevel: eventual.")
        rows = [_row(entry, roles) for entry in found]
        if kind:
            rows = [_untyped(row) for row in rows if row["@odata.type"] == f"#{kind}"]
        if count:
            return Answer(200, {"content-type": "text/plain"}, str(len(rows)).encode())
        return self._page(question, rows, "directoryObjects")

    def _users(self, question: Question, tenant: Tenant, roles: frozenset[str], _: list[str]) -> Answer:
        _need(roles, "User.Read.All")
        return self._page(question, [_untyped(_user_row(user)) for user in tenant.users()], "users")

    def _user(self, question: Question, tenant: Tenant, roles: frozenset[str], keys: list[str]) -> Answer:
        _need(roles, "User.Read.All")
        row = selected(_untyped(_user_row(_known_user(tenant, keys[0]))), question.query)
        return json_answer(200, {"@odata.context": f"{self._origin()}/v1.0/$metadata#users/$entity", **row})

    def _mailbox_settings(self, _: Question, tenant: Tenant, roles: frozenset[str], keys: list[str]) -> Answer:
        _need(roles, "MailboxSettings.Read", code="ErrorAccessDenied", text="Access is denied. Check credentials.")
        user = _known_user(tenant, keys[0])
        if not user.purpose:
            text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            raise CloudError(404, "MailboxNotEnabledForRESTAPI", text)
        context = f"{self._origin()}/v1.0/$metadata#users('{user.id}')/mailboxSettings"
        if keys[1]:
            return json_answer(200, {"@odata.context": f"{context}/userPurpose", "value": user.purpose})
        return json_answer(200, {"@odata.context": context, "timeZone": "UTC", "userPurpose": user.purpose})


_ID = r"/([^/]+)"
_CAST = r"(/microsoft\.graph\.\w+(?:/\$count)?|/\$count)?"
_ROUTES: list[tuple[str, re.Pattern[str], Handler]] = [
    ("GET", re.compile(r"/v1\.0/groups"), GraphService._groups),
    ("GET", re.compile(rf"/v1\.0/groups{_ID}"), GraphService._group),
    ("GET", re.compile(rf"/v1\.0/groups{_ID}/(members|transitiveMembers){_CAST}"), GraphService._members),
    ("GET", re.compile(r"/v1\.0/users"), GraphService._users),
    ("GET", re.compile(rf"/v1\.0/users{_ID}"), GraphService._user),
    ("GET", re.compile(rf"/v1\.0/users{_ID}/(memberOf|transitiveMemberOf){_CAST}"), GraphService._groups_with),
    ("GET", re.compile(rf"/v1\.0/users{_ID}/mailboxSettings(/userPurpose)?"), GraphService._mailbox_settings),
]


def operation_of(path: str) -> str:
    """What faults call a request: groups, group, transitiveMembers, users, user, userPurpose, $batch, ..."""
    parts = [part for part in path.split("/") if part and not part.startswith("microsoft.graph.") and part != "$count"]
    if len(parts) == 3 and parts[1] in ("groups", "users"):
        return parts[1].removesuffix("s")
    return parts[-1] if parts else ""


def _need(roles: frozenset[str], *wanted: str, code: str = "Authorization_RequestDenied", text: str = "") -> None:
    if not set(wanted) <= roles:
        raise CloudError(403, code, text or "Insufficient privileges to complete the operation.")


def _known_group(tenant: Tenant, key: str) -> Group:
    entry = tenant.entries.get(key.lower())
    if not isinstance(entry, Group) or entry.kind == "dynamic":
        raise _no_resource(key)
    return entry


def _known_user(tenant: Tenant, key: str) -> User:
    """A user by id or user principal name."""
    entry = tenant.entries.get(key.lower())
    if entry is None:
        entry = next((one for one in tenant.users() if _principal_name(one).casefold() == key.casefold()), None)
    if not isinstance(entry, User):
        raise _no_resource(key)
    return entry


def _no_resource(key: str) -> CloudError:
    text = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    return CloudError(404, "Request_ResourceNotFound", text)


def _principal_name(user: User) -> str:
    if user.guest:
        return user.address.replace("@", "_") + "#EXT#@nordlicht.onmicrosoft.example"
    return user.address or f"{user.id}@nordlicht.onmicrosoft.example"


def _row(entry: Entry, roles: frozenset[str]) -> Row:
    """A directory object; an application that may not read its type sees that it is there, and nothing of it."""
    if isinstance(entry, User):
        row = _user_row(entry)
        return row if "User.Read.All" in roles else _limited(row)
    if isinstance(entry, Group):
        return _group_row(entry)
    if isinstance(entry, Contact):
        row = {"displayName": entry.name, "mail": entry.address, "proxyAddresses": [f"SMTP:{entry.address}"]}
        return {"@odata.type": "#microsoft.graph.orgContact", "id": entry.id, **row}
    return {"@odata.type": "#microsoft.graph.device", "id": entry.id, "displayName": entry.name}


def _limited(row: Row) -> Row:
    return {key: value if key in ("@odata.type", "id") else None for key, value in row.items()}


def _untyped(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "@odata.type"}


def _user_row(user: User) -> Row:
    return {
        "@odata.type": "#microsoft.graph.user",
        "id": user.id,
        "displayName": user.name,
        "mail": user.address or None,
        "userPrincipalName": _principal_name(user),
        "jobTitle": user.title or None,
        "department": user.department or None,
        "userType": "Guest" if user.guest else "Member",
        "accountEnabled": user.enabled,
        "proxyAddresses": _proxy_addresses(user.address, user.aliases),
        "assignedPlans": [
            {
                "assignedDateTime": "2025-01-15T08:00:00Z",
                "capabilityStatus": user.plan_status,
                "service": "exchange",
                "servicePlanId": PLAN_IDS.get(plan) or stable_id(plan),
            }
            for plan in user.plans
        ],
    }


def _group_row(group: Group) -> Row:
    return {
        "@odata.type": "#microsoft.graph.group",
        "id": group.id,
        "displayName": group.name,
        "description": None,
        "mail": group.address or None,
        "mailEnabled": bool(group.address),
        "mailNickname": group.address.partition("@")[0] or group.id,
        "securityEnabled": group.kind in ("security", "mail-security"),
        "groupTypes": ["Unified"] if group.kind == "unified" else [],
        "proxyAddresses": _proxy_addresses(group.address, group.aliases),
        "visibility": "HiddenMembership" if group.hidden else ("Public" if group.kind == "unified" else None),
    }


def _proxy_addresses(primary: str, aliases: tuple[str, ...]) -> list[str]:
    return ([f"SMTP:{primary}"] if primary else []) + [f"smtp:{alias}" for alias in aliases]
