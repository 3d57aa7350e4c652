"""The rules of ARCHITECTURE.md for modules, read from the code itself, and what ``loadgen --help`` may load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    "cli", "report", "planning", "exporting", "fidelity", "runner", "engine", "observe", "profiling",
    "seeding", "population", "runs", "database",
)  # fmt: skip
CAPACITY = (
    "planner", "plan", "sizing", "pool", "targets", "tables", "workload", "recommendation", "measurements", "latency",
    "demand", "growth", "scalability", "due", "queueing", "formatting", "uncertainty", "arrays", "values",
)  # fmt: skip
BASE = {"settings", "errors", "interrupts", "partials", "sql_files", "user_files"}
PRODUCT = ("capacity", "loadgen", "scenarios")
LONGEST_FILE = 400
LONGEST_FUNCTION = 80
HEAVY = {"locust", "gevent", "numpy", "scipy", "faker", "psycopg"}


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    """Dotted names that a module imports, anywhere in it or only where they run at import."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    nodes = _at_import(tree) if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what they reach"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _at_import(tree: ast.Module) -> Iterator[ast.AST]:
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        pending.extend(ast.iter_child_nodes(node))


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, package
    return found


@pytest.mark.parametrize("path", modules("capacity"), ids=lambda p: p.stem)
def test_capacity_is_pure(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"loadgen", "scenarios", "psycopg", "locust", "gevent", "pydantic", "os", "random", "time"}


def test_capacity_has_an_order() -> None:
    for path in modules("capacity"):
        above, *rest = path.relative_to(ROOT / "capacity").with_suffix("").parts
        if (above, rest) == ("__init__", []):
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "capacity" and len(parts) > 1:
                assert CAPACITY.index(above) <= CAPACITY.index(parts[1]), f"{path.relative_to(ROOT)} imports {name}"


def test_no_circle_of_imports() -> None:
    """Imports for type checkers and within functions included; whoever imports a module imports the packages around."""
    files = {module_name(path): path for package in PRODUCT for path in modules(package)}
    needs: dict[str, set[str]] = {}
    for module, path in files.items():
        needs[module] = set()
        for name in imports(path):
            parts = name.split(".")
            reached = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
            reached = [one for one in reached if one in files]
            around = {one for one in reached[:-1] if not f"{module}.".startswith(f"{one}.")}
            needs[module] |= around | set(reached[-1:])
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as circle:
        pytest.fail(" needs ".join(circle.args[1]))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_loadgen_never_imports_scenarios() -> None:
    for path in modules("loadgen"):
        assert not any(name.split(".")[0] == "scenarios" for name in imports(path)), path


def test_every_package_has_its_layer() -> None:
    packages = {p.parent.name for p in (ROOT / "loadgen").glob("*/__init__.py")}
    assert packages <= set(LAYERS)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if (ROOT / "loadgen" / layer).exists()])
def test_a_package_imports_only_those_below(layer: str) -> None:
    allowed = set(LAYERS[LAYERS.index(layer) :]) | BASE
    if layer == "cli":
        allowed -= {"engine"}  # no verb imports it: gevent's patching stays in the child
    for path in modules(f"loadgen/{layer}"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "loadgen" and len(parts) > 1 and (parts[1] in LAYERS or parts[1] in BASE):
                assert parts[1] in allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_only_the_engine_imports_locust_and_gevent() -> None:
    for path in modules("loadgen"):
        if "engine" in path.relative_to(ROOT).parts:
            continue
        assert not {name.split(".")[0] for name in imports(path)} & {"locust", "gevent"}, path


def test_nothing_but_the_child_reaches_the_engine() -> None:
    for path in modules("loadgen"):
        if "engine" not in path.relative_to(ROOT).parts:
            assert not any(name.startswith("loadgen.engine") for name in imports(path)), path


Function = ast.FunctionDef | ast.AsyncFunctionDef


def public(body: list[ast.stmt]) -> Iterator[Function]:
    """Functions, and methods of public classes, that no underscore begins; properties left out: their names say it."""
    for node in body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            if not any(ast.unparse(decorator).endswith("property") for decorator in node.decorator_list):
                yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public(node.body)


def test_files_and_functions_are_short() -> None:
    long = set()
    for package in (*PRODUCT, "benchmarks", "tests"):
        for path in modules(package):
            text, place = path.read_text("utf-8"), path.relative_to(ROOT)
            if len(text.splitlines()) > LONGEST_FILE:
                long.add(str(place))
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, Function) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION:
                    long.add(f"{place} {node.name}")
    assert not long


def test_public_functions_have_docstrings() -> None:
    without = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for package in PRODUCT
        for path in modules(package)
        for node in public(ast.parse(path.read_text("utf-8")).body)
        if not ast.get_docstring(node)
    ]
    assert not without


@pytest.mark.parametrize("path", modules("loadgen/cli"), ids=lambda p: p.stem)
def test_verbs_import_nothing_heavy_at_their_top(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path, top_level_only=True)}
    assert not roots & (HEAVY | {"pydantic", "altair", "jinja2"})


@pytest.mark.slow
def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom loadgen.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as e:\n    assert not e.code, e.code\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "seed" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
