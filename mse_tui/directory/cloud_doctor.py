"""The checks between this machine and a group in Microsoft 365: the credential, a token, and each permission needed."""

import threading
from collections.abc import Callable, Iterator

from mse_tui.config.directories import Microsoft365Settings
from mse_tui.directory.cloud_people import PERSON_FIELDS, purpose_path, read_person
from mse_tui.directory.exchange_online import ExchangeOnline, NotAllowed
from mse_tui.exchange.doctor import EXPIRY_WARNING_DAYS, Finding, Outcome, failed
from mse_tui.exchange.graph_errors import GraphProblem
from mse_tui.exchange.graph_session import Conversation, Tenant
from mse_tui.exchange.graph_tokens import days_left
from mse_tui.exchange.mailbox import AccountHalts
from mse_tui.exchange.retry import Transient
from mse_tui.reasons import Problem, Reason

CHECK = "microsoft 365"

_GRANT = "Give the application the permission {} (application, Microsoft Graph), and grant admin consent."
_NO_LIST = "no-such-list@mse-tui.invalid"
"""Asked about to learn whether one may ask."""


def check_microsoft365(settings: Microsoft365Settings, halts: AccountHalts) -> Iterator[Finding]:
    """Check step by step; what needs a failed step is not tried. The credential is tried once."""
    try:
        tenant = Tenant(settings.model_copy(update={"retry_seconds": 0}), halts)
    except Problem as problem:
        yield failed(CHECK, problem)
        return
    conversation = Conversation(tenant, threading.Event())
    try:
        yield from _credential(tenant)
        signed_in = _told(lambda: _token(tenant))
        yield signed_in
        if signed_in.outcome is not Outcome.OK:
            return
        yield _told(lambda: _groups(tenant, conversation))
        yield from _people(tenant, conversation)
        yield _told(lambda: _dynamic_lists(tenant, conversation))
    finally:
        conversation.close()
        tenant.close()


def _told(step: Callable[[], Finding]) -> Finding:
    try:
        return step()
    except Problem as problem:
        return failed(CHECK, problem)
    except Transient as failure:
        return failed(CHECK, failure.problem)


def _credential(tenant: Tenant) -> Iterator[Finding]:
    """A certificate's end; of a secret only Microsoft Entra knows it."""
    expires = tenant.credential.expires
    if expires is None:
        return
    days, text = days_left(expires), f"The application's certificate is valid until {expires:%Y-%m-%d}."
    remedy = "Make a new certificate, upload it to the app registration, and put it and its key in place."
    if days < 0:
        yield Finding(CHECK, Outcome.FAILED, text, remedy, Reason.PASSWORD_REFUSED)
    elif days < EXPIRY_WARNING_DAYS:
        yield Finding(CHECK, Outcome.WARNING, f"{text} That is in {days} days.", remedy)
    else:
        yield Finding(CHECK, Outcome.OK, text)


def _token(tenant: Tenant) -> Finding:
    settings = tenant.settings
    with tenant.gate.sign_in(_nobody_waits):
        tenant.tokens.token(tenant.graph.scope, _nobody_waits)
    proof = "a client secret" if tenant.credential.expires is None else "a certificate"
    text = f"{settings.authority} gave application {settings.client_id} a token for {settings.tenant} ({proof})."
    return Finding(CHECK, Outcome.OK, text)


def _nobody_waits() -> None:
    """The doctor asks one question at a time."""


def _groups(tenant: Tenant, conversation: Conversation) -> Finding:
    try:
        answer = conversation.get(tenant.graph, "/v1.0/groups", {"$select": "id,mail", "$top": "1"})
    except GraphProblem as problem:
        raise _permission(problem, "GroupMember.Read.All") from problem
    if not answer.get("value"):
        return Finding(CHECK, Outcome.WARNING, "The tenant shows no group.", "Check that it is the right tenant.")
    return Finding(CHECK, Outcome.OK, "Groups and their members may be read.")


def _people(tenant: Tenant, conversation: Conversation) -> Iterator[Finding]:
    query = {"$select": ",".join(PERSON_FIELDS), "$top": "25"}
    try:
        rows = conversation.get(tenant.graph, "/v1.0/users", query).get("value") or []
        people = [read_person(row) for row in rows]
    except GraphProblem as problem:
        yield failed(CHECK, _permission(problem, "User.Read.All"))
        return
    except Problem as problem:
        yield failed(CHECK, problem)
        return
    yield Finding(CHECK, Outcome.OK, "Accounts, their addresses and licences may be read.")
    with_mail = next((person for person in people if person.address), None)
    if with_mail is not None:
        yield _told(lambda: _mailbox_kind(conversation, purpose_path(with_mail)))


def _mailbox_kind(conversation: Conversation, path: str) -> Finding:
    """Whether the kind of a mailbox may be asked; that one account has none says that it may."""
    (answer,) = conversation.batch([path])
    if answer.status == 403:
        return Finding(
            CHECK,
            Outcome.WARNING,
            "What kind a mailbox is may not be read, so shared, room and equipment mailboxes can't be told from"
            f" disabled accounts ({answer.code}).",
            _GRANT.format("MailboxSettings.Read"),
            Reason.ACCESS_DENIED,
        )
    if answer.status not in (200, 404):
        raise answer.problem
    return Finding(CHECK, Outcome.OK, "Shared, room and equipment mailboxes are told from disabled accounts.")


def _dynamic_lists(tenant: Tenant, conversation: Conversation) -> Finding:
    try:
        next(ExchangeOnline(tenant, conversation).dynamic_members(_NO_LIST), None)
    except NotAllowed as problem:
        text = "Dynamic distribution lists can't be resolved: the application may not ask Exchange Online."
        return Finding(CHECK, Outcome.WARNING, text, problem.remedy, problem.reason)
    except Problem as problem:
        if problem.reason is not Reason.GROUP_NOT_FOUND:
            raise
    return Finding(CHECK, Outcome.OK, "Dynamic distribution lists may be resolved by Exchange Online.")


def _permission(problem: GraphProblem, name: str) -> Problem:
    if problem.status != 403:
        return problem
    return Problem(problem.reason, problem.happened, _GRANT.format(name))
