"""render/containers."""
