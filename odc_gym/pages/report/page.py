"""The report page: one HTML file about a comparison, made of its JSON document alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from odc_gym.pages.report.dots import DotPlot, differences, ranking
from odc_gym.pages.report.learning import learning_curve
from odc_gym.pages.report.numbers import WIDTH, figure, listed
from odc_gym.pages.report.sankey import Diagram, diagram, energy_graph
from odc_gym.pages.report.tables import (
    Table,
    absences,
    energy_table,
    episodes_table,
    headline_table,
    service_table,
    standings_table,
    terms_table,
    worst_table,
)
from odc_gym.pages.report.waterfall_chart import WaterfallRow, waterfall_rows
from odc_gym.pages.report.words import Weakness, claim, lede, notes, ranked, rival_of, weaknesses, with_foresight
from odc_gym.pages.templates import render
from odc_gym.scenario import Scenario
from odc_gym.scenario.yaml_text import dump

WORST = 5  # episodes of the best scheduler that are shown
LARGEST = 1_000_000  # bytes of a page, above which single episodes and far rivals are left out
RIVALS, NEAR_RIVALS = 20, 5  # number of rivals whose differences are shown, and that on a large page


class Origin(NamedTuple):
    """How a comparison was made.

    Attributes:
        command: command that repeats it.
        sources: name or file of each scenario, by the name of the scenario.
        options: options of `odc-gym record` that give overrides and traces, in words.
        folder: folder in which the page will lie, where replays may lie beside it.
        remarks: sentences below the verdict.
        learning: decisions so far and mean score of each validation of a training.
    """

    command: str
    sources: Mapping[str, str]
    options: tuple[str, ...] = ()
    folder: Path | None = None
    remarks: tuple[str, ...] = ()
    learning: tuple[tuple[float, float], ...] = ()


class Replay(NamedTuple):
    """How to watch one episode."""

    label: str
    commands: str
    link: str  # file of the replay beside the page, or ""


class ServiceRow(NamedTuple):
    """Shares in time of one class; places are 0 to `numbers.WIDTH`."""

    name: str
    kind: str
    best: float
    rival: float | None
    others: tuple[float, ...]


class Energy(NamedTuple):
    """Energy flow of one scheduler as a picture."""

    name: str
    picture: Diagram
    summary: str


class Block(NamedTuple):
    """Everything that the page says about one scenario."""

    name: str
    anchor: str
    doc: Mapping[str, Any]
    order: list[str]
    rival: str | None
    claim: str
    notes: list[str]
    lede: list[str]
    weaknesses: list[Weakness]
    ranking: DotPlot
    differences: DotPlot | None
    waterfall: list[WaterfallRow]
    energy: list[Energy]
    energy_table: Table | None
    services: list[ServiceRow]
    service_table: Table
    headline: Table
    terms: Table
    worst: Table
    replays: list[Replay]
    episodes: Table
    seeds: str
    yaml: str
    description: str


def comparison_page(data: Mapping[str, Any], scenarios: Sequence[Scenario], origin: Origin) -> str:
    """Return the report of a comparison as an HTML page without scripts, which loads nothing.

    A page above 1 MB is made without the scores of single episodes, and with the differences to the nearest rivals.

    Args:
        data: what `odc_gym.evaluation.document` returns for one scenario, or `documents` for several.
        scenarios: scenarios of the comparison, in any order.
        origin: how the comparison was made.
    """
    page = _rendered(data, scenarios, origin, True)
    return page if len(page.encode()) <= LARGEST else _rendered(data, scenarios, origin, False)


def _rendered(data: Mapping[str, Any], scenarios: Sequence[Scenario], origin: Origin, detailed: bool) -> str:
    docs = data["scenarios"] if "scenarios" in data else {data["scenario"]: data}
    known = {scenario.name: scenario for scenario in scenarios}
    rivals = RIVALS if detailed else NEAR_RIVALS
    blocks = [_block(f"s{k}", doc, known[name], origin, rivals) for k, (name, doc) in enumerate(docs.items())]
    across = data.get("across")
    return render(
        "report/report.html",
        title=blocks[0].claim if len(blocks) == 1 else _across_claim(across, len(blocks)),
        blocks=blocks,
        standings=None if across is None else standings_table(across, list(docs)),
        absences=[] if across is None else list(absences(across)),
        remarks=origin.remarks,
        curve=learning_curve(origin.learning),
        command=origin.command,
        versions=blocks[0].doc["versions"],
        trace=_trace(blocks[0].doc),
        width=WIDTH,
        detailed=detailed,
    )


def _block(anchor: str, doc: Mapping[str, Any], scenario: Scenario, origin: Origin, rivals: int) -> Block:
    order = ranked(doc)
    rival = rival_of(doc, order)
    shown = order[:1] if rival is None else [order[0], rival]
    metrics = doc["agents"][order[0]]["metrics"]
    classes = [name for name in scenario.workload.classes if f"slo_{name}" in metrics]
    found = list(weaknesses(doc, order))
    worst = np.argsort(doc["agents"][order[0]]["score"], kind="stable")[:WORST].tolist()
    return Block(
        name=doc["scenario"],
        anchor=anchor,
        doc=doc,
        order=order,
        rival=rival,
        claim=claim(doc, order),
        notes=list(notes(doc, order)),
        lede=list(lede(doc, order, found)),
        weaknesses=found,
        ranking=ranking(doc, with_foresight(doc), order[0]),
        differences=differences(doc, order, rivals),
        waterfall=waterfall_rows(doc, shown),
        energy=_energy(doc, shown),
        energy_table=energy_table(doc, shown),
        services=[_service(doc, order, rival, name) for name in classes],
        service_table=service_table(doc, order, classes),
        headline=headline_table(doc, order),
        terms=terms_table(doc, order),
        worst=worst_table(doc, order, classes, worst),
        replays=[_replay(doc, shown, doc["seeds"][k], origin) for k in worst],
        episodes=episodes_table(doc, order),
        seeds=_spans(doc["seeds"]),
        yaml=dump(scenario.model_dump(mode="json")),
        description=scenario.description,
    )


def _spans(seeds: Sequence[int]) -> str:
    """Return numbers as spans: `10000 to 10019, 10030`."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][-1] + 1:
            spans[-1][1:] = [seed]
        else:
            spans.append([seed])
    return ", ".join(" to ".join(map(str, span)) for span in spans)


