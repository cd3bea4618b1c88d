// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The request that is being answered: {@link AlgoRun#current()} of the thread that runs the algorithm, and of threads
 * that were started for it. Give it to a thread of a pool, which belongs to no request, and report by it there.
 */
public final class Request {
    private static final InheritableThreadLocal<Request> CURRENT = new InheritableThreadLocal<>();
    private static final AtomicBoolean WARNED = new AtomicBoolean();

    /** Null for a program that runs without a supervisor of workers. */
    private final String number;

    private final String id;
    private final String reference;
    private final Instant deadline;
    private final String traceparent;
    private final OutputStream channel;
    private boolean open;

    private Request(
            String number, String id, Instant deadline, String traceparent, OutputStream channel, boolean open) {
        this.number = number;
        this.id = id;
        this.reference = referenceOfVersion();
        this.deadline = deadline;
        this.traceparent = traceparent;
        this.channel = channel;
        this.open = open;
    }

    /** A request as a supervisor sends it. */
    static Request of(Frame frame) {
        long limit = Long.parseLong(frame.keys.getOrDefault("timeout", "0"));
        Instant deadline = limit > 0 ? Instant.now().plusMillis(limit) : null;
        OutputStream channel = null;
        String path = frame.keys.getOrDefault("metrics", "-");
        if (path.startsWith("/")) {
            try {
                channel = new FileOutputStream(path, true);
            } catch (IOException sandboxed) {
                // Lines with a number go to the pipe that all requests share.
            }
        }
        return new Request(
                frame.number, frame.keys.get("id"), deadline, frame.keys.get("traceparent"), channel, true);
    }

    /** The one request of a program that runs without a supervisor of workers. */
    static Request alone() {
        return new Request(null, System.getenv("ALGO_REQUEST_ID"), null, System.getenv("TRACEPARENT"), null, true);
    }

    /** What a thread that was started for no request reports to: number 0 never runs. */
    static Request none() {
        return new Request("0", null, null, null, null, false);
    }

    static Request current() {
        return CURRENT.get();
    }

    private static String referenceOfVersion() {
        Map<String, String> variables = System.getenv();
        return variables.containsKey("ALGO_VERSION")
                ? variables.get("ALGO_OWNER") + "/" + variables.get("ALGO_NAME") + "/" + variables.get("ALGO_VERSION")
                : null;
    }

    byte[] answer(BytesAlgorithm algorithm, byte[] input) throws Exception {
        CURRENT.set(this);
        try {
            return algorithm.apply(input);
        } finally {
            CURRENT.remove();
            close();
        }
    }

    /** Before the answer, so that nothing that comes later can be taken for the next request's. */
    private synchronized void close() {
        open = false;
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException lost) {
            // Telemetry does no harm.
        }
    }

    /** By the number the supervisor credits a line to its request, and counts one that comes after its answer as late. */
    synchronized void send(byte[] line) {
        MetricsChannel.echo(line);
        if (number == null) {
            MetricsChannel.write(line);
        } else if (open && channel != null) {
            try {
                channel.write(line);
            } catch (IOException lost) {
                // Telemetry does no harm.
            }
        } else {
            if (!open && !WARNED.getAndSet(true)) {
                System.err.println(
                        "algo-run: late_report: report() on a thread of no request, or after its answer; give the"
                                + " thread AlgoRun.current() and wait for it");
            }
            String text = new String(line, StandardCharsets.US_ASCII);
            MetricsChannel.write(("\u001e" + number + " " + text).getBytes(StandardCharsets.US_ASCII));
        }
    }

    /**
     * The id of the request.
     *
     * @return the id; null if there is none
     */
    public String id() {
        return id;
    }

    /**
     * The version that answers it.
     *
     * @return {@code owner/name/version}; null if there is none
     */
    public String reference() {
        return reference;
    }

    /**
     * When its time limit ends.
     *
     * @return the moment; null if there is no limit
     */
    public Instant deadline() {
        return deadline;
    }

    /**
     * The trace that it belongs to.
     *
     * @return a W3C {@code traceparent}; null if there is none
     */
    public String traceparent() {
        return traceparent;
    }

    /**
     * Reports metrics of this request, from any thread. After its answer they count as late.
     *
     * @param metrics names and numbers
     * @throws IllegalArgumentException as {@link AlgoRun#report(Map)}
     */
    public void report(Map<String, ? extends Number> metrics) {
        byte[] line = MetricLine.of(metrics);
        if (line.length > 0) {
            send(line);
        }
    }
}
