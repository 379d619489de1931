"""The simulated Asterisk, pure: time is passed in, chance comes from a seeded generator.

Read in this order: `schedule` (virtual time), `channels` and `events` (what AMI shows), `queues`
(figures), `switch` (channels, bridges, devices), then one file for each thing that a call can do:
`queueing`, `dialling`, `originating`, `parking`, `transfers`. `traffic` is the people who call and
answer, `simulation` puts all of it together, and `actions` is what AMI clients may ask for.
"""
