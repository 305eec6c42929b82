"""The group of a cluster's pods, on a directory that looks like the kernel's."""

from pathlib import Path

from scripts.kubernetes.control_groups import hierarchies, make_group, members, remove_group


def version_1(root: Path) -> Path:
    for tree in ("memory", "cpuset", "unified"):
        (root / tree).mkdir()
    (root / "cpu").symlink_to("memory")
    return root


def test_version_1_has_a_group_in_every_hierarchy(tmp_path: Path) -> None:
    root = version_1(tmp_path)
    make_group("cluster.abc", root)
    make_group("cluster.abc", root)
    groups = [tree / "cluster.abc" for tree in hierarchies(root)]
    assert [group.parent.name for group in groups] == ["cpuset", "memory", "unified"]
    assert all(group.is_dir() for group in groups)
    (groups[1] / "kubepods" / "pod1").mkdir(parents=True)
    remove_group("cluster.abc", root)
    assert not any(group.exists() for group in groups)


def test_version_2_hands_the_controllers_on(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory rdma\n")
    make_group("cluster.abc", tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +cpuset +memory"
    assert (tmp_path / "cluster.abc").is_dir()


def test_members_are_found_at_any_depth(tmp_path: Path) -> None:
    root = version_1(tmp_path)
    pod = root / "memory" / "cluster.abc" / "kubepods" / "pod1"
    pod.mkdir(parents=True)
    (pod / "cgroup.procs").write_text("12\n34\n")
    assert members("cluster.abc", root) == {12, 34}
