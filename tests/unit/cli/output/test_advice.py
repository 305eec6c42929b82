from pai.cli.output.advice import ADVICE, advice
from pai.reconcile.reasons import REASONS

# Nothing to do about these: they pass by themselves, are wished for, or are fine.
NOBODY_ACTS = {
    "Active",
    "Deleting",
    "NotBuilt",
    "PacketRules",
    "Resolved",
    "Served",
    "Serving",
    "Starting",
    "WaitsItsTurn",
    "WithinBudget",
}


def test_every_reason_has_advice_or_needs_none() -> None:
    assert set(ADVICE) | NOBODY_ACTS == set(REASONS)
    assert not set(ADVICE) & NOBODY_ACTS


def test_each_sentence_is_told_once_and_names_the_agent() -> None:
    conditions = [
        {"type": kind, "status": "False", "reason": "Exited"} for kind in ("Ready", "Accepted")
    ]
    agent = {"metadata": {"name": "a"}, "status": {"conditions": conditions}}
    [sentence] = advice(agent)
    assert "pai logs a" in sentence
