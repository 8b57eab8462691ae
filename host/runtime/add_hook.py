"""Add a createRuntime hook to an OCI bundle: add_hook.py CONFIG HOOK. Standard library only: it runs on the host's Python."""

import json
import sys

config_path, hook = sys.argv[1:]
with open(config_path) as source:
    config = json.load(source)
config.setdefault("hooks", {}).setdefault("createRuntime", []).append({"path": hook})
with open(config_path, "w") as target:
    json.dump(config, target)
