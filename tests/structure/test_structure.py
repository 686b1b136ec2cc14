"""How the code is laid out: who imports whom, what a module is called, what it says of itself."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "layers/core/seqdrop"
RUNNER = PROJECT / "containers/runner"
TREES = (
    "layers",
    "functions",
    "containers",
    "infrastructure",
    "local",
    "cli",
    "benchmarks",
    "tests",
)
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "common",
    "manager",
    "managers",
    "helpers",
    "misc",
    "process_data",
}


def modules(*folders: Path) -> list[Path]:
    """Python files below some folders."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


SOURCES = modules(*(PROJECT / tree for tree in TREES if tree != "tests"))
ALL = modules(*(PROJECT / tree for tree in TREES))


@cache
def parsed(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Every module that a module imports when it is run, inside its functions too."""
    for node in _run_nodes(parsed(path)):
        yield from _imported(node)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "a relative import"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _run_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _run_nodes(child)


def within(name: str, *packages: str) -> bool:
    """Whether a module is one of some packages, or in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def shown(path: Path) -> str:
    """A path for a test's name."""
    return str(path.relative_to(PROJECT))


def foreign(folder: Path, *allowed: str, stdlib: bool = True) -> dict[str, list[str]]:
    """What modules below a folder import beside what they may, by module."""
    standard = sys.stdlib_module_names if stdlib else frozenset()
    found = {
        shown(path): [
            name
            for name in imports(path)
            if not within(name, *allowed) and name.split(".")[0] not in standard
        ]
        for path in modules(folder)
    }
    assert found
    return {path: names for path, names in found.items() if names}


def test_the_domain_knows_the_standard_library_msgspec_and_itself() -> None:
    assert foreign(PACKAGE / "domain", "msgspec", "seqdrop.domain") == {}


def test_the_domain_has_no_clock_no_chance_and_no_files() -> None:
    outside = ("time", "random", "secrets", "uuid", "os", "subprocess", "socket", "pathlib.Path")
    for path in modules(PACKAGE / "domain"):
        assert [name for name in imports(path) if within(name, *outside)] == [], shown(path)
        assert not re.search(r"\bopen\(|\.now\(|\.today\(", path.read_text("utf-8")), shown(path)


def test_adapters_know_the_domain_and_aws_but_no_flow() -> None:
    allowed = ("msgspec", "boto3", "botocore", "seqdrop.domain", "seqdrop.aws")
    assert foreign(PACKAGE / "aws", *allowed) == {}


def test_flows_speak_to_aws_through_adapters_only() -> None:
    allowed = ("msgspec", "seqdrop.domain", "seqdrop.aws", "seqdrop.flow", "seqdrop.library")
    assert foreign(PACKAGE / "flow", *allowed) == {}


def test_the_package_needs_nothing_of_what_uses_it() -> None:
    for path in modules(PACKAGE):
        users = [n for n in imports(path) if within(n, "local", "cli", "runner", "tests", "moto")]
        assert users == [], shown(path)


def test_the_runner_knows_the_domain_and_no_more_of_the_package() -> None:
    for path in modules(RUNNER):
        others = [
            n for n in imports(path) if within(n, "seqdrop") and not within(n, "seqdrop.domain")
        ]
        assert others == [], shown(path)
        assert not [n for n in imports(path) if within(n, "local", "cli", "moto")], shown(path)


def test_the_command_knows_the_embedded_runtime_in_one_module_and_it_knows_no_command() -> None:
    """Who works in the cloud loads nothing of it."""
    users = {
        shown(path)
        for path in modules(PROJECT / "cli")
        if any(within(name, "local") for name in imports(path))
    }
    assert users == {"cli/runtime.py"}
    for path in modules(PROJECT / "local"):
        assert [name for name in imports(path) if within(name, "cli")] == [], shown(path)


def test_the_template_is_read_without_anything_else_of_the_project() -> None:
    assert foreign(PROJECT / "infrastructure", "infrastructure", "samtranslator") == {}


def names_of_modules() -> dict[str, Path]:
    """Every module of the product under the name by which it is imported."""
    roots = {"seqdrop": PACKAGE, "runner": RUNNER} | {
        name: PROJECT / name for name in ("local", "cli")
    }
    return {
        ".".join([name, *path.relative_to(root).with_suffix("").parts]).removesuffix(
            ".__init__"
        ): path
        for name, root in roots.items()
        for path in modules(root)
    }


def test_no_module_imports_one_that_imports_it_not_even_for_its_types() -> None:
    known = names_of_modules()
    graph: dict[str, set[str]] = {}
    for module, path in known.items():
        named = {name for node in ast.walk(parsed(path)) for name in _imported(node)}
        parts = {name if name in known else name.rpartition(".")[0] for name in named}
        graph[module] = (parts & known.keys()) - {module}
    assert graph["cli.main"] >= {"cli.upload", "cli.faults"}
    assert list(
        TopologicalSorter(graph).static_order()
    )  # a circle raises CycleError, which names it


def test_handlers_know_the_package_and_their_logger() -> None:
    allowed = ("msgspec", "seqdrop", "aws_lambda_powertools")
    assert foreign(PROJECT / "functions", *allowed) == {}


def test_only_settings_read_the_environment() -> None:
    readers = {
        shown(path)
        for path in [*modules(PACKAGE), *modules(PROJECT / "functions")]
        if re.search(r"\benviron\b|\bgetenv\b", path.read_text("utf-8"))
    }
    assert readers == {"layers/core/seqdrop/settings.py"}


BUILT_ONCE = {
    "Catalog", "Objects", "Batch", "Executions", "TaskTokens", "UploadsQueue", "Reception",
    "Intake", "Manifests", "Claiming", "Planning", "Submission", "Recording", "Polling", "Closing",
    "ReferenceFlow", "Preparation", "AuditCopy",
}  # fmt: skip


def calls(path: Path) -> set[str]:
    """The names that a module calls."""
    nodes = ast.walk(parsed(path))
    return {ast.unparse(n.func).split(".")[-1] for n in nodes if isinstance(n, ast.Call)}


def test_adapters_and_flows_are_built_in_the_composition_and_nowhere_else() -> None:
    ours = [path for path in SOURCES if not path.is_relative_to(RUNNER)]  # it has Objects, too
    builders = {shown(path): calls(path) & BUILT_ONCE for path in ours}
    assert {path: found for path, found in builders.items() if found} == {
        "layers/core/seqdrop/composition.py": BUILT_ONCE
    }


def texts(path: Path) -> Iterator[str]:
    """Every string of a module but its docstrings, those within f-strings too."""
    tree = parsed(path)
    docstrings = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str):
            yield node.value


