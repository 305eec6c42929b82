"""The way to the container engine: found when it is needed, found again when it moved."""

from collections.abc import Callable

from pai.ir.settings import Settings
from pai.runtime.containers.adapter import ContainerRuntime
from pai.runtime.containers.find import find_socket
from pai.runtime.protocol import Runtime, SecretFile

Connect = Callable[[Settings, str, SecretFile], Runtime]


def connect_engine(settings: Settings, instance: str, secret_file: SecretFile) -> Runtime:
    """Return the engine that the settings name. Raises EngineUnavailableError, SpecError."""
    return ContainerRuntime(find_socket(settings.engine), instance, secret_file)


class EngineDoor:
    """Connects once the engine can be found; every use may raise EngineUnavailableError."""

    def __init__(self, connect: Callable[[], Runtime]) -> None:
        self._connect = connect
        self._runtime: Runtime | None = None

    def use(self) -> Runtime:
        """Return the engine. Raises EngineUnavailableError, SpecError."""
        if self._runtime is None:
            self._runtime = self._connect()
        return self._runtime

    async def close(self) -> None:
        """Let go of the engine; containers go on."""
        if self._runtime is not None:
            await self._runtime.close()
