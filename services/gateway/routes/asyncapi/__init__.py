"""The AsyncAPI document: what travels over NATS, and what a stream carries.

``commands.py`` has what FastStream makes of the subscribers that the bridge declares, ``events.py`` what
msgspec makes of the event catalogue, ``words.py`` turns docstrings into texts for readers of JSON,
``document.py`` puts it together.
"""
