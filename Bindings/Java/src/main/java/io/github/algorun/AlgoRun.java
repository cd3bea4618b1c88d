// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.util.Collections;
import java.util.Map;

/**
 * Reports metrics of an algorithm to algo-run, in one line.
 *
 * <pre>{@code
 * AlgoRun.report(Map.of("cats_detected", 24, "score", 0.93));
 * AlgoRun.report("cats_detected", 24);
 * }</pre>
 *
 * <p>Under algo-run the supervisor checks the metrics and publishes them with its own. Anywhere else a call does
 * nothing, so the program runs unchanged; with {@code ALGO_METRICS_ECHO=1} it prints what it would send to stderr.
 *
 * <p>{@link #serve} makes it a program that loads once and answers many requests. Metrics may be reported from any
 * thread. A failure to send is never thrown.
 */
public final class AlgoRun {
    private AlgoRun() {}

    /**
     * Reports metrics as one line, in the order of the map. The same name in a later call replaces its value.
     *
     * @param metrics names and numbers; a {@code BigDecimal}, {@code BigInteger} or {@code Long} keeps all its digits
     * @throws IllegalArgumentException if a value is null or not a number, or a name is null, empty, reserved or not
     *     valid Unicode; then nothing of the call is sent
     */
    public static void report(Map<String, ? extends Number> metrics) {
        byte[] line = MetricLine.of(metrics);
        if (line.length == 0) {
            return;
        }
        Request request = Request.current();
        if (request == null && Worker.isServing()) {
            request = Request.none();
        }
        if (request == null) {
            MetricsChannel.echo(line);
            MetricsChannel.write(line);
        } else {
            request.send(line);
        }
    }

    /**
     * Reports one metric.
     *
     * @param name the metric's name
     * @param value its value; a primitive of any number type will do
     * @throws IllegalArgumentException as for a map
     */
    public static void report(String name, Number value) {
        report(Collections.singletonMap(name, value));
    }

    /**
     * Answers requests with an algorithm on text, one at a time, until there are no more: the last call of a program
     * that has loaded its model.
     *
     * <pre>{@code
     * Model model = Model.load();
     * AlgoRun.serve(input -> model.answer(input));
     * }</pre>
     *
     * <p>Under algo-run, for a version published with {@code --worker}, requests come through a pipe. Anywhere else
     * this reads stdin to its end, applies the algorithm once and writes the result to stdout as it is, so the same
     * program runs in a pipe and on a laptop.
     *
     * <p>What the algorithm throws is the answer of its request, and the worker goes on. {@link #report} within it
     * belongs to the request, also on threads that it starts; threads of a pool take {@link #current()} and report by
     * it.
     *
     * @param algorithm called for each request; one that is not UTF-8 fails without a call
     * @throws Exception without a supervisor of workers, what the algorithm throws; with one, if its pipes break
     */
    public static void serve(TextAlgorithm algorithm) throws Exception {
        Worker.serve(Worker.onBytes(algorithm));
    }

    /**
     * The same for an algorithm on bytes.
     *
     * @param algorithm called for each request
     * @throws Exception as {@link #serve}
     */
    public static void serveBytes(BytesAlgorithm algorithm) throws Exception {
        Worker.serve(algorithm);
    }

    /**
     * The request that is being answered on this thread.
     *
     * @return the request; null outside of {@link #serve}, and on threads that were not started for a request
     */
    public static Request current() {
        return Request.current();
    }
}
