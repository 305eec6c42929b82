"""Find the plugin of a provider type."""

from pai.providers.http_token import HttpToken
from pai.providers.pending import PENDING_TYPES, Pending
from pai.providers.plugin import ProviderPlugin

_PLUGINS: dict[str, ProviderPlugin] = {
    HttpToken.type: HttpToken(),
    **{name: Pending(name) for name in PENDING_TYPES},
}


def plugin_for(provider_type: str) -> ProviderPlugin:
    """Return the plugin of a type; an unknown one is refused like one that is not served yet."""
    return _PLUGINS.get(provider_type) or Pending(provider_type)


def served_types() -> tuple[str, ...]:
    """Return the types whose requests are served, sorted."""
    return tuple(sorted(name for name, plugin in _PLUGINS.items() if plugin.served))
