"""Pai runs AI agents which nobody has to trust: no key in the agent, every call metered."""

__version__ = "0.1.0"
