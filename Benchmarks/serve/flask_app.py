# SPDX-License-Identifier: Apache-2.0
"""The service that one would write with Flask: the function in process, or by a process each."""
import os
import subprocess

from flask import Flask, jsonify, request

app = Flask(__name__)
DIRECTORY = os.environ.get("BENCH_DIRECTORY")
COMMAND = os.environ.get("BENCH_COMMAND", "/bin/cat").split("\x1f")


def apply(value):
    return value


@app.post("/function")
def function():
    return jsonify(result=apply(request.get_json()))


@app.post("/command")
def command():
    finished = subprocess.run(
        COMMAND, input=request.get_data(), stdout=subprocess.PIPE, cwd=DIRECTORY, check=False)
    return jsonify(result=finished.stdout.decode())
