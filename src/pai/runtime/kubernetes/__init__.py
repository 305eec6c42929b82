"""Agents' objects on a cluster: what mirrors show of them, and carrying out what was planned."""
