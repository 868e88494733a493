"""Report of a comparison as one HTML page: verdict, ranking, waterfall, energy, services, worst episodes, reproduction.

`page.comparison_page` makes the page from the JSON document of a comparison. Python computes where every mark lies, the
templates write HTML and SVG, and the page needs no script.

    from odc_gym.agents import scheduler_factory
    from odc_gym.evaluation import document, evaluate
    from odc_gym.pages.report.page import Origin, comparison_page
    from odc_gym.scenario import Scenario

    schedulers = {name: scheduler_factory(name) for name in ("zero", "full-clock")}
    scenario = Scenario.load("starter12", {"episode.hours": 1})
    comparison = evaluate(scenario, schedulers, seeds=range(20_000, 20_002), workers=1)
    origin = Origin("odc-gym compare zero full-clock", {"starter12": "starter12"})
    html = comparison_page(document(comparison, "zero"), [comparison.scenario], origin)
"""
