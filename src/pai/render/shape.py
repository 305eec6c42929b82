"""What every replica is made of, whatever runs it: users, ports, programs, amounts."""

PAUSE_UID = 65530
SIDECAR_UID = 65531

SIDECAR_PORT = 8082
PUBLIC_PORT = 8083
PROBE_PORT = 8084

RUN_DIRECTORY = "/run/pai"
VOLUMES_DIRECTORY = "/run/pai-volumes"
CONFIG_DIRECTORY = "/run/pai-config"
EXPOSE_DIRECTORY = "/agent"
FILES_DIRECTORY = "/etc/pai"

IMAGE_LAUNCHER = "/opt/pai/bin/launcher"
RUN_LAUNCHER = f"{RUN_DIRECTORY}/launcher"
PREPARE_COMMAND = ("python3", "-m", "pai.runtime.prepare")
SIDECAR_COMMAND = ("python3", "-m", "pai.sidecar")
SIDECAR_LEAVE_COMMAND = ("python3", "-ISc", "import os, signal; os.kill(1, signal.SIGUSR1)")

SIDECAR_MEMORY_BYTES = 256 << 20
SIDECAR_TEMPORARY_BYTES = 64 << 20
SMALL_MEMORY_BYTES = 128 << 20
