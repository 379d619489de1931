"""What people run in a terminal: `pbxis tail` and `pbxis check`."""
