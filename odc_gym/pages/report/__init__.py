"""Report of a comparison as one HTML page: verdict, ranking, waterfall, energy, services, worst episodes, reproduction.

`page.comparison_page` makes the page from the JSON document of a comparison. Python computes where every mark lies, the
templates write HTML and SVG, and the page needs no script.

    from odc_gym.evaluation import document
    from odc_gym.pages.report.page import Origin, comparison_page

    origin = Origin("odc-gym compare zero full-clock", {"starter12": "starter12"})
    html = comparison_page(document(comparison, "zero"), [comparison.scenario], origin)
"""
