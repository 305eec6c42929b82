"""Generators of committed files; see scripts/generate.py."""
