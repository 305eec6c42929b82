"""Containers and volumes of an agent for an engine that speaks the Docker Engine API."""

from pai.render.containers.facts import Facts
from pai.render.containers.manifest import (
    ONE_SHOT,
    STEPS,
    Container,
    FileSpec,
    Manifest,
    Step,
    VolumeSpec,
    images_of,
)
from pai.render.containers.replica import render
from pai.render.shape import FILES_DIRECTORY, PAUSE_UID, SIDECAR_PORT, SIDECAR_UID

__all__ = [
    "FILES_DIRECTORY",
    "ONE_SHOT",
    "PAUSE_UID",
    "SIDECAR_PORT",
    "SIDECAR_UID",
    "STEPS",
    "Container",
    "Facts",
    "FileSpec",
    "Manifest",
    "Step",
    "VolumeSpec",
    "images_of",
    "render",
]
