"""The checks between this machine and a group in Active Directory: encryption, each server, sign-in, where to look."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory.ad_groups import IS_GROUP
from mse_tui.directory.ldap_search import Search
from mse_tui.directory.ldap_servers import DirectoryServers, Domain, ServerReport
from mse_tui.exchange.doctor import EXPIRY_WARNING_DAYS, Finding, Outcome, failed
from mse_tui.exchange.mailbox import AccountHalts
from mse_tui.reasons import Problem, Reason

CHECK = "directory"
_ACCOUNT = {Reason.PASSWORD_REFUSED, Reason.ACCOUNT_HALTED, Reason.SECRET_UNREADABLE}
"""What no other server would say otherwise: it is not tried again."""


def check_active_directory(settings: ActiveDirectorySettings, halts: AccountHalts) -> Iterator[Finding]:
    """Check every server, then what the groups are looked up in. The password is tried on the first server first.

    A refused one is not tried on the others.
    """
    if settings.encryption == "none":
        yield Finding(
            CHECK,
            Outcome.WARNING,
            "The connection to Active Directory is not encrypted: the password and all answers go in clear.",
            'Set [active_directory] encryption to "ldaps" or "starttls".',
        )
    try:
        servers = DirectoryServers(settings, halts)
    except Problem as problem:
        yield failed(CHECK, problem)
        return
    try:
        findings = [_server(settings, servers, settings.servers[0])]
        for server in settings.servers[1:]:
            if findings[-1].reason in _ACCOUNT:
                break
            findings.append(_server(settings, servers, server))
        yield from findings
        if any(finding.outcome is not Outcome.FAILED for finding in findings):
            yield _base(settings, servers)
    finally:
        servers.close()


def _server(settings: ActiveDirectorySettings, servers: DirectoryServers, server: str) -> Finding:
    try:
        report = servers.try_server(server)
    except Problem as problem:
        return failed(CHECK, problem)
    exchange = "with" if report.domain.has_exchange else "without"
    text = (
        f"{server}: {_encryption(settings, report)}; {settings.user} signed in ({settings.sign_in});"
        f" the domain is {report.domain.root}, {exchange} Exchange's attributes."
    )
    days = None if report.expires is None else (report.expires - datetime.now(UTC)).days
    if days is not None and days < EXPIRY_WARNING_DAYS:
        return Finding(
            CHECK, Outcome.WARNING, f"{text} The certificate expires in {days} days.", "Renew the server's certificate."
        )
    return Finding(CHECK, Outcome.OK, text)


def _encryption(settings: ActiveDirectorySettings, report: ServerReport) -> str:
    if report.expires is None:
        return "not encrypted"
    way = "LDAPS" if settings.encryption == "ldaps" else "StartTLS"
    return f"{way}, a trusted certificate valid until {report.expires:%Y-%m-%d}"


def _base(settings: ActiveDirectorySettings, servers: DirectoryServers) -> Finding:
    def question(search: Search, domain: Domain) -> Finding:
        base = settings.base or domain.root
        if not search.first(base, IS_GROUP, ["cn"], 1):
            return Finding(CHECK, Outcome.WARNING, f"There is no group to be seen in {base}.", _BASE_REMEDY)
        return Finding(CHECK, Outcome.OK, f"Groups are looked up in {base}.")

    try:
        return servers.ask(question)
    except Problem as problem:
        return failed(CHECK, Problem(problem.reason, f"[active_directory] base: {problem.happened}", _BASE_REMEDY))


_BASE_REMEDY = "Correct [active_directory] base, or let the account read it; without base the whole domain is used."
