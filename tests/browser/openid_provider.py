"""A provider of OpenID Connect on loopback: it logs in, without asking, whom a test names."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "photosearch-test", "a secret that both know"
LIFETIME_S = 300
SCOPES = "openid email profile"


class Provider:
    """What the provider knows; a test sets who logs in next, and what is wrong with the token."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.key = RSAKey.generate_key(2048, parameters={"kid": "1", "use": "sig", "alg": "RS256"})
        self.claims: dict[str, object] = {}  # of who logs in next; they replace those of a right token
        self.signing_key = self.key  # another: its tokens are forged
        self.is_down = False  # it closes connections without an answer
        self.given: dict[str, dict[str, str]] = {}  # what was asked for, by the code that was given for it

    def metadata(self) -> dict[str, object]:
        """Say where everything is (OpenID Connect Discovery 1.0, section 3)."""
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Give a code; return the address to which the visitor is sent back."""
        if asked["client_id"] != CLIENT_ID or asked["response_type"] != "code" or "openid" not in asked["scope"]:
            raise ValueError(f"this is no request for a code: {asked}")
        code = secrets.token_urlsafe()
        self.given[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, object]:
        """Give a token for a code, once, to the one that asked for it."""
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.given.pop(form["code"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if authorization != f"Basic {expected}" or challenge.decode() != asked["code_challenge"]:
            raise ValueError("this is not the client that asked for the code")
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "sub": "1",
            "iat": now,
            "exp": now + LIFETIME_S,
            "nonce": asked["nonce"],
            **self.claims,
        }
        id_token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signing_key)
        return {"access_token": "a", "token_type": "Bearer", "expires_in": LIFETIME_S, "id_token": id_token}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            self._answer(self.provider.metadata())
        elif parts.path == "/jwks":
            self._answer({"keys": [self.provider.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(_fields(parts.query)))
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        form = _fields(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(self.provider.token(form, self.headers.get("Authorization", "")))

    def handle_one_request(self) -> None:
        if self.provider.is_down:
            self.close_connection = True
        else:
            super().handle_one_request()

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def _fields(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextmanager
def providing() -> Iterator[Provider]:
    """Run the provider until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        _Handler.provider = Provider(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield _Handler.provider
        server.shutdown()
