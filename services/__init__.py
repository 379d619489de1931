"""The processes of pbxis: the AMI bridge, the gateway, the demo PBX, and the command that starts them."""
