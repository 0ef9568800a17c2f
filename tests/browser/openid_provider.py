"""An OpenID Connect provider (authorization code flow) with people who need no password."""

import json
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "mlp-lab"


@contextmanager
def provider(people: Sequence[str]) -> Iterator[str]:
    """Whoever signs in is the next of these people; yields the address of the provider's metadata."""
    key = RSAKey.generate_key(2048, {"kid": "one"})
    coming, promised = iter(people), dict[str, tuple[str, str]]()

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            match address.path:
                case "/.well-known/openid-configuration":
                    self._answer(
                        {
                            "issuer": issuer,
                            "authorization_endpoint": f"{issuer}/authorize",
                            "token_endpoint": f"{issuer}/token",
                            "jwks_uri": f"{issuer}/keys",
                            "id_token_signing_alg_values_supported": ["RS256"],
                        }
                    )
                case "/authorize":
                    code = secrets.token_hex(8)
                    promised[code] = next(coming), asked["nonce"]
                    self.send_response(302)
                    answer = urlencode({"code": code, "state": asked["state"]})
                    self.send_header("Location", f"{asked['redirect_uri']}?{answer}")
                    self.end_headers()
                case "/keys":
                    self._answer({"keys": [key.as_dict(private=False)]})
                case _:
                    self.send_error(404)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            person, nonce = promised.pop(form["code"][0])
            now = int(time.time())
            claims = {"iss": issuer, "sub": person.lower(), "aud": CLIENT, "nonce": nonce, "name": person}
            token = jwt.encode({"alg": "RS256", "kid": "one"}, claims | {"iat": now, "exp": now + 600}, key)
            self._answer({"access_token": "any", "token_type": "Bearer", "id_token": token})

        def _answer(self, content: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("localhost", 0), Provider) as server:
        issuer = f"http://localhost:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{issuer}/.well-known/openid-configuration"
        server.shutdown()
