// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

/** An algorithm on bytes, for {@link AlgoRun#serveBytes}. */
@FunctionalInterface
public interface BytesAlgorithm {
    /**
     * Answers one request.
     *
     * @param input the request
     * @return the result
     * @throws Exception if the request has no result; its type, message and stack trace are the answer
     */
    byte[] apply(byte[] input) throws Exception;
}
