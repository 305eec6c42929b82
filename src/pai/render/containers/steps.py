"""The steps of a replica as create bodies of the Docker Engine API.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container; Podman's
compatible API was tried for every field used here.
"""

from typing import Any

import msgspec

from pai.ir.agent import Agent, Resources
from pai.render.containers import volumes
from pai.render.containers.facts import Facts
from pai.render.containers.manifest import FileSpec, VolumeSpec
from pai.render.environment import environment
from pai.render.names import host_name
from pai.render.plan import prepare_plan
from pai.render.seed import PLAN_PATH
from pai.render.shape import (
    FILES_DIRECTORY,
    IMAGE_LAUNCHER,
    PAUSE_UID,
    PREPARE_COMMAND,
    RUN_LAUNCHER,
    SIDECAR_COMMAND,
    SIDECAR_MEMORY_BYTES,
    SIDECAR_UID,
    SMALL_MEMORY_BYTES,
)

Body = dict[str, Any]
Volumes = tuple[VolumeSpec, ...]

AGENT_PIDS = 4096
CPU_PERIOD_MICROSECONDS = 100_000
CPU_QUOTA_MIN_MICROSECONDS = 1000  # less is refused by the kernel
# Podman takes limits from its own configuration unless they are given, and an engine that may not
# raise its own limit fails on a higher one. Processes are bounded by PidsLimit.
ULIMITS = [
    {"Name": "nofile", "Soft": 16384, "Hard": 16384},
    {"Name": "nproc", "Soft": 16384, "Hard": 16384},
]


def pause_body(agent: Agent, facts: Facts, replica: int) -> Body:
    """Own the network namespace and do nothing else."""
    host = _host(pids=8, memory=16 << 20)
    # Queries are redirected to the sidecar whatever stands in resolv.conf; "." keeps the
    # machine's own search domains out of the agent's sight.
    dns = {"Dns": ["127.0.0.1"], "DnsSearch": ["."], "DnsOptions": ["ndots:1"]}
    return {
        "Image": facts.image,
        "Hostname": host_name(agent.key, replica),
        "User": _user(PAUSE_UID),
        "Entrypoint": [IMAGE_LAUNCHER, "pause"],
        "HostConfig": {**host, "ReadonlyRootfs": True, "NetworkMode": facts.network, **dns},
    }


def prepare_body(agent: Agent, facts: Facts, own: Volumes) -> Body:
    """Set the redirect rules and fill the run directory, as root with two capabilities."""
    host = _host(pids=64, memory=SMALL_MEMORY_BYTES)
    host |= {
        "CapAdd": ["NET_ADMIN", "CHOWN"],
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": "size=16m,mode=1777"},
        "Binds": volumes.prepare_binds(agent, own),
    }
    return {
        "Image": facts.image,
        "User": _user(0),
        "Entrypoint": list(PREPARE_COMMAND),
        "Volumes": {FILES_DIRECTORY: {}},
        "HostConfig": host,
    }


def prepare_files(agent: Agent, facts: Facts) -> tuple[FileSpec, ...]:
    """Tell prepare what to do, in the file it reads."""
    plan = prepare_plan(agent, facts)
    content = msgspec.json.encode(plan).decode()
    return (FileSpec(name="prepare.json", uid=0, mode=0o400, content=content),)


def sidecar_body(agent: Agent, facts: Facts, own: Volumes) -> Body:
    """Answer the agent's traffic; the only step that is given credentials."""
    host = _host(pids=64, memory=SIDECAR_MEMORY_BYTES)
    host |= {
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": "size=64m,mode=1777"},
        "Binds": volumes.sidecar_binds(agent, own),
    }
    return {
        "Image": facts.image,
        "User": _user(SIDECAR_UID),
        "Entrypoint": list(SIDECAR_COMMAND),
        "Volumes": {FILES_DIRECTORY: {}},
        "HostConfig": host,
    }


def sidecar_files(facts: Facts) -> tuple[FileSpec, ...]:
    """Name the one secret of a replica; its value never enters a manifest."""
    bootstrap = FileSpec(
        name="bootstrap.json",
        uid=SIDECAR_UID,
        mode=0o400,
        source="sidecar-bootstrap",
        version=facts.bootstrap_version,
    )
    return (bootstrap,)


def seed_body(agent: Agent, own: Volumes) -> Body:
    """Copy config files in the agent's image and as the agent's user, with no network."""
    host = _host(pids=16, memory=SMALL_MEMORY_BYTES)
    host |= {"ReadonlyRootfs": True, "Binds": volumes.seed_binds(agent, own)}
    return {
        "Image": agent.image,
        "User": _user(agent.run_as_user),
        "WorkingDir": "/",
        "Entrypoint": [RUN_LAUNCHER, "seed", PLAN_PATH],
        "HostConfig": {**host, "NetworkMode": "none"},
    }


def agent_body(agent: Agent, facts: Facts, replica: int, own: Volumes) -> Body:
    """Run the untrusted image: no capabilities, no new privileges, no host mounts, own limits."""
    host = _host(pids=AGENT_PIDS) | _resources(agent.resources)
    host["Binds"] = volumes.agent_binds(agent, own)
    env = {**environment(agent, facts), "PAI_REPLICA": str(replica)}
    body: Body = {
        "Image": agent.image,
        "User": _user(agent.run_as_user),
        "Env": [f"{name}={env[name]}" for name in sorted(env)],
        "HostConfig": host,
    }
    return {**body, "Entrypoint": list(agent.command)} if agent.command else body


def _user(uid: int) -> str:
    return f"{uid}:{uid}"


def _host(*, pids: int, memory: int | None = None) -> Body:
    limits = {} if memory is None else {"Memory": memory, "MemorySwap": memory}
    return {
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Privileged": False,
        "IpcMode": "private",
        "PidsLimit": pids,
        "RestartPolicy": {"Name": "no"},
        "Ulimits": ULIMITS,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}},
        **limits,
    }


def _resources(resources: Resources) -> Body:
    """Translate limits; swap is off, so that the memory limit is the limit."""
    given: Body = {}
    if resources.limit_memory_bytes is not None:
        given["Memory"] = given["MemorySwap"] = resources.limit_memory_bytes
    if resources.request_memory_bytes is not None:
        given["MemoryReservation"] = resources.request_memory_bytes
    if resources.limit_cpu_milli is not None:
        # Not NanoCpus: Docker refuses more of those than the machine has processors.
        given["CpuPeriod"] = CPU_PERIOD_MICROSECONDS
        quota = resources.limit_cpu_milli * CPU_PERIOD_MICROSECONDS // 1000
        given["CpuQuota"] = max(quota, CPU_QUOTA_MIN_MICROSECONDS)
    if resources.request_cpu_milli is not None:
        given["CpuShares"] = max(2, resources.request_cpu_milli * 1024 // 1000)
    return given
