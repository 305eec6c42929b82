from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai


def test_set_list_unset(pai: Pai, control: FakeControl) -> None:
    assert pai("config", "set-env", "B=2", "A=one = two", "EMPTY=").code == 0
    assert pai("config", "set-env", "--list").out == "A=one = two\nB=2\nEMPTY=\n"
    assert pai("config", "set-env", "C=3", "--unset", "B", "--list").out == (
        "A=one = two\nC=3\nEMPTY=\n"
    )
    assert control.calls == []


def test_unsetting_what_is_not_set_is_told(pai: Pai, control: FakeControl) -> None:
    done = pai("config", "set-env", "--unset", "NOPE")
    assert (done.code, done.err) == (0, "warning: NOPE was not set\n")


def test_values_belong_to_one_context(pai: Pai, control: FakeControl) -> None:
    pai("config", "set-env", "A=1")
    from pai.cli.contexts import Context
    from pai.cli.session import load_contexts, save_contexts

    save_contexts(load_contexts().with_context("other", Context("http://127.0.0.1:1"), use=False))
    assert pai("config", "set-env", "--list", "--context", "other").out == ""
