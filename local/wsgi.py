"""What WSGI apps before another one share: their types, and errors as AWS' clients read them."""

import json
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


def error_body(asked_in: str, code: str, message: str) -> tuple[bytes, str]:
    """Body and content type of an error, by the content type of the request.

    It is in the words of an AWS protocol, so that any client shows its message.
    """
    if "json" in asked_in:
        return json.dumps({"__type": code, "message": message}).encode(), asked_in
    fault = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    # S3 has the error by itself, the query protocol a list of them: clients find theirs in both.
    body = f"<ErrorResponse><Errors>{fault}</Errors>{fault}</ErrorResponse>"
    return body.encode(), "text/xml"
