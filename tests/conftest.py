"""Fixtures for every test."""

from tests.engine_fixture import engine, pytest_collection_modifyitems, pytest_generate_tests

__all__ = ["engine", "pytest_collection_modifyitems", "pytest_generate_tests"]
