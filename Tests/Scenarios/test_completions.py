# SPDX-License-Identifier: Apache-2.0
"""Completions as the real shells offer them, from the script that the program prints."""

import os
import re
import shutil
import subprocess

import pytest

from harness import processes
from harness.terminal import Terminal

SHELLS = ["bash", "zsh", "fish"]


@pytest.fixture
def ready(program):
    """A directory with a file and a folder, a home with two versions, and a script for each shell."""
    program.run("publish", "demo/cats", "--", "true", status=0)
    program.run("publish", "demo/dogs", "--", "true", status=0)
    (program.directory / "notes of today").touch()
    (program.directory / "nothing").mkdir()
    for shell in SHELLS:
        script = program.run("--generate-completion-script", shell, status=0).stdout
        assert program.run(f"--generate-completion-script={shell}", status=0).stdout == script
        (program.directory / f"script.{shell}").write_bytes(script)
    return program


def environment(program):
    folder = program.directory.parent / "bin"
    folder.mkdir(exist_ok=True)
    if not (folder / "algo-run").exists():
        (folder / "algo-run").symlink_to(program.binary)
    return program.environment(PATH=f"{folder}:{os.environ['PATH']}", TERM="dumb")


def need(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: its script was not tried")


def asked(program, *command):
    """The shell's answers, one line for each question."""
    finished = subprocess.run(command, env=environment(program), cwd=program.directory, timeout=processes.LIMIT,
                              stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert finished.stderr == b""
    return finished.stdout.decode().splitlines()


EXPECTED = {
    "conn": ["connection"],
    "exec --st": ["--stop-signal", "--strict"],
    "exec --stri": ["--strict"],
    "connection ": ["remove", "set", "show", "test"],
    "connection set --type ": ["file", "plaintext", "sasl_ssl"],
    "exec demo/": ["demo/cats", "demo/cats/1.0.0", "demo/dogs", "demo/dogs/1.0.0"],
    "check no": ["notes of today", "nothing"],
    "exec --home no": ["nothing"],
    "exec -- cat no": ["notes of today", "nothing"],
    "publish --no-i": ["--no-insights", "--no-isolate"],
    "nosuch ": [""],
}


def test_bash_offers_what_the_program_knows(ready):
    need("bash")
    code = """
      source script.bash
      for line in "$@"; do
        read -ra COMP_WORDS <<<"algo-run $line"; [[ $line == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=(); _algo_run
        (IFS='|'; echo "${COMPREPLY[*]}")
      done
      COMP_WORDS=(algo-run connection set --type = p) COMP_CWORD=5 COMPREPLY=(); _algo_run; echo "${COMPREPLY[*]}"
      COMP_WORDS=(algo-run check "notes of") COMP_CWORD=2 COMPREPLY=(); _algo_run; echo "${COMPREPLY[*]}"
    """
    answers = asked(ready, "bash", "-c", code, "bash", *EXPECTED)
    for (line, expected), answer in zip(EXPECTED.items(), answers):
        assert sorted(answer.split("|")) == sorted(expected), line
    assert answers[len(EXPECTED):] == ["plaintext", "notes of today"]


def test_fish_offers_what_the_program_knows(ready):
    need("fish")
    code = """
      source script.fish
      for line in $argv
        echo (complete -C "algo-run $line" | string replace -r '\\t.*' '' | string trim -r -c / | string join '|')
      end
      complete -C "algo-run connection set --type=p"; complete -C "algo-run exec --report=notes"
    """
    answers = asked(ready, "fish", "-N", "-c", code, *EXPECTED)
    for (line, expected), answer in zip(EXPECTED.items(), answers):
        assert sorted(answer.split("|")) == sorted(expected), line
    assert answers[len(EXPECTED):] == ["--type=plaintext", "--report=notes of today"]


def test_zsh_completes_what_is_typed(ready):
    need("zsh")
    # A key that prints the line as it is, and empties it.
    start = ("show() { zle -I; print -r -- \"<$BUFFER>\"; BUFFER= }; zle -N show; bindkey '^Y' show; "
             "autoload -Uz compinit; compinit -u -D; source script.zsh; print loaded:")
    with Terminal(["zsh", "-f", "-i"], environment(ready), ready.directory) as user:
        user.type(start + "\n")
        user.see("\nloaded:")
        for typed, completed in {
            "conn": "connection ", "exec --stri": "exec --strict ", "exec demo/c": "exec demo/cats",
            "check notes": r"check notes\ of\ today ", "exec -- cat notes": r"exec -- cat notes\ of\ today ",
            "exec --home noth": "exec --home nothing/", "exec --report=notes": r"exec --report=notes\ of\ today ",
            "connection set --type pl": "connection set --type plaintext ",
        }.items():
            user.type(f"algo-run {typed}\t\x19")
            user.see(re.escape(f"<algo-run {completed}>"))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_can_read_its_script(ready, shell):
    need(shell)
    asked(ready, shell, "--no-execute" if shell == "fish" else "-n", f"script.{shell}")