def _energy(doc: Mapping[str, Any], names: Sequence[str]) -> list[Energy]:
    """Return the pictures of the energy flow at one scale; none if the document has no energy flow."""
    parts = {name: doc["agents"][name].get("energy_kwh", {}) for name in names}
    if not all(parts.values()):
        return []
    graphs = {name: energy_graph(part) for name, part in parts.items()}
    return [
        Energy(name, diagram(graph, list(graphs.values())), _energy_summary(name, parts[name]))
        for name, graph in graphs.items()
    ]


def _energy_summary(name: str, part: Mapping[str, float]) -> str:
    battery = "drawn from" if part["stored"] < 0 else "left in"
    return (
        f"{name}: of {figure(part['available'], 0)} kWh of sunlight, {figure(part['used'], 0)} are used and "
        f"{figure(part['curtailed'], 0)} are not; {figure(abs(part['stored']), 0)} kWh are {battery} the batteries. "
        f"Compute takes {figure(part['compute'], 0)}, bus and terminals {figure(part['bus'], 0)}; "
        f"{figure(part['radiated'], 0)} kWh of heat go to space."
    )


def _service(doc: Mapping[str, Any], order: Sequence[str], rival: str | None, name: str) -> ServiceRow:
    def place(agent: str) -> float:
        value = doc["agents"][agent]["metrics"].get(f"slo_{name}")
        return round(WIDTH * (value or 0.0), 1)

    tokens = f"tokens_{name}" in doc["agents"][order[0]]["metrics"]
    kind = "tokens within both targets" if tokens else "jobs by their deadline"
    others = tuple(place(agent) for agent in order[1:] if agent != rival)
    return ServiceRow(name, kind, place(order[0]), None if rival is None else place(rival), others)


def _replay(doc: Mapping[str, Any], shown: Sequence[str], seed: int, origin: Origin) -> Replay:
    """Return the commands that show schedulers in an episode, and the page of the replay if it lies beside the report.

    A group of training runs is shown by its first run.
    """
    stem = f"{_plain(doc['scenario'])}-{seed}"
    players = [doc["agents"][name].get("runs", [name])[0] for name in shown]
    files = [f"{stem}-{_plain(player)}.npz" for player in players]
    source = origin.sources.get(doc["scenario"], doc["scenario"])
    commands = [
        ["odc-gym", "record", source, "--agent", player, "--seed", str(seed), *origin.options, "-o", file]
        for player, file in zip(players, files, strict=True)
    ]
    commands.append(["odc-gym", "replay", *files, "-o", f"{stem}.html"])
    exists = origin.folder is not None and (origin.folder / f"{stem}.html").is_file()
    return Replay(f"Episode {seed}", "\n".join(map(shlex.join, commands)), f"{stem}.html" if exists else "")


def _plain(name: str) -> str:
    """Return a name with the characters that any file name may have."""
    return re.sub(r"[^\w.]+", "-", name).strip("-.") or "x"


def _across_claim(across: Mapping[str, Any] | None, count: int) -> str:
    """Return the verdict over several scenarios as a sentence."""
    agents = {} if across is None else {n: a for n, a in across["agents"].items() if a["mean"] is not None}
    if across is None or not agents:
        return f"{count} scenarios: no scheduler operates all of them."
    best = max(agents, key=lambda name: agents[name]["mean"])
    first = [name for name, here in agents[best]["scenarios"].items() if here["best"]]
    start = f"{count} scenarios: {best} scores highest on average, {figure(agents[best]['mean'])}"
    pair = agents[best]["paired"]
    if pair is not None:
        verdict = "better" if pair["excludes_zero"] else "open"
        start += f"; {figure(pair['mean'], 1, True)} over {across['baseline']}, {verdict}"
    return f"{start}. It leads in {len(first)} of {count}{': ' + listed(first) if first else ''}."


def _trace(doc: Mapping[str, Any]) -> str:
    """Return the files of the trace with their options."""
    files = doc["trace"] or []
    files = files if isinstance(files, list) else [files]
    return "; ".join(
        file if isinstance(file, str) else ", ".join(f"{k} {v}" for k, v in file.items() if v is not None)
        for file in files
    )
