"""ModelBinding: from the resource to the resolved form."""

from collections.abc import Collection, Mapping

from pai.api.modelbinding import ModelBinding, Prices, Timeouts
from pai.errors import RefNotFoundError
from pai.ir import agent as ir
from pai.ir.provider import SecretRef
from pai.translate.secrets import secret_ref
from pai.translate.vendors import ENDPOINTS


def translate_binding(
    resource: ModelBinding, secret_keys: Mapping[str, Collection[str]]
) -> ir.ModelBinding | RefNotFoundError:
    """Return the binding with its endpoint and secret entry, or the reference that is missing."""
    spec = resource.spec
    secret: SecretRef | None = None
    if spec.api_key_secret_ref is not None:
        place = f"ModelBinding {resource.name!r}: spec.apiKeySecretRef"
        wanted = spec.api_key_secret_ref
        found = secret_ref(wanted.name, wanted.key, secret_keys, f"{place}.name", f"{place}.key")
        if isinstance(found, RefNotFoundError):
            return found
        secret = found
    return ir.ModelBinding(
        namespace=resource.namespace,
        name=resource.name,
        provider=spec.provider,
        model=spec.model,
        endpoint=spec.endpoint or ENDPOINTS[spec.provider],
        secret=secret,
        limits=ir.Limits(
            spec.max_tokens_per_day, spec.max_tokens_per_request, spec.max_concurrent_requests
        ),
        timeouts=_timeouts(spec.timeouts),
        retry=ir.Retry(
            spec.retry.max_attempts, spec.retry.min_backoff_ms, spec.retry.max_backoff_ms
        ),
        prices=_prices(spec.prices),
        fallback=spec.fallback,
    )


def _timeouts(timeouts: Timeouts) -> ir.Timeouts:
    return ir.Timeouts(
        timeouts.connect_seconds,
        timeouts.first_byte_seconds,
        timeouts.idle_seconds,
        timeouts.total_seconds,
    )


def _prices(prices: Prices | None) -> ir.Price | None:
    if prices is None:
        return None
    return ir.Price(prices.input, prices.output, prices.cached, prices.reasoning)
