"""The few things a sidecar must know before it can ask control for its snapshot."""

import msgspec

from pai.errors import SpecError
from pai.wire.feed import Bootstrap

BOOTSTRAP_PATH = "/etc/pai/bootstrap.json"


def read_bootstrap(path: str = BOOTSTRAP_PATH) -> Bootstrap:
    """Read the bootstrap file.

    Raises SpecError when it is missing or not of the shape; never quotes it.
    """
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=Bootstrap)
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except msgspec.DecodeError:
        raise SpecError(f"{path}: not a bootstrap file") from None
