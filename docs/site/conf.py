"""Settings of Sphinx for the documentation; ``docs/site/build.py`` puts the pages together."""

from gridcell import __version__

project = "gridcell"
author = "The gridcell developers"
project_copyright = "The gridcell developers, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4
# Several classes have an attribute `cells`; which one a docstring means, its page tells.
suppress_warnings = ["ref.python"]

# A name between single backticks is that of a thing in Python, where there is one.
default_role = "py:obj"
add_module_names = False
python_use_unqualified_type_names = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = f"gridcell {version}"
html_static_path = ["_static"]
html_css_files = ["gridcell.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "tango",
}
