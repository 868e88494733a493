"""The house: every folder is a room, and imports follow the arrows between rooms, wherever they are written."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EVERYWHERE = {"constants", "defaults", "errors"}
TABLES = "seeds sites scenario orbits workload"
CORE = "core.layout core.network core.spacecraft core.jobs core.serving"
ARROWS = {  # room: rooms that it may import from beside `EVERYWHERE`; a room is a folder, or a file beside them
    "constants": "",
    "defaults": "",
    "errors": "",
    "saved_state": "",
    "seeds": "saved_state",
    "sources": "",
    "cores": "",
    "first_draws": "",
    "compilation": "sources",
    "sites": "",
    "elements": "",
    "scenario": "sites elements",
    # tables: what the agent cannot change
    "orbits": "compilation sites elements scenario physics",
    "workload": "seeds orbits scenario core.layout",
    "trace_fits": "scenario workload",
    # the compiled core: scalar physics, then the arrays, then who works on them
    "physics": "compilation",
    "core.layout": "compilation physics",
    "core.network": "compilation core.layout",
    "core.spacecraft": "compilation physics core.layout",
    "core.jobs": "compilation physics core.layout core.network",
    "core.serving": "compilation physics core.layout core.network core.jobs",
    "interface": "compilation physics core.layout core.network core.jobs",
    "core": f"compilation interface {CORE}",
    # who builds tables and owns the arrays
    "faults": "physics scenario seeds first_draws core.layout",
    "tables": "",
    "tables.fleet": f"{TABLES} physics faults interface core.layout core.spacecraft",
    "tables.episode": f"{TABLES} faults core.layout tables.fleet",
    "scenario_check": f"{TABLES} physics faults tables.fleet tables.episode",
    "simulator": f"saved_state compilation {TABLES} physics faults interface {CORE} core tables.fleet tables.episode",
    "pages": "",
    # who uses a simulator
    "rendering": "simulator",
    "envs": "cores saved_state seeds scenario interface workload rendering simulator",
    "sb3": "envs",
    "evaluation": "cores sources seeds scenario interface workload tables.fleet simulator",
    "pages.report": "scenario simulator evaluation pages",
    "dial_files": "scenario interface",
    "policies": "scenario interface dial_files",
    "training": "cores seeds scenario interface simulator envs evaluation dial_files policies",
    "optimisation": "",
    "optimisation.planning": "seeds workload faults core.layout tables.fleet tables.episode simulator",
    "agents": "sources scenario simulator training dial_files policies optimisation.planning",
    "recording": "sources compilation scenario interface orbits workload core core.layout core.spacecraft "
    "tables.episode simulator envs evaluation agents",
    "pages.replay": "interface evaluation recording pages",
    "optimisation.bound": "scenario orbits workload physics interface core.layout core.serving simulator",
    "cli": "sources compilation seeds scenario workload trace_fits tables.fleet scenario_check simulator evaluation "
    "pages.report pages.replay agents training recording rendering dial_files policies optimisation.bound",
    "__main__": "cli",
    "episodes": "simulator envs agents",
    "": "envs scenario episodes",
}
LEARNING = {"torch", "stable_baselines3", "sb3_contrib", "tensorboard"}
LEARNERS = {"envs.sb3", "training"}
RESUMES = "training.checkpoint"  # keeps the state of the global generators that stable-baselines3 draws from
HEAVY = ("numba", "scipy", "skyfield", "torch", "stable_baselines3", "matplotlib", "pandas", "jinja2", "pygame", "PIL")
GLOBAL_RANDOM = re.compile(
    r"\bnp\.random\.(?!Generator|SeedSequence|Philox|PCG64|BitGenerator|default_rng)\w+|\bimport random\b"
)
LONGEST_FUNCTION = 75  # lines of its body


def sources():
    """Module name without `odc_gym.`, and path, of every module; the schedulers lie at the root and are linked."""
    found = {}
    for folder, prefix in ((ROOT / "odc_gym", ()), (ROOT / "agents", ("agents",))):
        for path in sorted(folder.rglob("*.py")):
            parts = (*prefix, *path.relative_to(folder).with_suffix("").parts)
            if prefix or parts[0] != "agents":
                found[".".join(part for part in parts if part != "__init__")] = path
    return found


SOURCES = sources()
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in SOURCES.items()}


def imports_of(module):
    """Full names that a module imports, in functions and for type checkers too, as the dotted names of modules."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import of {node.module}"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole.removeprefix("odc_gym.") in SOURCES else str(node.module)


