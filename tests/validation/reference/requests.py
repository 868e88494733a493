"""Makes requests.csv: which share of requests meets the targets of `starter12`, by request-level simulation.

    python tests/validation/reference/requests.py [FOLDER]
    python tests/validation/reference/requests.py --others

FOLDER holds the Azure LLM inference traces of 2023 (`azure_llm_2023`); without it their rows are left as they are.
Takes some minutes. Lognormal requests are those of a conversation and of a code assistant. `--others` makes
other_requests.csv, of requests of other sizes with other random numbers: on such ones constants of the laws were set.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from request_simulation import OTHERS, SIZES, Engine, lognormal, serve  # noqa: E402

HEADER = "requests,clock,replicas,load,first,pace,both,busy"
CLOCKS, REPLICAS, LOADS = (1.0, 0.5), (1, 2, 4, 32), (0.3, 0.6, 0.8, 0.9, 0.95)
FIRST_S, PACE_S = 2.0, 0.2
MS_PER_TOKEN, PREFILL_MS, INPUT_PER_OUTPUT, BATCH, BASE_FRAC, WIDTH = 10.6, 0.8, 5.474, 32, 0.37, 2
KAPPA_PREFILL, KAPPA_DECODE = 0.95, 0.18
REQUESTS = 100_000  # fewer leave shares near saturation uncertain: of 4000, by five points
SEED = 20270


def engine_of(answers: np.ndarray, clock: float) -> Engine:
    """Return a replica of `starter12` at a clock; its tokens after the first take the decode time of all."""
    token_s = (MS_PER_TOKEN - PREFILL_MS * INPUT_PER_OUTPUT) / 1000 / WIDTH * answers.mean() / (answers - 1).mean()
    slow, steady = KAPPA_PREFILL / clock + 1 - KAPPA_PREFILL, KAPPA_DECODE / clock + 1 - KAPPA_DECODE
    step = steady * token_s
    return Engine(slow * PREFILL_MS / 1000 / WIDTH, step * BASE_FRAC * BATCH, step * (1 - BASE_FRAC), BATCH)


def shares(prompts: np.ndarray, answers: np.ndarray, clock: float, replicas: int, load: float, seed: int = SEED) -> str:
    """Return a line of the table: shares of requests that meet their targets in the steady state."""
    random = np.random.default_rng((seed, replicas, round(100 * load)))
    engine = engine_of(answers, clock)
    full = engine.base_s / BATCH + engine.each_s
    takes = engine.prefill_s * prompts.mean() + full * (answers - 1).mean()
    count = int((REQUESTS if seed == SEED else REQUESTS // 5) / (1.0 - load) * min(2.0, 1.0 + 2.0 / replicas))
    arrival_s = np.cumsum(random.exponential(takes / (load * replicas), count))
    some = random.integers(0, len(prompts), (2, count))
    served = serve(engine, replicas, arrival_s, prompts[some[0]], answers[some[1]])
    inside = slice(count // 8, int(0.97 * count))
    first, pace = served.first_s[inside] <= FIRST_S, served.pace_s[inside] <= PACE_S
    values = (first.mean(), pace.mean(), (first & pace).mean(), served.busy)
    return f"{clock:g},{replicas},{load:g}," + ",".join(f"{v:.4f}" for v in values)


def azure(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the prompt and answer lengths of one of the traces [tokens]."""
    rows = np.genfromtxt(next(folder.glob(f"*{name}*.csv")), delimiter=",", skip_header=1, usecols=(1, 2), dtype=int)
    return rows[:, 0], np.maximum(rows[:, 1], 1)


def rows(kinds: dict, clocks: tuple[float, ...], replicas: tuple[int, ...], seed: int) -> list[str]:
    """Return the lines of the table of lognormal requests."""
    lines = []
    for kind, (prompt, answer) in kinds.items():
        random = np.random.default_rng(seed)
        tokens = lognormal(random, *prompt, 200_000), lognormal(random, *answer, 200_000)
        for clock in clocks:
            for count in replicas:
                lines += [f"{kind},{shares(*tokens, clock, count, load, seed)}" for load in LOADS]
                print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Write the table."""
    if sys.argv[1:] == ["--others"]:
        lines = [HEADER, *rows(OTHERS, (1.0, 0.55), (1, 4, 32), SEED + 1)]
        (HERE / "other_requests.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return
    table = HERE / "requests.csv"
    kept = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    lines = [HEADER, *rows(SIZES, CLOCKS, REPLICAS, SEED)]
    if len(sys.argv) > 1:
        for name in ("conv", "code"):
            tokens = azure(Path(sys.argv[1]), name)
            for replicas in (1, 8):
                lines += [f"azure-{name},{shares(*tokens, 1.0, replicas, load)}" for load in (0.5, 0.7, 0.85)]
                print(lines[-1], flush=True)
    else:
        lines += [line for line in kept if line.startswith("azure")]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
