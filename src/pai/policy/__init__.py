"""Decide whether a request to an outside service may pass. Pure; called by the sidecar."""
