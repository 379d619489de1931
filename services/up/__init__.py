"""`pbxis up`: the whole system on one machine, each service a process of its own."""