IMPORTS = {module: sorted(set(imports_of(module))) for module in SOURCES}
INSIDE = {
    module: [name.removeprefix("odc_gym").removeprefix(".") for name in names if name.split(".")[0] == "odc_gym"]
    for module, names in IMPORTS.items()
}


def room(module):
    """The room of a module: the longest of the names of `ARROWS` that it begins with; none of another module."""
    parts = module.split(".")
    names = (".".join(parts[:k]) for k in range(len(parts), 0, -1))
    return next((name for name in names if name in ARROWS), "" if module == "" else None)


def test_every_module_has_a_room_and_every_room_a_module():
    assert [module for module in SOURCES if room(module) is None] == []
    assert set(ARROWS) - {room(module) for module in SOURCES} == set()


def test_imports_follow_the_arrows():
    against = [
        f"{module} imports {other}"
        for module, others in INSIDE.items()
        for other in others
        if room(other) not in {room(module), *EVERYWHERE, *ARROWS[room(module)].split()}
    ]
    assert against == []


@pytest.mark.parametrize("graph", ["rooms", "modules"])
def test_no_circles(graph):
    """Neither between rooms, as the arrows allow them, nor between modules, as they import each other."""
    arrows = {name: others.split() for name, others in ARROWS.items()} if graph == "rooms" else INSIDE
    try:
        tuple(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_only_the_rooms_of_learning_import_its_libraries():
    named = {module for module, names in IMPORTS.items() if {name.split(".")[0] for name in names} & LEARNING}
    assert {module for module in named if not {module, module.split(".")[0]} & LEARNERS} == set()


def test_nothing_is_imported_by_a_name_that_only_running_code_knows():
    """Catches arrows that no other test of this file sees."""
    # public names load when they are used; every file of `agents/` is a scheduler; kernels to compile are named
    known = {"", "agents.base", "compilation.emission"}
    found = {module for module, path in SOURCES.items() if "import_module" in path.read_text(encoding="utf-8")}
    assert found <= known


def test_the_linked_folders_are_imported_by_their_names_in_the_package():
    others = [*ROOT.glob("*.py"), *(p for d in ("tests", "benchmarks", "docs") for p in (ROOT / d).rglob("*.py"))]
    trees = {**TREES, **{path: ast.parse(path.read_text(encoding="utf-8")) for path in others}}
    for where, tree in trees.items():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            assert not {name.split(".")[0] for name in names} & {"agents", "configs"}, where


def test_importing_the_package_loads_nothing_heavy():
    script = f"""
import sys, gymnasium, odc_gym
print(sorted(set({HEAVY!r}) & set(sys.modules)), "ODCSat-v0" in gymnasium.registry)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"


@pytest.mark.parametrize("module", SOURCES)
def test_functions_read_in_one_sitting_and_draw_from_no_global_generator(module):
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = node.end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= LONGEST_FUNCTION, f"{node.name}: {lines} lines"
    if module != RESUMES:
        assert not GLOBAL_RANDOM.search(SOURCES[module].read_text(encoding="utf-8"))


def test_no_file_names_a_path_of_some_machine():
    # written so that this file does not hold one
    pattern = re.compile("|".join(f"/{top}/[a-z]" for top in ("home", "root", "work", "Users", "mnt", "opt", "tmp")))
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and path.suffix not in {".npz", ".png", ".gz"}:
            assert not pattern.search(path.read_text(encoding="utf-8", errors="replace")), name
