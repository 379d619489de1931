"""The OpenAPI document, written from the tables that the routes are made of.

``document.py`` puts it together. To add an action: nothing here, its form says all. To add another route: its
operation in ``others.py``. To add an error: its example in ``problems.py``.
"""
