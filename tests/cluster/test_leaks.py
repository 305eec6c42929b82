"""The leak oracle in a cluster: keys are searched for wherever an agent or a tenant can look."""

from functools import partial

import pytest
from tests.cluster.stage.canaries import (
    NAMESPACES,
    SPACE,
    assert_clean,
    canaries_of,
    found_in,
)
from tests.cluster.stage.people import Person, person
from tests.cluster.stage.platform import COMPONENTS, SYSTEM_NAMESPACE, Platform
from tests.e2e.test_leaks import ECHO, WALK, memory_holds, pids_of, processes
from tests.e2e.test_spine import CHAT, NOTES, STREAM

STEPS = ("prepare", "seed", "sidecar", "agent")


@pytest.fixture(scope="module")
def people(
    platform: Platform, probe: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Person]:
    """Somebody with `view`, with `pai-view` alone, and with `pai-edit` alone."""
    make = partial(person, platform, tmp_path_factory.mktemp("people"), namespace=SPACE)
    return {role: make(role, role) for role in ("view", "pai-view", "pai-edit")}


@pytest.fixture(scope="module")
def canaries(platform: Platform, probe: str) -> dict[str, str]:
    """What must be found nowhere, by what it is."""
    return canaries_of(platform)


@pytest.fixture(scope="module", autouse=True)
def used(platform: Platform, probe: str, canaries: dict[str, str]) -> str:
    """Use both keys in every way first; return all that the agent got to see."""
    return "".join(platform.run_in(probe, code, SPACE) for code in (CHAT, STREAM, NOTES, ECHO))


def test_the_search_finds_what_an_administrator_can_read(
    platform: Platform, canaries: dict[str, str]
) -> None:
    said = [platform.kubectl("get", "secrets", "-n", n, "-o", "yaml") for n in NAMESPACES]
    by_control = ("the agent's gateway token", "the key of its TLS door", "edge token of")
    elsewhere = (*by_control, "pai-keys/instance.key/64")  # the latter is in base64 there, not hex
    kept = {what for what in canaries if not what.startswith(elsewhere)}
    assert len(kept) >= 7
    assert kept <= set(found_in("".join(said), canaries))


# --- what the agent can see ---------------------------------------------------------------------


def test_not_in_what_the_agent_received(used: str, canaries: dict[str, str]) -> None:
    assert "x-echo" in used.lower()
    assert "Traceback" not in used
    assert_clean("a response", used, canaries)


def test_not_in_what_the_agent_can_read(
    platform: Platform, probe: str, canaries: dict[str, str]
) -> None:
    """Environment, files, volumes, /proc; the agent may know its own dummies alone."""
    needles = [secret[::-1] for secret in canaries.values()]
    printed = platform.run_in(probe, WALK.replace("{needles!r}", repr(needles)), SPACE)
    assert printed.splitlines() == ["walked"]


# --- what a tenant can see ----------------------------------------------------------------------


@pytest.mark.parametrize("role", ["view", "pai-view", "pai-edit"])
def test_not_in_any_object_that_a_tenant_can_list(
    people: dict[str, Person], canaries: dict[str, str], role: str
) -> None:
    found = people[role].everything()
    kinds = {line.split()[-1] for line in found.splitlines() if line.startswith("  kind: ")}
    assert {"AgentWorkload", "ModelBinding", "Provider"} <= kinds
    assert ({"Pod", "StatefulSet", "ConfigMap", "Event"} <= kinds) is (role == "view")
    assert "managedFields" in found
    assert_clean(f"what {role} can list", found, canaries)


@pytest.mark.parametrize("role", ["view", "pai-view"])
def test_not_in_any_command_s_output(
    people: dict[str, Person], canaries: dict[str, str], probe: str, role: str
) -> None:
    commands = [
        ("status", probe, "-o", "json"),
        ("describe", "agent", probe),
        ("get", "secrets", "-o", "yaml"),
        ("get", "models", "-o", "yaml"),
        ("get", "services", "-o", "yaml"),
        ("get", "agents", "-o", "json"),
        ("describe", "secret", "llm-key"),
        ("audit", probe, "-o", "json"),
        ("usage",),
        ("logs", probe),
        ("logs", probe, "--container", "sidecar"),
    ]
    for command in commands if role == "view" else commands[:3]:
        done = people[role].pai(*command)
        assert done.returncode == 0, (command, done.stderr)
        assert_clean(" ".join(command), done.stdout + done.stderr, canaries)


def test_not_in_what_kubectl_describes(
    platform: Platform, probe: str, canaries: dict[str, str]
) -> None:
    kinds = "all,secrets,configmaps,pvc,events,netpol,agentworkloads,modelbindings,providers"
    for namespace in NAMESPACES:
        said = platform.kubectl("describe", kinds, "-n", namespace)
        assert "Secret" in said or "secret" in said
        assert_clean(f"kubectl describe in {namespace}", said, canaries)


def test_not_in_any_log(platform: Platform, probe: str, canaries: dict[str, str]) -> None:
    for step in STEPS:
        said = platform.kubectl("logs", "-n", SPACE, f"{probe}-0", "-c", step)
        assert_clean(f"the log of {step}", said, canaries)
    for component in COMPONENTS:
        said = platform.logs(component)
        assert said, component
        assert_clean(f"the log of {component}", said, canaries)


