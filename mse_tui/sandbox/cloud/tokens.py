"""The token service: OpenID discovery, and tokens for applications that prove a secret or a certificate's key.

They get them for themselves (client credentials), or for people who have signed in (`sign_in`).
"""

import base64
import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from mse_tui.sandbox.cloud.answers import Answer, json_answer
from mse_tui.sandbox.cloud.sign_in import CodeRefused, PeopleSignIn

GRAPH_ROLES = ("GroupMember.Read.All", "User.Read.All", "MailboxSettings.Read")
EXCHANGE_ROLES = ("Exchange.ManageAsAppV2",)

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CLOCK_SKEW = 300


class Refused(Exception):
    """The token service does not give a token: an OAuth error with Entra's own number."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error = error
        self.number = number
        self.status = status


@dataclass(slots=True)
class Application:
    """A registered application: what it proves itself with, and what it may do."""

    client_id: str
    secret: str = ""
    certificates: list[x509.Certificate] = field(default_factory=list)
    roles: set[str] = field(default_factory=lambda: {*GRAPH_ROLES, *EXCHANGE_ROLES})
    enabled: bool = True


class TokenService:
    """Tokens of one tenant. Every method may be called from any thread."""

    def __init__(self, tenant_id: str, domain: str, key: bytes, people: PeopleSignIn) -> None:
        """`key` signs applications' tokens; the tenant answers to its id and to its domain."""
        self.tenant_id = tenant_id
        self.domain = domain
        self.applications: dict[str, Application] = {}
        self.people = people
        self.lifetime = 3600
        """Seconds that the next tokens hold."""
        self._key = key
        self._guard = threading.Lock()
        self._revoked_before = 0
        self._given = 0

    @property
    def given(self) -> int:
        """How many tokens were given out."""
        return self._given

    def revoke(self) -> None:
        """Make every token that was given out so far invalid."""
        with self._guard:
            self._revoked_before = self._given

    def discovery(self, origin: str, tenant: str) -> Answer:
        """The OpenID configuration of a tenant."""
        if not self._is_ours(tenant):
            text = f"AADSTS90002: Tenant '{tenant}' not found."
            return json_answer(400, {"error": "invalid_tenant", "error_description": text, "error_codes": [90002]})
        base = f"{origin}/{self.tenant_id}"
        return json_answer(
            200,
            {
                "issuer": f"{base}/v2.0",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "tenant_region_scope": "EU",
            },
        )

    def token(self, origin: str, tenant: str, form: Mapping[str, str]) -> Answer:
        """Answer a request at the token endpoint (RFC 6749 sections 4.1.3 and 4.4)."""
        try:
            return json_answer(200, self._grant(origin, tenant, form))
        except Refused as refused:
            return json_answer(
                refused.status,
                {
                    "error": refused.error,
                    "error_description": f"AADSTS{refused.number}: {refused}",
                    "error_codes": [refused.number],
                },
            )

    def check(self, token: str, audience: str) -> frozenset[str] | None:
        """The roles that a token carries for a resource; None where the token is not valid for it (any more)."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], audience=audience, leeway=0)
        except jwt.InvalidTokenError:
            return None
        with self._guard:
            if claims["number"] <= self._revoked_before:
                return None
        return frozenset(claims["roles"])

    def _is_ours(self, tenant: str) -> bool:
        return tenant.lower() in (self.tenant_id, self.domain)

    def _grant(self, origin: str, tenant: str, form: Mapping[str, str]) -> dict[str, Any]:
        if not self._is_ours(tenant):
            raise Refused("invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if form.get("grant_type") not in ("client_credentials", "authorization_code"):
            raise Refused("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        application = self.applications.get(form.get("client_id", ""))
        if application is None:
            raise Refused("unauthorized_client", 700016, "The application was not found in the directory.")
        self._prove(application, origin, form)
        if not application.enabled:
            raise Refused("unauthorized_client", 7000112, "The application is disabled.")
        if form["grant_type"] == "authorization_code":
            try:
                return self.people.redeem(origin, application.client_id, form)
            except CodeRefused as refused:
                raise Refused("invalid_grant", 70008, str(refused)) from refused
        resource, dot, default = form.get("scope", "").rpartition("/")
        if not dot or default != ".default":
            raise Refused("invalid_scope", 1002012, "The scope must end in /.default.")
        return self._issue(application, resource)

    def _prove(self, application: Application, origin: str, form: Mapping[str, str]) -> None:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != _ASSERTION:
                raise Refused("invalid_request", 900144, "client_assertion_type is missing.")
            self._check_assertion(application, origin, form["client_assertion"])
            return
        given = form.get("client_secret", "")
        if not given:
            raise Refused("invalid_client", 7000218, "client_assertion or client_secret is needed.", 401)
        if not application.secret or not hmac.compare_digest(application.secret.encode(), given.encode()):
            raise Refused("invalid_client", 7000215, "Invalid client secret provided.", 401)

    def _check_assertion(self, application: Application, origin: str, assertion: str) -> None:
        """The assertion of RFC 7523, signed with the key of a registered certificate that its header names."""
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError as error:
            raise Refused("invalid_client", 50027, f"JWT token is invalid or malformed: {error}.", 401) from error
        certificate = next((one for one in application.certificates if _named(header, one)), None)
        if certificate is None:
            raise Refused("invalid_client", 700027, "The certificate is not registered on the application.", 401)
        if certificate.not_valid_after_utc.timestamp() < time.time():
            raise Refused("invalid_client", 1000502, "The provided certificate is not within its validity period.", 401)
        public: Any = certificate.public_key()
        accepted = [f"{origin}/{name}/oauth2/v2.0/token" for name in (self.tenant_id, self.domain)]
        try:
            claims = jwt.decode(
                assertion,
                public,
                algorithms=["RS256", "PS256"],
                audience=accepted,
                leeway=_CLOCK_SKEW,
                options={"require": ["exp", "iss", "sub", "jti", "aud"]},
            )
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
            raise Refused("invalid_client", 700024, "Client assertion is not within its time range.", 401) from error
        except jwt.InvalidAudienceError as error:
            raise Refused("invalid_client", 700023, "Client assertion audience claim is wrong.", 401) from error
        except jwt.InvalidTokenError as error:
            raise Refused("invalid_client", 700027, f"Client assertion failed validation: {error}.", 401) from error
        if claims["iss"] != application.client_id or claims["sub"] != application.client_id:
            raise Refused("invalid_client", 700021, "Client assertion issuer or subject is wrong.", 401)

    def _issue(self, application: Application, resource: str) -> dict[str, Any]:
        with self._guard:
            self._given += 1
            number = self._given
        now = int(time.time())
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "appid": application.client_id,
            "tid": self.tenant_id,
            "roles": sorted(application.roles),
            "iat": now,
            "exp": now + self.lifetime,
            "number": number,
            "jti": secrets.token_hex(8),
        }
        return {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime,
            "access_token": jwt.encode(claims, self._key, algorithm="HS256"),
        }


def _named(header: Mapping[str, Any], certificate: x509.Certificate) -> bool:
    """Whether an assertion's header names this certificate by its thumbprint (x5t, or x5t#S256)."""
    algorithms: tuple[tuple[str, hashes.HashAlgorithm], ...] = (
        ("x5t#S256", hashes.SHA256()),
        ("x5t", hashes.SHA1()),  # noqa: S303 (the field is defined so)
    )
    for name, algorithm in algorithms:
        if name in header:
            thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).rstrip(b"=").decode()
            return hmac.compare_digest(thumbprint.encode(), str(header[name]).rstrip("=").encode())
    return False
