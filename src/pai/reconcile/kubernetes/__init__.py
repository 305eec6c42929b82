"""The thinking for Kubernetes: which objects to apply or delete, and what its pods tell. Pure."""

from pai.reconcile.kubernetes.actions import Action, Apply, Delete, Patch
from pai.reconcile.kubernetes.address import public_address
from pai.reconcile.kubernetes.observed import Json, Observed, Ref, ref_of
from pai.reconcile.kubernetes.plan import Plan, plan
from pai.reconcile.kubernetes.pods import PodState, pod_states
from pai.reconcile.kubernetes.step import Step, leaving_step, next_step

__all__ = [
    "Action",
    "Apply",
    "Delete",
    "Json",
    "Observed",
    "Patch",
    "Plan",
    "PodState",
    "Ref",
    "Step",
    "leaving_step",
    "next_step",
    "plan",
    "pod_states",
    "public_address",
    "ref_of",
]
