"""OpenAI's error shape, and the refusals of the contract in it."""

from enum import Enum

import msgspec


class Refused(Enum):
    """Every way the gateway says no: HTTP status, type, code."""

    BAD_TOKEN = (401, "invalid_request_error", "invalid_api_key")
    UNKNOWN_MODEL = (404, "invalid_request_error", "model_not_found")
    UNKNOWN_PATH = (404, "invalid_request_error", "unknown_url")
    WRONG_METHOD = (405, "invalid_request_error", "method_not_allowed")
    NOT_BUILT = (501, "invalid_request_error", "not_implemented")
    BAD_BODY = (400, "invalid_request_error", None)
    TOO_LARGE = (413, "invalid_request_error", "request_too_large")
    ENCODED_BODY = (415, "invalid_request_error", "unsupported_encoding")
    UNSUPPORTED_VENDOR = (501, "invalid_request_error", "vendor_not_served")
    OVER_REQUEST_LIMIT = (400, "invalid_request_error", "max_tokens_per_request")
    BUDGET_SPENT = (429, "insufficient_quota", "insufficient_quota")
    BUDGET_BUSY = (429, "tokens", "rate_limit_exceeded")
    BUDGET_UNAVAILABLE = (503, "server_error", "budget_unavailable")
    VENDOR_REFUSES_KEY = (502, "server_error", "upstream_credential")
    VENDOR_BROKEN = (502, "server_error", "upstream_error")
    VENDOR_BUSY = (503, "server_error", "upstream_unavailable")
    NOT_READY = (503, "server_error", "gateway_not_ready")
    BAD_NAME = (400, "invalid_request_error", "not_a_host_name")
    UNDECLARED_NAME = (403, "invalid_request_error", "name_not_declared")
    NAMES_BUSY = (429, "requests", "rate_limit_exceeded")
    NO_ANSWER = (502, "server_error", "name_not_resolved")

    @property
    def status(self) -> int:
        """HTTP status."""
        status: int = self.value[0]
        return status


def error_body(refused: Refused, message: str, param: str | None = None) -> bytes:
    """Return `{"error": {"message", "type", "param", "code"}}`."""
    _, kind, code = refused.value
    error = {"message": message, "type": kind, "param": param, "code": code}
    return msgspec.json.encode({"error": error})
