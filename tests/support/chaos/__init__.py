"""Clients that come back as good browsers do, and what must be true of what they got.

crowd.py    many clients of all transports, over all gateways
browser.py  one of them; transports.py: how it reads; story.py: what it got; screen.py: what it shows
log_copy.py the log itself, read from NATS; oracle.py: the stories against the log
ami_load.py, call_load.py: a busy Asterisk
"""
