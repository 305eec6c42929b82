"""What refusals mean to authors."""

import pytest

from pai.api.fault import DocumentErrors
from pai.errors import ConflictError, NotFoundError, PaiError, SpecError, TransientError
from pai.kube import Cause, KubeRefusedError
from pai.store.kubernetes.errors import PartlyStoredError, as_ours
from pai.store.record import Record, ResourceKey, Written

KEY = ResourceKey("Provider", "team", "p")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, SpecError),
        (401, TransientError),
        (403, SpecError),
        (404, NotFoundError),
        (405, KubeRefusedError),
        (409, ConflictError),
        (422, SpecError),
    ],
)
def test_statuses(status: int, kind: type[PaiError]) -> None:
    assert isinstance(as_ours(KubeRefusedError(status, "R", "message"), KEY), kind)


def test_causes_become_faults_of_their_document() -> None:
    causes = (Cause("spec.host", "Required value"), Cause("data[x]", ""))
    error = as_ours(KubeRefusedError(422, "Invalid", "whole", causes), KEY, 3)
    assert isinstance(error, DocumentErrors)
    told = [(fault.document, fault.path, fault.message) for fault in error.faults]
    assert told == [(3, "spec.host", "Required value"), (3, "data[x]", "is refused")]


def test_a_commit_in_parts_names_what_was_stored() -> None:
    record = Record(key=KEY, uid="u", generation=1, resource_version=1, created_at="", spec={})
    error = PartlyStoredError(TransientError("out of reach"), [Written(record, "created")])
    assert error.message == "out of reach; stored before that: Provider team/p"
