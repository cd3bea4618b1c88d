# SPDX-License-Identifier: Apache-2.0
"""The service that one would write with FastAPI: the function in process, or by a process each."""
import os
import subprocess

from fastapi import Body, FastAPI

app = FastAPI()
DIRECTORY = os.environ.get("BENCH_DIRECTORY")
COMMAND = os.environ.get("BENCH_COMMAND", "/bin/cat").split("\x1f")


def apply(value):
    return value


@app.post("/function")
def function(value=Body()):
    return {"result": apply(value)}


@app.post("/command")
def command(value=Body()):
    finished = subprocess.run(
        COMMAND, input=str(value).encode(), stdout=subprocess.PIPE, cwd=DIRECTORY, check=False)
    return {"result": finished.stdout.decode()}
