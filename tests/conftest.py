"""Fixtures for every test."""

import gc

from hypothesis import HealthCheck, settings
from tests.engine_fixture import engine, pytest_generate_tests
from tests.failures_as_they_come import pytest_runtest_logreport, pytest_sessionstart
from tests.postgres_fixture import durable_postgres, new_database, postgres
from tests.worker_groups import pytest_xdist_make_scheduler

__all__ = [
    "durable_postgres",
    "engine",
    "new_database",
    "postgres",
    "pytest_collection_finish",
    "pytest_generate_tests",
    "pytest_runtest_logreport",
    "pytest_sessionstart",
    "pytest_xdist_make_scheduler",
]


# How long an example takes says something of the machine, which has other work besides.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """Spare thousands of collected tests from every search for garbage."""
    gc.collect()
    gc.freeze()
