import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.control.identity import Identities, SidecarClaim
from pai.store.instance_key import InstanceKey

ours = Identities(InstanceKey(b"k" * 32))
theirs = Identities(InstanceKey(b"l" * 32))
UID = "0b7c1c53-5a8e-4c55-9f50-2d5e3b0f3a11"


@given(replica=st.integers(0, 999))
def test_a_credential_proves_agent_and_replica(replica: int) -> None:
    credential = ours.sidecar_credential(UID, replica)
    assert ours.sidecar_claim(credential) == SidecarClaim(UID, replica)
    assert theirs.sidecar_claim(credential) is None


@given(st.text())
def test_any_text_is_no_credential(text: str) -> None:
    assert ours.sidecar_claim(text) is None


@pytest.mark.parametrize("replica", ["", "00", "-1", "1e3", "²", "999999", "0 "])
def test_a_replica_is_written_in_one_way_only(replica: str) -> None:
    mac = ours.sidecar_credential(UID, 0).rpartition(".")[2]
    assert ours.sidecar_claim(f"pai_sc.{UID}.{replica}.{mac}") is None


def test_every_token_differs_by_agent_and_by_use() -> None:
    tokens = [
        *(ours.gateway_token(uid) for uid in ("a", "b")),
        *(ours.edge_token(uid) for uid in ("a", "b")),
        *(ours.dummy(uid, "openai", place) for uid in ("a", "b") for place in ("llm", "p")),
        theirs.gateway_token("a"),
    ]
    assert len(set(tokens)) == len(tokens)
    digest = hashlib.sha256(ours.gateway_token("a").encode()).hexdigest()
    assert ours.gateway_token_sha256("a") == digest
    assert ours.dummy("a", "openai", "llm").startswith("sk-")
