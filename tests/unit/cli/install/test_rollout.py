"""What a Deployment, its pods and an APIService look like at each step, and what is said of it."""

from typing import Any

import pytest

from pai.cli.install.rollout import Progress, api_progress, deployment_progress, established


def deployment(wanted: int = 2, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "pai-edge", "namespace": "pai-system", "generation": 2},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 2, **status},
    }


def pod(reason: str, *, template: str = "new", made: str = "2", **container: Any) -> dict[str, Any]:
    waiting = {"reason": reason, "message": "because"}
    return {
        "metadata": {
            "name": "p",
            "labels": {"pod-template-hash": template},
            "creationTimestamp": made,
        },
        "status": {
            "containerStatuses": [{"image": "i", "state": {"waiting": waiting}, **container}]
        },
    }


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, ""),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, "1 of 2 available"),
        ({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}, "1 of 2 available"),
        ({"replicas": 2, "updatedReplicas": 0, "availableReplicas": 2}, "0 of 2 available"),
        ({"observedGeneration": 1, "updatedReplicas": 2}, "0 of 2 available"),
        ({}, "0 of 2 available"),
    ],
)
def test_a_rollout_is_done_when_only_new_pods_are_left(status: dict[str, int], said: str) -> None:
    assert deployment_progress(deployment(**status), []) == Progress(said)


def test_what_is_not_there_is_said() -> None:
    assert deployment_progress(None, []) == Progress("not there yet")


@pytest.mark.parametrize(
    ("found", "failure"),
    [
        (pod("ImagePullBackOff"), "deployment/pai-edge: ImagePullBackOff: image i: because"),
        (pod("ErrImageNeverPull"), "deployment/pai-edge: ErrImageNeverPull: image i: because"),
        (pod("CreateContainerConfigError"), "deployment/pai-edge: CreateContainerConfigError"),
        (
            pod(
                "CrashLoopBackOff",
                restartCount=3,
                lastState={
                    "terminated": {"exitCode": 1, "message": "up\nerror: no disk\nhint: x\n"}
                },
            ),
            "deployment/pai-edge: it ended 3 times, last with exit code 1: error: no disk",
        ),
        (pod("CrashLoopBackOff", restartCount=2), ""),
        (pod("ErrImagePull"), ""),
        (pod("ContainerCreating"), ""),
    ],
)
def test_what_will_not_get_there_by_itself_fails(found: dict[str, Any], failure: str) -> None:
    progress = deployment_progress(deployment(), [found])
    assert progress.failure.startswith(failure)
    assert bool(progress.failure) is bool(failure)
    assert bool(progress.hint) is bool(failure)


def test_pods_of_an_older_template_may_fail() -> None:
    old = pod("ImagePullBackOff", template="old", made="1")
    new = pod("ContainerCreating")
    assert deployment_progress(deployment(), [old, new]) == Progress(
        "0 of 2 available (ContainerCreating)"
    )


def test_the_scheduler_is_quoted() -> None:
    found = {
        "metadata": {"name": "p"},
        "status": {
            "conditions": [{"type": "PodScheduled", "status": "False", "message": "no node"}]
        },
    }
    assert "not scheduled: no node" in deployment_progress(deployment(), [found]).said


def test_the_api_is_there_when_the_api_server_reaches_it() -> None:
    def service(**condition: str) -> dict[str, Any]:
        return {"status": {"conditions": [{"type": "Available", **condition}]}}

    assert api_progress(service(status="True")) == Progress("")
    assert api_progress(service(status="False", message="no\nroute")) == Progress("no route")
    assert api_progress(None) == Progress("not looked at yet")


def test_a_definition_is_in_use_when_it_is_established() -> None:
    found = {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
    assert established(found)
    assert not established(None)
