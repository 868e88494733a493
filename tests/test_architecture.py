"""The house: which module may import which, what importing the package loads, and what no file may hold."""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = 400

# What each room may import when it is loaded. A room is a module or a package; the longest name that fits a module is
# its room. Modules without a room are caught by a test.
BASE = {"constants", "errors"}
TABLES = {"orbits", "workload", "scenario"}
ROOMS = {
    "constants": set(),
    "errors": set(),
    "_jit": set(),
    "_reference": {"_jit"},
    "episodes": {"errors"},
    "sources": set(),
    "public_traces": {"errors"},
    "scenario": {"errors", "scenario"},
    "scenario_files": {"errors", "scenario"},
    # tables: what the agent cannot change
    "orbits": {*BASE, "scenario"},
    "workload": {*BASE, "orbits", "scenario"},
    # run: scalar physics, then the state, then who works on it
    "physics": {"_jit"},
    "faults": {"physics", "scenario"},
    "outages": {"faults", "scenario", "simulation.state"},
    "simulation.state": {"_jit", "physics"},
    "simulation.work": {"_jit", "simulation.state"},
    "simulation.arrays": {"simulation.state", "simulation.work"},
    "simulation.pace": {"_jit", "simulation.state", "simulation.work", "simulation.routes"},
    "simulation.checkpoints": {"_jit", "simulation.work", "simulation.pace"},
    "simulation.held_time": {"_jit", "simulation.state", "simulation.work", "simulation.pace"},
    "simulation.storage": {"_jit", "simulation.state", "simulation.work"},
    "simulation.waiting": {
        "_jit",
        "physics",
        *{f"simulation.{name}" for name in ("state", "work", "checkpoints", "pace", "routes", "storage")},
    },
    "simulation.serving_grid": set(),
    "simulation.fleet": {"_jit", "simulation.state", "simulation.work", "simulation.serving_grid"},
    "simulation.routes": {"_jit"},
    "simulation.hosting": {
        "_jit",
        *{f"simulation.{name}" for name in ("state", "work", "routes", "storage", "waiting")},
    },
    "simulation.gangs": {"_jit", *{f"simulation.{name}" for name in ("state", "work", "routes", "waiting", "hosting")}},
    "simulation.batches": {"_jit", "physics", *{f"simulation.{name}" for name in ("state", "work", "hosting")}},
    "simulation.transfers": {
        "_jit",
        *{f"simulation.{name}" for name in ("state", "work", "routes", "storage", "pace", "progress")},
    },
    "simulation.progress": {
        "_jit",
        *{
            f"simulation.{name}"
            for name in ("state", "work", "batches", "checkpoints", "held_time", "waiting", "hosting", "pace")
        },
    },
    "simulation.foresight": {"_jit", "simulation.state", "simulation.work", "simulation.progress"},
    "simulation.dispatch": {
        "_jit",
        *{f"simulation.{name}" for name in ("state", "work", "batches", "foresight", "waiting", "hosting", "gangs")},
        "simulation.progress",
        "simulation.reservation",
    },
    "simulation.reservation": {
        "_jit",
        *{f"simulation.{name}" for name in ("state", "work", "routes", "storage", "waiting", "gangs")},
    },
    "simulation.admission": {"_jit", *{f"simulation.{name}" for name in ("state", "work", "waiting")}},
    "simulation.preemption": {
        "_jit",
        *{f"simulation.{name}" for name in ("state", "work", "waiting", "hosting", "progress", "reservation")},
    },
    "simulation.upsets": {
        "_jit",
        *{f"simulation.{name}" for name in ("state", "work", "waiting", "hosting", "gangs", "progress")},
    },
    "simulation.outages": {"_jit", "simulation.state"},
    "simulation.attainment": {
        "_jit",
        "physics",
        *{f"simulation.{name}" for name in ("state", "work", "routes", "serving_grid")},
    },
    "simulation.replicas": {
        "_jit",
        "physics",
        *{f"simulation.{name}" for name in ("state", "work", "waiting", "hosting", "batches", "attainment")},
    },
    "simulation.services": {
        "_jit",
        "physics",
        *{f"simulation.{name}" for name in ("state", "work", "progress", "attainment")},
    },
    "simulation.serving_tables": {"scenario", "workload", "simulation.serving_grid"},
    "simulation.network": {*BASE, "orbits", "scenario", "simulation.world"},
    "simulation.figures": set(),
    "simulation.hazards": {"outages", "scenario", "simulation.figures", "simulation.world"},
    "simulation.reach": {
        *BASE,
        "orbits",
        "scenario",
        *{f"simulation.{name}" for name in ("figures", "network", "world")},
    },
    "simulation.links": {"orbits", "simulation.fleet", "simulation.network", "simulation.world"},
    "simulation.governor": {"_jit", "physics", "simulation.state", "simulation.work"},
    "simulation.step": {"_jit", "physics", "simulation.state", "simulation.work", "simulation.governor"},
    "simulation.requests": {"_jit", "physics", "simulation.state", "simulation.work", "simulation.governor"},
    "simulation.uneven": set(),
    "simulation.sustainable": {"physics", "simulation.uneven"},
    "simulation.design": {*BASE, "orbits", "physics", "scenario"},
    "simulation.array_temperature": {"_jit", "constants", "physics"},
    "simulation.surroundings": {*BASE, *TABLES, "simulation.array_temperature", "simulation.sustainable"},
    "simulation.plans": {
        *BASE,
        *TABLES,
        *{f"simulation.{name}" for name in ("design", "surroundings", "sustainable", "uneven")},
        "physics",
    },
    "interface": {
        "_jit",
        "physics",
        *{f"simulation.{name}" for name in ("state", "work", "routes", "waiting", "checkpoints")},
    },
    "simulation.parameters": {
        "interface",
        "physics",
        "scenario",
        "simulation.design",
        "simulation.serving_tables",
        "simulation.state",
        "simulation.work",
        "workload",
    },
    "simulation.world": {
        *BASE,
        *TABLES,
        *{
            f"simulation.{name}"
            for name in ("design", "parameters", "plans", "serving_grid", "serving_tables", "surroundings", "work")
        },
        "faults",
        "interface",
    },
    "simulation.variation": {"faults", "scenario", "simulation.world"},
    "simulation.captured": {"orbits", "scenario", "simulation.world", "workload"},
    "simulation.tables": {
        *BASE,
        *TABLES,
        *{
            f"simulation.{name}"
            for name in (
                *(
                    "captured",
                    "fleet",
                    "links",
                    "network",
                    "plans",
                    "state",
                    "work",
                    "surroundings",
                    "variation",
                    "world",
                ),
            )
        },
        "faults",
        "outages",
    },
    "simulation.decision": {
        *{
            f"simulation.{name}"
            for name in ("state", "work", "fleet", "waiting", "transfers", "progress", "dispatch", "outages", "upsets")
        },
        *{f"simulation.{name}" for name in ("foresight", "requests", "replicas", "services", "step")},
        *{f"simulation.{name}" for name in ("admission", "preemption")},
        "_jit",
        "_reference",
        "interface",
    },
    "simulation.episode_start": {
        *{f"simulation.{name}" for name in ("checkpoints", "decision", "fleet", "replicas")},
        *{f"simulation.{name}" for name in ("state", "work", "tables", "world")},
        "physics",
        "scenario",
    },
    "simulation.closures": {
        *BASE,
        *TABLES,
        *{
            f"simulation.{name}"
            for name in ("design", "figures", "hazards", "plans", "reach", "surroundings", "sustainable", "world")
        },
        "faults",
        "physics",
    },
    "simulation.view": {"interface", "simulation.state", "simulation.work"},
    "job_metrics": {"scenario", "simulation.work"},
    "metrics": {"job_metrics", "physics", "simulation.state", "simulation.work"},
    "simulation.simulator": {
        *BASE,
        "_jit",
        "scenario",
        "workload",
        "faults",
        "physics",
        "interface",
        "metrics",
        "simulation",
    },
    "simulation": set(),
    # who uses a simulator
    "rendering": {"simulation.simulator"},
    "vector": {"errors", "scenario", "episodes", "simulation"},
    "env": {"errors", "scenario", "episodes", "simulation", "vector", "rendering"},
    "sb3": {"errors", "scenario", "episodes", "simulation", "vector"},
    "evaluation": {"errors", "sources", "scenario", "episodes", "simulation", "interface"},
    "agents": {"errors", "sources", "scenario", "simulation.view"},
    "training": {"errors", "scenario", "scenario_files", "episodes", "simulation", "interface", "vector", "sb3"},
    "cli": {"errors"},
    "": set(),
}
LEARNING = {"torch", "stable_baselines3", "sb3_contrib", "tensorboard"}
LEARNERS = {"sb3", "training"}
RESUMES = "training.checkpoint"  # keeps the state of the global generators that stable-baselines3 draws from
HEAVY = ("numba", "scipy", "skyfield", "torch", "stable_baselines3", "matplotlib", "pandas")
GLOBAL_RANDOM = re.compile(
    r"\bnp\.random\.(?!Generator|SeedSequence|Philox|PCG64|BitGenerator|default_rng)\w+|\bimport random\b"
)


