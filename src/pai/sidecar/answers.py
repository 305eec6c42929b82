"""What the agent's DNS questions are answered. Nothing is asked outside on its behalf."""

from collections.abc import Callable

from pai.sidecar.audit import AuditLog
from pai.sidecar.names import Names
from pai.sidecar.state import State
from pai.wire.dns import A, Answer

_UNKNOWN = Answer(known=False)


def answers(
    current: Callable[[], State], names: Names, audit: AuditLog
) -> Callable[[str, int], Answer]:
    """Return the responder's policy: an address for a name that may be reached, else NXDOMAIN.

    Types other than A are empty for such a name: there is one way out, over IPv4 and here.
    """

    def answer(name: str, qtype: int) -> Answer:
        routes = current().routes
        address = names.address_for(name, routes)
        if address is None:
            audit.refuse(f"no such name: {names.refusal(name, routes)}", host=name)
            return _UNKNOWN
        return Answer((address,)) if qtype == A else Answer()

    return answer
