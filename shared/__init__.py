"""The contracts between the services: events, commands, subjects, wire format, configuration, errors.

Pure: nothing here opens a socket, reads a clock or logs. Neither service is imported from here.
"""
