"""Where config files are kept, and which volumes may change."""

from pai.api.agent_storage import ConfigFile, Volume
from pai.ir import agent as ir
from pai.translate.storage import config_files, shrunk_volumes, volumes


def files(*paths: str) -> list[ConfigFile]:
    return [ConfigFile(path=path, content=path) for path in paths]


def test_a_file_is_kept_on_the_volume_that_holds_it() -> None:
    declared = (ir.Volume("data", "/data", 1),)
    [file] = config_files(files("/data/a/b.json"), declared)
    assert (file.root, file.content) == ("/data", "/data/a/b.json")


def test_files_outside_share_the_outermost_directory() -> None:
    found = config_files(files("/home/u/.x/y/b", "/home/u/.x/a", "/etc/app/c", "/home/u2/d"), ())
    assert [(file.path, file.root) for file in found] == [
        ("/etc/app/c", "/etc/app"),
        ("/home/u/.x/a", "/home/u/.x"),
        ("/home/u/.x/y/b", "/home/u/.x"),
        ("/home/u2/d", "/home/u2"),
    ]


def test_volumes_are_in_bytes_and_sorted() -> None:
    written = [
        Volume(name="b", mount_path="/b", size="1Gi"),
        Volume(name="a", mount_path="/a", size="1.5k"),
    ]
    assert volumes(written) == (ir.Volume("a", "/a", 1500), ir.Volume("b", "/b", 2**30))


def test_a_volume_can_grow_and_not_shrink() -> None:
    old = [Volume(name="a", mount_path="/a", size="1Gi")]
    assert shrunk_volumes(old, [Volume(name="a", mount_path="/b", size="2Gi")]) == []
    assert shrunk_volumes(old, [Volume(name="a", mount_path="/a", size="1024Mi")]) == []
    assert shrunk_volumes(old, [Volume(name="b", mount_path="/a", size="1")]) == []
    assert shrunk_volumes(old, []) == []
    [fault] = shrunk_volumes(
        old,
        [
            Volume(name="b", mount_path="/b", size="1"),
            Volume(name="a", mount_path="/a", size="1G"),
        ],
    )
    assert str(fault).startswith("spec.volumes[1].size: 1G is below the present 1Gi")
