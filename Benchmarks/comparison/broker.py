# SPDX-License-Identifier: Apache-2.0
"""A broker on 127.0.0.1 for the time of a benchmark, by the script KAFKA_HOME/kafka."""

import shlex
import subprocess


class Broker:
    def __init__(self, kafka_home, directory):
        self.script, self.directory = f"{kafka_home}/kafka", str(directory)
        printed = subprocess.run([self.script, "start", "--dir", self.directory], check=True, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, text=True).stdout
        values = dict(word.split("=", 1) for word in shlex.split(printed) if "=" in word)
        self.bootstrap = values["PLAINTEXT"]

    def stop(self):
        subprocess.run([self.script, "stop", "--dir", self.directory], check=False, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
