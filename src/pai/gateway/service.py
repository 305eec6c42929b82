"""What each path does, and what every request has in common: identity, headers, counting."""

import hmac
from collections.abc import Callable
from itertools import count
from time import monotonic

from pai.dialect.openai import Refused, model_body, models_body
from pai.gateway.chat import Chat
from pai.gateway.counters import Counters
from pai.gateway.desk import Desk
from pai.gateway.names import Names
from pai.gateway.refusal import JSON, Failure, refuse
from pai.gateway.routes import AgentRoutes, RouteTable
from pai.ir.snapshot import GatewaySnapshot, Network
from pai.wire import tls
from pai.wire.client import ClientPool
from pai.wire.dial import Dialer
from pai.wire.dns.over_gateway import PATH as NAMES_PATH
from pai.wire.exchange import Exchange
from pai.wire.limits import ClientLimits
from pai.wire.message import ClientGone, Headers, first

# Models that think before they answer are silent for minutes.
_LIMITS = ClientLimits(first_byte_seconds=600.0, idle_seconds=300.0)
# The vendors' own base paths: an agent with a hard-coded URL is led here too.
_BASES = (b"/v1", b"/api/v1", b"/v1beta/openai")
_CHAT = frozenset(base + b"/chat/completions" for base in _BASES)
_MODELS = frozenset(base + b"/models" for base in _BASES)
_ONE_MODEL = tuple(base + b"/models/" for base in _BASES)
_NOT_BUILT = (
    b"/v1/responses",
    b"/v1/completions",
    b"/v1/embeddings",
    b"/v1/messages",
    b"/v1beta/models/",
)
_SERVED = "served are POST /v1/chat/completions and GET /v1/models"
_PRIVATE = frozenset((b"127.0.0.1", b"::1"))


class Service:
    """One worker's request handler. credential: opens the metrics, on loopback only."""

    def __init__(self, desk: Desk, worker: str, credential: Callable[[], str]) -> None:
        self.desk = desk
        self.counters = Counters()
        self._worker = worker
        self._name = worker.encode()
        self._credential = credential
        self._chat = Chat(desk)
        self._names = Names()
        self._table: RouteTable | None = None
        self._pool: ClientPool | None = None
        self._network: Network | None = None
        self._ids = count(1)

    def apply(self, snapshot: GatewaySnapshot) -> None:
        """Work by a new snapshot from now on; running requests end by the old one."""
        table = RouteTable(snapshot)
        if self._network != snapshot.network:
            context = tls.client_context(snapshot.network.extra_ca_pem)
            # the old pool's idle connections close by themselves
            self._pool = ClientPool(Dialer(snapshot.network, declared=True), context, _LIMITS)
            self._network = snapshot.network
        self._names.apply(snapshot)
        before, self._table = self._table, table
        self.desk.wait_seconds = snapshot.wait_for_budget_seconds
        self._chat.learn = snapshot.uncounted_input == "learn"
        if before is not None:
            old = before.limits
            self.desk.press(
                [each for each, limit in table.limits.items() if old.get(each) != limit]
            )

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        started = monotonic()
        counters = self.counters
        counters.active += 1
        own: Headers = [(b"x-pai-request-id", b"%b-%d" % (self._name, next(self._ids)))]
        try:
            failure = await self._dispatch(exchange, own)
            status = 200 if failure is None else await refuse(exchange, failure, own)
            counters.statuses[status] += 1
        except ClientGone:
            counters.client_gone += 1
        finally:
            counters.active -= 1
            counters.seconds += monotonic() - started

    async def _dispatch(self, exchange: Exchange, own: Headers) -> Failure | None:
        head = exchange.head
        authorization = first(head.headers, b"authorization")
        if head.path == b"/metrics" and self._may_read_metrics(exchange, authorization):
            await self._metrics(exchange)
            return None
        table, pool = self._table, self._pool
        if table is None or pool is None:
            return Failure(Refused.NOT_READY, "the gateway has not heard from control yet", None, 1)
        agent = table.agent(authorization)
        if agent is None:
            return Failure(Refused.BAD_TOKEN, "the token is not that of an agent")
        if head.path in _CHAT:
            if head.method != b"POST":
                return Failure(Refused.WRONG_METHOD, "use POST")
            return await self._chat.serve(exchange, agent, pool, own)
        if head.path in _MODELS or head.path.startswith(_ONE_MODEL):
            if head.method != b"GET":
                return Failure(Refused.WRONG_METHOD, "use GET")
            return await _models(exchange, agent, own)
        if head.path == NAMES_PATH:
            return await self._names.serve(exchange, agent.id, own)
        if head.path.startswith(_NOT_BUILT):
            return Failure(Refused.NOT_BUILT, f"this API is not served yet; {_SERVED}")
        return Failure(Refused.UNKNOWN_PATH, f"there is nothing at this path; {_SERVED}")

    def _may_read_metrics(self, exchange: Exchange, authorization: bytes | None) -> bool:
        if exchange.local[0].encode() not in _PRIVATE or not authorization:
            return False
        credential = self._credential()
        return bool(credential) and hmac.compare_digest(
            authorization, b"Bearer " + credential.encode()
        )

    async def _metrics(self, exchange: Exchange) -> None:
        waiting, failures = len(self.desk.account.line), self.desk.failures
        text = self.counters.text(self._worker, waiting, failures)
        await exchange.respond(200, [(b"content-type", b"text/plain; version=0.0.4")], text)


async def _models(exchange: Exchange, agent: AgentRoutes, own: Headers) -> Failure | None:
    path = exchange.head.path
    if path in _MODELS:
        owners = [(route.name, route.binding.provider) for route in agent.routes]
        await exchange.respond(200, [JSON, *own], models_body(owners))
        return None
    name = path.partition(b"/models/")[2].decode("ascii", "replace").replace("%2F", "/")
    chain = agent.chain(name)
    if not chain:
        names = ", ".join(agent.names) or "none"
        message = f"this agent has no model of that name; its models: {names}"
        return Failure(Refused.UNKNOWN_MODEL, message, "model")
    body = model_body(name, chain[0].binding.provider)
    await exchange.respond(200, [JSON, *own], body)
    return None
