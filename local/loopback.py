"""The endpoint answers programs of this machine alone, and no web page that is open on it.

It listens on loopback only, which keeps other machines out. A web page reaches it all the same,
through the browser of whoever works here: by its address, which a browser marks with `Origin` or
`Sec-Fetch-Site`, or by a foreign name that is made to mean 127.0.0.1 (DNS rebinding), which
stands in `Host`. AWS's clients send neither.
"""

import re
from collections.abc import Iterable

from local.wsgi import App, Environ, StartResponse, error_body

# S3's clients put a bucket's name before `localhost` where they are told to. No other name than
# one below localhost is sure to mean this machine (RFC 6761).
_THIS_MACHINE = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9._-]+\.)?localhost)(:\d*)?", re.I)


class ThisMachineOnly:
    """A WSGI app before another one, that refuses what no program of this machine sends."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Passes a request on, or answers 403: a browser's preflight, too."""
        reason = _refusal(environ)
        if not reason:
            return self._app(environ, start_response)
        body, kind = error_body(environ.get("CONTENT_TYPE", ""), "AccessDenied", reason)
        start_response(
            "403 Forbidden", [("Content-Type", kind), ("Content-Length", str(len(body)))]
        )
        return [body]


def _refusal(environ: Environ) -> str:
    """Why a request is refused; "" where it is not."""
    if not _THIS_MACHINE.fullmatch(environ.get("HTTP_HOST", "")):
        return (
            "the embedded runtime is for programs of this machine: call it by 127.0.0.1 or "
            "localhost"
        )
    # "none" is an address that a person typed or pasted, as of a presigned link.
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
        return "the embedded runtime does not answer web pages"
    return ""
