// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

/** An algorithm on text, for {@link AlgoRun#serve}. */
@FunctionalInterface
public interface TextAlgorithm {
    /**
     * Answers one request.
     *
     * @param input the request
     * @return the result
     * @throws Exception if the request has no result; its type, message and stack trace are the answer
     */
    String apply(String input) throws Exception;
}
