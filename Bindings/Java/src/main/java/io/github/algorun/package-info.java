// SPDX-License-Identifier: Apache-2.0
/**
 * What an algorithm written in Java calls to report its metrics to algo-run: {@link io.github.algorun.AlgoRun}.
 */
package io.github.algorun;
