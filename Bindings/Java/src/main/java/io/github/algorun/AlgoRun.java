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
 * <p>All methods may be called from any thread. A failure to send is never thrown.
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
        if (line.length > 0) {
            MetricsChannel.send(line);
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
}
