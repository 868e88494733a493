"""Pages: HTML files that stand alone, made of Jinja2 templates and one theme.

A page is one file. Styles, pictures and data lie inside it, and its content security policy forbids every request.
`templates.render` fills a template of this folder; text of users is escaped. `theme.css` holds the colours of all pages
in light and dark, and what printers need.

    >>> from odc_gym.pages.templates import environment
    >>> environment().from_string("{{ name }}").render(name="<script>")
    '&lt;script&gt;'
"""
