# SPDX-License-Identifier: Apache-2.0
"""Consumers of the Insights of algo-run: one loop over the Kafka topic, and a sink for each monitoring tool."""

__version__ = "0.2.0"
