"""What the prepare step of a replica is told, as JSON at /etc/pai/prepare.json in its container.

Emitted by `pai.render.containers`, read by `pai.runtime.prepare`. Shape: docs/internals.md.
"""

import msgspec

PREPARE_PLAN_PATH = "/etc/pai/prepare.json"


class VolumeOwner(msgspec.Struct, frozen=True):
    """A volume's mount path in the prepare container and the UID (and GID) it is for."""

    path: str
    uid: int


class PreparePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything prepare does, besides the rules, which are the same for every replica.

    ca_pem: this instance's CA. extra_ca_pem: joins the bundle only. volumes: owned by the agent
    when they are fresh. seed_plan: text of docs/internals.md, empty = nothing to seed.
    seed_files: name to content, written below /run/pai/seed; the plan's SOURCE fields name them.
    """

    ca_pem: str
    extra_ca_pem: str = ""
    volumes: tuple[VolumeOwner, ...] = ()
    seed_plan: str = ""
    seed_files: dict[str, str] = {}
    sidecar_uid: int = 65531