@pytest.mark.parametrize("role", ["view", "pai-view", "pai-edit"])
def test_people_without_a_right_to_secrets_get_at_none(
    people: dict[str, Person], probe: str, role: str
) -> None:
    """Nor into a pod, where its role does not say so: pods are not theirs but through `pai`."""
    pod, who = f"{probe}-0", people[role]
    refused = [
        ("get", "secrets"),
        ("get", "secret", "llm-key", "-o", "yaml"),
        ("get", "secret", f"pai-{probe}-sidecar", "-o", "yaml"),
        ("exec", pod, "-c", "agent", "--", "id"),
        ("exec", pod, "-c", "sidecar", "--", "cat", "/etc/pai/bootstrap.json"),
        ("debug", pod, "--image=localhost/pai:latest", "--target=sidecar", "--", "id"),
        ("port-forward", pod, "18081:8081"),
        ("create", "token", "default"),
        ("patch", "agentworkload", probe, "--type=merge", "-p", '{"status":{"phase":"x"}}',
         "--subresource=status"),
        ("get", "--raw", f"/api/v1/namespaces/{SPACE}/pods/{pod}:8084/proxy/livez"),
        ("get", "secrets", "-n", SYSTEM_NAMESPACE),
        ("get", "--raw", f"/apis/platform.pai.io/v1/namespaces/{SYSTEM_NAMESPACE}/secrets"),
    ]  # fmt: skip
    for words in refused:
        done = who.kubectl(*words)
        assert done.returncode != 0, words
        assert "orbidden" in done.stderr, (words, done.stderr)
    entered = who.pai("exec", probe, "--", "id", "-u")
    if role == "pai-edit":
        assert (entered.returncode, entered.stdout.strip()) == (0, "65532")
    else:
        assert entered.returncode == 1
        assert "forbidden" in entered.stderr


# --- what the machine can see -------------------------------------------------------------------


def test_not_in_arguments_or_environments(probe: str, canaries: dict[str, str]) -> None:
    """Of any process of the cluster's machine."""
    mine = [secret.encode() for secret in canaries.values()]
    for pid, cmdline, environ in processes():
        assert not any(secret in cmdline + environ for secret in mine), pid


def test_only_the_processes_that_may_hold_a_key_have_it_in_memory(
    platform: Platform, probe: str
) -> None:
    llm, notes = platform.world.llm_key.encode(), platform.world.notes_key.encode()
    gateways, sidecars, edges, agents = (
        pids_of(*words)
        for words in (("pai.gateway",), ("pai.sidecar",), ("pai.edge",), ("/home/probe/probe.py",))
    )
    assert all((gateways, sidecars, edges, agents))
    assert any(memory_holds(pid, llm) for pid in gateways), "the search itself must work"
    assert any(memory_holds(pid, notes) for pid in sidecars), "the search itself must work"
    assert not any(memory_holds(pid, notes) for pid in gateways)
    for pid in sidecars + edges + agents:
        assert not memory_holds(pid, llm), pid
    for pid in edges + agents:
        assert not memory_holds(pid, notes), pid


def test_not_in_control_s_files(platform: Platform, canaries: dict[str, str]) -> None:
    needles = [secret[::-1] for secret in canaries.values()]
    code = WALK.replace("{needles!r}", repr(needles)).replace('os.walk("/")', 'os.walk("/data")')
    words = ("exec", "-n", SYSTEM_NAMESPACE, "deploy/pai-control", "-c", "control", "--")
    lines = platform.kubectl(*words, "python3", "-c", code).splitlines()
    assert lines[-1:] == ["walked"]
    assert not any(line.startswith("/data") for line in lines)


@pytest.mark.slow
def test_a_database_s_password_shows_nowhere(platform: Platform, probe: str) -> None:
    """A database that is out of reach is when one would be told of it."""
    password = "canary-of-the-database"
    url = f"postgresql://pai:{password}@{platform.cluster.node_ip}:5432/pai"
    words = ("install", "kubernetes", "--no-wait", "--database-url-file", "-")
    said = [platform.pai(*words, stdin=url)]
    try:
        message = platform.wait("a control that says why it ended", partial(last_words, platform))
        assert platform.cluster.node_ip in message
        said += [platform.pai("doctor", check=False), platform.pai("install", *words[1:3])]
        shown = [platform.logs("control"), platform.kubectl("get", LISTED, "-A", "-o", "yaml")]
        shown += [platform.kubectl("describe", LISTED, "-n", SYSTEM_NAMESPACE), message]
        shown += [text for done in said for text in (done.stdout, done.stderr)]
        for text in shown:
            assert_clean("what tells of a database", text, {"its password": password})
    finally:
        platform.install("--sqlite")


# Secrets hold it in base64, which is how an administrator reads it
LISTED = "pods,deployments,replicasets,configmaps,events"


def last_words(platform: Platform) -> str | None:
    """Return what a control said that ended, of those that speak to a database."""
    label = "app.kubernetes.io/component=control"
    for pod in platform.cluster.get("pods", "-n", SYSTEM_NAMESPACE, "-l", label)["items"]:
        for status in pod["status"].get("containerStatuses", ()):
            ended = status["state"].get("terminated") or status["lastState"].get("terminated")
            if ended and "--database-url-file" in pod["spec"]["containers"][0]["command"]:
                return str(ended.get("message", ""))
    return None
