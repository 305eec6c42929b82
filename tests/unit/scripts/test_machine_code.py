"""What is compiled keeps to what the compiler gets right; each rule was a wrong program once."""

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripts import machine_code
from scripts.cache import ROOT
from tests.run_code import CODE

_HARMLESS_IN_BOUNDS = {"len", "start", "end"}


def hook() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: dict[str, Any] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
    return found


def files() -> list[Path]:
    found = [path for pattern in hook()["include"] for path in sorted(ROOT.glob(pattern))]
    return [path for path in found if path.name not in hook()["exclude"]]


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def named_in_functions(look: Callable[[ast.AST], Iterable[str]]) -> list[str]:
    """Return each name that `look` finds in a function, with the function's place."""
    return [
        f"{place} {name}"
        for place, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for name in look(node)
    ]


def test_each_entry_names_a_module() -> None:
    assert all(any(ROOT.glob(pattern)) for pattern in hook()["include"])
    assert not hook()["enable-by-default"], "a wheel must build without a compiler"


def test_no_shapes_of_the_decoder() -> None:
    """Keywords of a class are lost, and a Struct's fields with them: nothing would be metered."""
    wrong = [
        place
        for place, node in nodes()
        if isinstance(node, ast.ClassDef)
        and (node.keywords or any("Struct" in ast.unparse(base) for base in node.bases))
    ]
    assert wrong == []


def test_bounds_of_slices_do_nothing() -> None:
    """They can be evaluated twice: `view[os.write(file, view) :]` wrote everything twice."""
    assert [place for place, node in nodes() if _acts_in_bounds(node)] == []


def _acts_in_bounds(node: ast.AST) -> bool:
    if not isinstance(node, ast.Slice):
        return False
    bounds = (bound for bound in (node.lower, node.upper, node.step) if bound is not None)
    return any(
        isinstance(part, ast.Await | ast.NamedExpr)
        or (
            isinstance(part, ast.Call)
            and ast.unparse(part.func).rpartition(".")[2] not in _HARMLESS_IN_BOUNDS
        )
        for bound in bounds
        for part in ast.walk(bound)
    )


def test_nothing_is_read_again_after_it_was_set_to_none() -> None:
    """It is taken for None until the function ends, though a call in between may have set it."""
    assert named_in_functions(_read_after_none) == []


def _read_after_none(function: ast.AST) -> set[str]:
    """Return attributes that are read below the last line that set them, if that was to None."""
    stores: dict[str, tuple[int, bool]] = {}
    loads: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            none = isinstance(node.value, ast.Constant) and node.value.value is None
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute):
                    name = ast.unparse(target)
                    stores[name] = max(stores.get(name, (0, False)), (node.lineno, none))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = ast.unparse(node)
            loads[name] = max(loads.get(name, 0), node.lineno)
    return {name for name, (line, none) in stores.items() if none and loads.get(name, 0) > line}


def test_heirs_set_no_attributes() -> None:
    """Of a class with a base, they would be the base's: an error's reason, a refusal's status."""
    wrong = [
        place
        for place, node in nodes()
        if isinstance(node, ast.ClassDef)
        and not {"Enum", "StrEnum", "NamedTuple"} & {ast.unparse(base) for base in node.bases}
        and node.bases
        and any(_sets_attribute(each) for each in node.body)
    ]
    assert wrong == []


def _sets_attribute(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    return "__slots__" not in ast.unparse(statement)


def test_handlers_of_one_function_name_their_errors_differently() -> None:
    """A name has one type: an error of another type under it is a TypeError."""
    assert named_in_functions(_names_of_several_errors) == []


def _names_of_several_errors(function: ast.AST) -> list[str]:
    found: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and node.name and node.type:
            found.setdefault(node.name, set()).add(ast.unparse(node.type))
    return [name for name, kinds in found.items() if len(kinds) > 1]


def test_final_tuples_of_floats_name_their_type() -> None:
    """One whose type is found out, and begins with a float, counts as never set."""
    wrong = [
        place
        for place, node in nodes()
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.annotation) == "Final"
        and isinstance(node.value, ast.Tuple)
        and node.value.elts
        and isinstance(node.value.elts[0], ast.Constant)
        and isinstance(node.value.elts[0].value, float)
    ]
    assert wrong == []


def test_every_module_can_be_imported_with_what_is_compiled() -> None:
    program = (
        "import importlib, pkgutil, pai\n"
        "for module in pkgutil.walk_packages(pai.__path__, 'pai.'):\n"
        "    module.name.endswith('__main__') or importlib.import_module(module.name)\n"
        "import pai.wire.exchange; print(pai.wire.exchange.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": CODE}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(".so") == ("machine-code" in CODE)


def test_another_source_is_another_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src/pai").mkdir(parents=True)
    (tmp_path / "locks").mkdir()
    module = tmp_path / "src/pai/one.py"
    for path in (module, tmp_path / "pyproject.toml", tmp_path / "locks/dev.txt"):
        path.write_text("a = 1\n")
    monkeypatch.setattr(machine_code, "ROOT", tmp_path)
    first = machine_code._key()
    assert machine_code._key() == first
    module.write_text("a = 2\n")
    assert machine_code._key() != first


def test_what_can_not_be_compiled_runs_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAI_COMPILE", "no")
    assert machine_code.tree() is None
    assert machine_code.image_code() == ROOT / "src"
    assert "the hot path is not compiled: PAI_COMPILE=no" in capfd.readouterr().err