@dataclass(frozen=True)
class Import:
    """One import statement: what it names, and when it happens."""

    module: str
    target: str
    always: bool  # when the module is loaded, not in a function or for type checkers

    def __str__(self):
        return f"{self.module} imports {self.target}"


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


def imports_of(module):
    """Every import of a module, with names of submodules resolved; `odc_gym.` is left out of names of the package."""
    found = []

    def visit(node, always):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.extend(Import(module, alias.name, always) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{module}: relative import of {child.module}"
                for alias in child.names:
                    whole = f"{child.module}.{alias.name}"
                    inner = whole.removeprefix("odc_gym.") in SOURCES and whole.startswith("odc_gym.")
                    found.append(Import(module, whole if inner else str(child.module), always))
            deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or (
                isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            )
            visit(child, always and not deferred)

    visit(ast.parse(SOURCES[module].read_text(encoding="utf-8")), True)
    return found


IMPORTS = [item for module in SOURCES for item in imports_of(module)]
INSIDE = [item for item in IMPORTS if item.target.split(".")[0] == "odc_gym"]


def room(module):
    parts = module.split(".")
    return next(name for k in range(len(parts), -1, -1) if (name := ".".join(parts[:k])) in ROOMS)


def inside(item):
    return item.target.removeprefix("odc_gym").removeprefix(".")


def allowed(item):
    mine, other = room(item.module), room(inside(item))
    return mine == other or any(other == name or other.startswith(f"{name}.") for name in ROOMS[mine])


def test_every_module_has_a_room_and_every_room_a_module():
    assert {module for module in SOURCES if module and room(module) == ""} == set()
    assert set(ROOMS) - {room(module) for module in SOURCES} == set()


def test_imports_follow_the_arrows():
    assert [str(item) for item in INSIDE if item.always and not allowed(item)] == []


def test_no_cycles():
    graph = {module: set() for module in SOURCES}
    for item in INSIDE:
        if item.always and inside(item) != item.module:
            graph[item.module].add(inside(item))
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize(
    ("who", "what"),
    [
        ("physics", {"scenario", "simulation", "interface"}),
        ("orbits", {"simulation", "physics", "interface"}),
        ("workload", {"simulation", "physics", "interface"}),
        ("evaluation", {"agents", "training"}),
        ("agents", {"evaluation", "sb3", "env", "vector"}),
        ("simulation", {"env", "vector", "sb3", "agents", "evaluation", "training"}),
        ("", {"cli"}),
    ],
)
def test_never_not_even_in_a_function(who, what):
    named = []
    for item in INSIDE:
        mine, other = item.module.split(".")[0], inside(item).split(".")[0]
        if other in what and mine != other and who in ("", mine):
            named.append(str(item))
    assert named == []


def test_only_the_rooms_of_learning_import_its_libraries():
    named = {item.module.split(".")[0] for item in IMPORTS if item.target.split(".")[0] in LEARNING}
    assert named <= LEARNERS


def test_the_linked_folders_are_imported_by_their_names_in_the_package():
    everywhere = [
        *SOURCES.values(),
        *ROOT.glob("*.py"),
        *(p for d in ("tests", "benchmarks", "docs") for p in (ROOT / d).rglob("*.py")),
    ]
    for path in everywhere:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            assert not {name.split(".")[0] for name in names} & {"agents", "configs"}, path


def test_importing_the_package_loads_nothing_heavy():
    script = f"""
import sys, gymnasium, odc_gym
print(sorted(set({HEAVY!r}) & set(sys.modules)), "ODCSat-v0" in gymnasium.registry)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"


@pytest.mark.parametrize("module", SOURCES)
def test_a_file_reads_in_one_sitting_and_draws_from_no_global_generator(module):
    text = SOURCES[module].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES, f"{len(text.splitlines())} lines"
    if module != RESUMES:
        assert not GLOBAL_RANDOM.search(text)


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