LAYOUT = PACKAGE / "aws/catalog/layout.py"
KEY_PREFIXES = {text for text in texts(LAYOUT) if re.fullmatch(r"[A-Z]+#", text)}


def test_the_layout_knows_every_kind_of_item() -> None:
    kinds = ("SAMPLE", "ANALYSIS", "FILE", "RUN", "JOB", "USES", "OBJECT", "VERSION", "MANIFEST",
             "CONTROL", "REFERENCE", "HOSTS", "EVENTS", "STATUS", "PART")  # fmt: skip
    assert {f"{kind}#" for kind in kinds} <= KEY_PREFIXES


def test_the_architecture_has_every_kind_of_item_and_no_other() -> None:
    """The table of items is for people; the layout is what counts."""
    page = (PROJECT / "docs/architecture.md").read_text("utf-8")
    section = page.partition("## What the catalog holds\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"\b[A-Z]+#", section)) == KEY_PREFIXES
    words = {text for text in texts(LAYOUT) if re.fullmatch(r"[A-Z]{2,}", text)}
    keys = {word for word in words if f"{word}#" not in KEY_PREFIXES}
    assert keys == set(re.findall(r"`([A-Z]+)`", section)) != set()


@pytest.mark.parametrize("path", [path for path in SOURCES if path != LAYOUT], ids=shown)
def test_a_key_of_the_table_is_written_in_the_layout_and_nowhere_else(path: Path) -> None:
    assert [text for text in texts(path) if any(prefix in text for prefix in KEY_PREFIXES)] == []


@pytest.mark.parametrize("path", ALL, ids=shown)
def test_a_name_says_what_is_in_it(path: Path) -> None:
    assert not FORBIDDEN_NAMES & {part.removesuffix(".py") for part in path.parts[-3:]}


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    if path.read_text("utf-8").strip():
        assert ast.get_docstring(parsed(path))


@pytest.mark.parametrize("path", ALL, ids=shown)
def test_no_fault_is_swallowed_unseen(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            assert caught not in {"everything", "BaseException"} or _raises(node), node.lineno
            silent = all(isinstance(n, ast.Pass) for n in node.body)
            assert not silent, f"line {node.lineno}: except {caught}: pass"


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def tracked_text() -> Iterator[tuple[str, str]]:
    """Every text file that is, or would be, under version control."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    answer = subprocess.run(listing, cwd=PROJECT, capture_output=True, check=True)
    for name in answer.stdout.decode().split("\0"):
        path = PROJECT / name
        if not name or not path.is_file() or path == Path(__file__):
            continue
        try:
            yield name, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # data, not text


LEAKS = {
    "a home folder": re.compile(r"(?<![\w.])/(?:home|Users|root)/\w"),
    "this very folder": re.compile(re.escape(f"{PROJECT}/")),
    "a package index": re.compile(
        r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.org|artifactory)\b"
        r"|/simple/?\s|--(?:extra-)?index-url[ =]"
    ),
    "an access key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
}


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="not a git checkout")
@pytest.mark.parametrize("leak", LEAKS)
def test_nothing_of_one_machine_is_in_the_repository(leak: str) -> None:
    found = [name for name, text in tracked_text() if LEAKS[leak].search(text)]
    assert found == []


def test_the_version_in_results_is_the_projects() -> None:
    from seqdrop.domain.version import VERSION

    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    assert declared["project"]["version"] == VERSION
