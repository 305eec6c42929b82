"""Containers and volumes of an agent for an engine that speaks the Docker Engine API."""

from pai.render.containers.facts import PAUSE_UID, SIDECAR_PORT, SIDECAR_UID, Facts
from pai.render.containers.manifest import (
    FILES_DIRECTORY,
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
