"""Other gateways, each started as its own documentation says, in front of the same mock."""

from collections.abc import Mapping

from bench.peers.envoy import envoy, envoy_full
from bench.peers.litellm import litellm
from bench.peers.portkey import portkey
from bench.peers.tensorzero import tensorzero
from bench.target import Start

PEERS: Mapping[str, Start] = {
    "envoy": envoy,
    "envoy full": envoy_full,
    "tensorzero": tensorzero,
    "portkey": portkey,
    "litellm": litellm,
}
