"""Runs one of this folder's scripts, which drive browsers, in a namespace of the network laboratory."""

import json
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ENVIRONMENT = dict(os.environ, NODE_TLS_REJECT_UNAUTHORIZED="0", NODE_NO_WARNINGS="1")


def run_in_lab(lab, space, script, plan, handle, *arguments, log_path=None):
    """Gives `script` its plan as the name of a file of JSON, and `arguments`. What it says is lines of JSON: its `result` is given back;
    every message goes to `handle`, and an `ask` is answered behind that. RuntimeError with its log, which `log_path` keeps, when it says no result."""
    with (tempfile.NamedTemporaryFile("w", suffix=".json") as file,
          open(log_path, "w+", encoding="utf-8") if log_path else tempfile.TemporaryFile("w+") as log):
        json.dump(plan, file)
        file.flush()
        process = lab.start(space, ["node", os.path.join(HERE, script), file.name, *arguments], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=log, cwd=ROOT, env=ENVIRONMENT)
        result = None
        for text in process.stdout:
            if not text.startswith(b"{"):
                continue
            message = json.loads(text)
            handle(message)
            if "ask" in message:
                process.stdin.write(b"done\n")
                process.stdin.flush()
            result = message.get("result", result)
        process.wait(30)
        log.seek(0)
        if result is None:
            raise RuntimeError(log.read()[-3000:])
    return result
