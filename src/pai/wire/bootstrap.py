"""The few things a process must know before it can ask a control elsewhere for its snapshot."""

import ssl

import msgspec

from pai.errors import SpecError
from pai.wire.feed import Bootstrap, ControlLink

BOOTSTRAP_PATH = "/etc/pai/bootstrap.json"


def read_bootstrap(path: str = BOOTSTRAP_PATH) -> Bootstrap:
    """Read a bootstrap file.

    Raises SpecError when it is missing or can't work; never quotes it.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    try:
        bootstrap = msgspec.json.decode(content, type=Bootstrap)
        ControlLink.remote(bootstrap).close()
    except (msgspec.DecodeError, ValueError, ssl.SSLError):  # their texts could quote it
        raise SpecError(f"{path}: not a bootstrap file") from None
    return bootstrap
