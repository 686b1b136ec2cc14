"""Lambda's own API on moto: invocations go to the host."""

import base64
from typing import Any

from moto.awslambda.exceptions import LambdaClientError, UnknownFunctionException
from moto.awslambda.models import LambdaFunction

from local.functions.calls import TooManyRequests, UnknownFunction
from local.functions.failures import report
from local.functions.host import FunctionHost

_stock_invoke = LambdaFunction.invoke


def install(host: FunctionHost) -> None:
    """Has moto's Lambda run functions in `host`: over its API, and from its other services.

    Stock moto runs Docker containers in `LambdaFunction._invoke_lambda`. Its caller is replaced
    and not it alone, since only that one sees how the function is invoked.
    """

    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        payload = body.encode() if isinstance(body, str) else body or b"{}"
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        try:
            if kind == "Event":
                host.invoke_later(self.function_name, payload)
            if kind != "RequestResponse":
                return b""
            invocation = host.invoke(self.function_name, payload)
        except UnknownFunction as error:
            raise UnknownFunctionException(self.function_arn) from error
        except TooManyRequests as error:
            report(self.function_name, payload, "TooManyRequestsException", "Rate Exceeded.")
            throttled = LambdaClientError("TooManyRequestsException", "Rate Exceeded.")
            throttled.code = 429
            raise throttled from error
        if invocation.error:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-executed-version"] = "$LATEST"
        tail = base64.b64encode(invocation.log_tail.encode())
        response_headers["x-amz-log-result"] = tail.decode()
        return invocation.payload

    LambdaFunction.invoke = invoke


def uninstall() -> None:
    """Gives moto its own function back."""
    LambdaFunction.invoke = _stock_invoke
