"""Agents as containers, over the Docker Engine API of Docker or Podman."""

from pai.runtime.containers.adapter import ContainerRuntime
from pai.runtime.containers.find import find_socket

__all__ = ["ContainerRuntime", "find_socket"]
