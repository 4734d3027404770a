"""Whether people can be served as the configuration says; for `mse-tui doctor`."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509

from mse_tui.config.configuration import Configuration
from mse_tui.config.web import WebSettings
from mse_tui.exchange.doctor import Finding, Outcome, failed
from mse_tui.reasons import Problem, Reason
from mse_tui.web.openid import OpenIdSignIn

_SOON = timedelta(days=14)
_RENEW = "Put a renewed certificate in place; the service takes it up by itself."


def check_retrieval(configuration: Configuration) -> Iterator[Finding]:
    """The certificate, and the way to sign in. Nothing where stubs have no links."""
    web = configuration.web
    if not web.public_url:
        return
    if web.certificate_file is not None:
        yield _certificate(web)
    if web.sign_in == "none":
        yield Finding("retrieval", Outcome.OK, "Only links that need no sign-in open: [web] sign_in is none.")
    if configuration.openid is not None and web.sign_in == "openid":
        try:
            OpenIdSignIn(configuration.openid, web.public_url).start("", "")
        except Problem as problem:
            yield failed("retrieval", problem)
        else:
            yield Finding("retrieval", Outcome.OK, f"{configuration.openid.issuer} answers; people can sign in there.")


def _certificate(web: WebSettings) -> Finding:
    """Whether browsers will take it, as far as can be told from here."""
    assert web.certificate_file is not None
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(web.certificate_file, web.key_file)
        certificate = x509.load_pem_x509_certificate(web.certificate_file.read_bytes())
    except (OSError, ValueError) as error:
        text = f"[web] certificate_file and key_file can't be used: {error}."
        remedy = "Give the PEM files of the certificate with its chain and of its key, without a passphrase."
        return Finding("retrieval", Outcome.FAILED, text, remedy, Reason.CONFIGURATION_INVALID)
    host, expires = urlsplit(web.public_url).hostname or "", certificate.not_valid_after_utc
    if not _is_for(certificate, host):
        text, remedy = f"{web.certificate_file} is not for {host}.", f"Put a certificate for {host} in place."
        return Finding("retrieval", Outcome.FAILED, text, remedy, Reason.CONFIGURATION_INVALID)
    text = f"The certificate for {host} holds until {expires:%Y-%m-%d %H:%M} UTC."
    if expires <= (now := datetime.now(UTC)):
        return Finding("retrieval", Outcome.FAILED, text, _RENEW, Reason.CONFIGURATION_INVALID)
    return Finding("retrieval", *((Outcome.WARNING, text, _RENEW) if expires - now < _SOON else (Outcome.OK, text)))


def _is_for(certificate: x509.Certificate, host: str) -> bool:
    """Whether one of its alternative names is the host's (RFC 6125: a star stands for the first label)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    given = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    given += [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return host.lower() in given or f"*.{host.lower().partition('.')[2]}" in given
