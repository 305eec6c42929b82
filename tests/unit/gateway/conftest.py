"""The gateway's processes are tested on the kernel's own stage."""

from tests.unit.wire.conftest import kernel, pytest_asyncio_loop_factories

__all__ = ["kernel", "pytest_asyncio_loop_factories"]
