"""What the prepare step of a replica is told, as JSON at /etc/pai/prepare.json in its container.

Emitted by `pai.render`, read by `pai.runtime.prepare`. Shape: docs/internals.md.
"""

import msgspec

PREPARE_PLAN_PATH = "/etc/pai/prepare.json"


class VolumeOwner(msgspec.Struct, frozen=True):
    """A volume's mount path in the prepare container and the UID (and GID) it is for."""

    path: str
    uid: int


class PreparePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything prepare does.

    ca_pem: this instance's CA. extra_ca_pem: joins the bundle only. volumes: owned by the agent
    when they are fresh. seed_plan: text of docs/internals.md, empty = nothing to seed.
    seed_files: name to content, written below /run/pai/seed; the plan's SOURCE fields name them.
    rules: put the packet rules in force; without them the step needs no privilege at all.
    inbound_ports: what the rules admit from outside, ports of the sidecar.
    """

    ca_pem: str
    extra_ca_pem: str = ""
    volumes: tuple[VolumeOwner, ...] = ()
    seed_plan: str = ""
    seed_files: dict[str, str] = {}
    sidecar_uid: int = 65531
    rules: bool = True
    inbound_ports: tuple[int, ...] = (8082,)
