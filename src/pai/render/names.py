"""Names of objects in an engine: legal, at most 63 characters, never the same for two things.

A name is cut when it would be too long; what was cut is then told by a hash behind a dot. As no
agent's name holds a dot, a cut name never equals an uncut one.
"""

import hashlib

from pai.ir.agent import AgentKey

MAX_LENGTH = 63
_SCOPE_LENGTH = 30
_HASH_LENGTH = 12


def container_name(instance: str, key: AgentKey, replica: int, step: str) -> str:
    """Return the name of one step's container, `pai-INSTANCE-AGENT-REPLICA-STEP`."""
    return f"pai-{instance}-{scope(key)}-{replica}-{step}"


def volume_name(instance: str, key: AgentKey, replica: int, volume: str) -> str:
    """Return the name of one replica's volume; the same for a later agent of that name."""
    mark = _hash(instance, key.namespace, key.name, str(replica), volume)
    return f"pai-{instance}-{key.name[:16]}-{replica}-{volume[:8]}.{mark}"


def network_name(instance: str) -> str:
    """Return the name of the one network of a platform."""
    return f"pai-{instance}"


def host_name(key: AgentKey, replica: int) -> str:
    """Return the host name a replica sees; at most 46 characters."""
    return f"{key.name}-{replica}"


def scope(key: AgentKey) -> str:
    """Return what stands for an agent in names: its own name where that is short and enough."""
    if key.namespace == "default" and len(key.name) <= _SCOPE_LENGTH:
        return key.name
    short = key.name[: _SCOPE_LENGTH - _HASH_LENGTH - 1]
    return f"{short}.{_hash(key.namespace, key.name)}"


def _hash(*parts: str) -> str:
    text = "\0".join(parts).encode()
    return hashlib.sha256(text).hexdigest()[:_HASH_LENGTH]
