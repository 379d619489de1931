"""What people run in a terminal: `pbxis tail`, `pbxis check` and `pbxis key`."""
