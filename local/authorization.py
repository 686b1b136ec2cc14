"""The embedded account refuses what IAM would: functions, jobs and machines have their roles alone.

Whoever signs with another access key id is a person with every right.
"""

from collections.abc import Iterable
from typing import Any

from local.actions import Need, Request, needs_of
from local.calls import signed_request
from local.permissions import allowed
from local.roles import grants_of_role, role_of
from local.wsgi import App, Environ, StartResponse, error_body


class Authorizer:
    """A WSGI app before another one; a call that its caller's role does not allow ends here."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Passes a request on, or answers as AWS does where a grant is missing."""
        signed = signed_request(environ)
        if signed is None:
            return self._app(environ, start_response)
        who, request = signed
        if missing := first_missing(who, needs_of(request)):
            return _refused(who, request, missing, start_response)
        answered: list[tuple[Any, ...]] = []
        body = self._app(environ, lambda *answer: answered.append(answer))
        known = request.answered(int(answered[0][0][:3]))
        # Who may not list a bucket is not told that an object is gone.
        if known is not request and (missing := first_missing(who, needs_of(known))):
            return _refused(who, request, missing, start_response)
        start_response(*answered[0])
        return body


def first_missing(who: str, needs: Iterable[Need]) -> Need | None:
    """The first of some needs that the role of somebody does not grant; None where all are."""
    role = role_of(who)
    grants = grants_of_role(role) if role else []
    return next((need for need in needs if not allowed(grants, *need)), None)


def refusal(who: str, missing: Need) -> str:
    """What AWS says to whoever lacks a grant."""
    action, resource = missing
    return (
        f"{who} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy of its role allows the {action} action"
    )


def _refused(
    who: str, request: Request, missing: Need, start_response: StartResponse
) -> Iterable[bytes]:
    if request.service == "s3":
        asked_in, code = "application/xml", "AccessDenied"
    else:
        asked_in, code = request.headers.get("content-type") or "json", "AccessDeniedException"
    body, kind = error_body(asked_in, code, refusal(who, missing))
    body = b"" if request.method == "HEAD" else body
    # Services that name the operation in a header answer 400, the others 403.
    status = "400 Bad Request" if request.operation else "403 Forbidden"
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("x-amzn-ErrorType", code),
    ]
    start_response(status, headers)
    return [body]
