"""`make demo`: `python -m scripts.demo`; with `--stop` end the demo's own servers and `pai up`."""

import os
import sys
import time
from pathlib import Path

import yaml
from scripts.demonstration import platform
from scripts.demonstration.failure import DemoError
from scripts.demonstration.outside import NOTES_HOST, Outside
from scripts.demonstration.vendor import Vendor, chosen, first_model
from scripts.engine_api import EngineCallError

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
TEXT = (
    "An agent reads what strangers write, and some of it is written to make the agent misbehave. "
    "Whoever runs one gives it keys, and the keys are what a stranger wants. "
    "Keys that the agent never holds can't be taken from it. "
    "A budget that it can't pass bounds what a mistake costs. "
    "What it may reach is a list that a person wrote, and everything else is refused and noted."
)


def own_documents(vendor: Vendor, key: str, notes_token: str) -> str:
    """Return the ModelBinding and Secrets that the quickstart needs, for `pai apply -f -`.

    Holds keys: it goes through a pipe and nowhere else.
    """
    spec: dict[str, object] = {
        "provider": vendor.provider,
        "model": vendor.model,
        "maxTokensPerDay": 500_000,
        "apiKeySecretRef": {"name": "llm-key"},
    }
    if vendor.endpoint:
        spec["endpoint"] = vendor.endpoint
    documents = (
        ("Secret", "llm-key", {"stringData": {"token": key}}),
        ("Secret", "notes-key", {"stringData": {"token": notes_token}}),
        ("ModelBinding", "gpt", {"spec": spec}),
    )
    text: str = yaml.safe_dump_all(
        {"apiVersion": "pai.io/v1", "kind": kind, "metadata": {"name": name}, **content}
        for kind, name, content in documents
    )
    return text


def vendor_with_key(outside: Outside) -> tuple[Vendor, str]:
    """Return the model to ask and its key; the scripted server is started when it is that."""
    vendor = chosen()
    if vendor and vendor.variable:
        key = os.environ.get(vendor.variable) or "none"
        if not vendor.model and vendor.endpoint:
            vendor = vendor._replace(model=first_model(vendor.endpoint, key))
        return vendor, key
    endpoint = outside.start_scripted_llm()
    return Vendor("scripted", "openai", "scripted-1", endpoint, None), outside.key("llm")


def run() -> None:
    """Start everything, let the agent work once, print the picture."""
    started = time.monotonic()
    outside = Outside(BUILD / "demo")
    engine = (BUILD / "engine").read_text().strip()
    vendor, key = vendor_with_key(outside)
    if vendor.variable:
        say(f"model: {vendor.model} at {vendor.name}; the key is taken from {vendor.variable}")
    else:
        say(f"model: no key here, so Pai's own *scripted* model server answers ({vendor.endpoint})")
    instance = platform.start(engine)
    address = platform.bridge_address(platform.engine_url(engine), instance)
    notes = outside.start_notes(address)
    if platform.know_outside(NOTES_HOST, notes, outside.ca_file):
        platform.pai("down", "--keep-agents")
        platform.start(engine)
    say(f"platform up ({time.monotonic() - started:.1f} s); notes service at https://{NOTES_HOST}")
    own = own_documents(vendor, key, outside.key("notes"))
    quickstart = str(ROOT / "examples" / "quickstart")
    platform.pai("apply", "-f", "-", "-f", quickstart, "--wait", stdin=own)
    say(f"agent running ({time.monotonic() - started:.1f} s); posting a text to it")
    status = platform.agent_status("quickstart")
    url = str(status["url"])
    done = platform.post_work(url, TEXT)
    platform.wait_for_tokens("quickstart", status.get("tokensToday", 0))
    show(url, done, vendor)
    say(f"all of it took {time.monotonic() - started:.1f} s")


def show(url: str, done: dict[str, object], vendor: Vendor) -> None:
    """Print what happened and how to go on."""
    steps = done["steps"] if isinstance(done["steps"], list) else []
    print("\n── pai status quickstart " + "─" * 54)
    print(platform.pai("status", "quickstart").rstrip())
    print("\n── what the agent did " + "─" * 57)
    for number, step in enumerate(steps, 1):
        print(f"  {number}. {step}")
    print(f"  {done['tokens']} tokens of {done['model']}")
    print("\n── pai audit quickstart " + "─" * 55)
    print(platform.pai("audit", "quickstart", "--limit", "4").rstrip())
    print("\n── look at it " + "─" * 65)
    print(f"  report        {url.rstrip('/')}{done['path']}")
    print(f"  all reports   {url}")
    print("\n── go on " + "─" * 70)
    print("  . .venv/bin/activate")
    print("  pai logs quickstart            the keys it holds are dummies")
    print("  pai usage                      tokens by agent and model")
    print("  pai exec quickstart -- env     nothing of value in its environment")
    if not vendor.variable:
        print("  OPENAI_API_KEY=… make demo     the same with a real model")
    print("  make demo-stop                 end the platform and the demo's servers\n")


def stop() -> None:
    """End the platform and the demo's servers; resources and volumes stay."""
    if platform.instance() is not None:
        platform.pai("down")
        say("platform stopped")
    for name in Outside(BUILD / "demo").stop():
        say(f"{name} stopped")


def say(line: str) -> None:
    """Print one line of progress."""
    print(f"· {line}", flush=True)


def main() -> int:
    """Run or stop the demo; one line and exit 1 when that can't be done."""
    try:
        if sys.argv[1:] == ["--stop"]:
            stop()
        else:
            run()
    except (DemoError, EngineCallError, OSError) as error:
        print(f"error: demo: {error}", file=sys.stderr)
        print("hint:  pai doctor says what is wrong with the platform", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
