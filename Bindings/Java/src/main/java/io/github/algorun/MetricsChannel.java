// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The only class that writes plain lines: to the descriptor of {@code ALGO_METRICS_FD}, and to stderr for {@code
 * ALGO_METRICS_ECHO}.
 *
 * <p>Java cannot write to a descriptor by its number, so the first call opens {@code /proc/self/fd/N} again, for
 * appending, and keeps that open. Nothing here throws for the state of a descriptor; a JVM ignores SIGPIPE.
 */
final class MetricsChannel {
    /** Opening a pipe whose reader is gone waits for another reader: for so long we let it. */
    private static final long OPENING_PATIENCE_MILLISECONDS = 1000;

    private static final Object LOCK = new Object();
    private static boolean opened;
    private static OutputStream channel;

    private MetricsChannel() {}

    /** Prints the line to stderr if that was asked for. */
    static void echo(byte[] line) {
        if ("1".equals(System.getenv("ALGO_METRICS_ECHO"))) {
            synchronized (LOCK) {
                System.err.write(line, 0, line.length);
                System.err.flush();
            }
        }
    }

    static void write(byte[] line) {
        synchronized (LOCK) {
            if (!opened) {
                opened = true;
                channel = open(System.getenv("ALGO_METRICS_FD"));
            }
            if (channel == null) {
                return;
            }
            try {
                // A file stream: unbuffered, so one call is one write, and unlike a channel not closed by an interrupt.
                channel.write(line);
            } catch (IOException lost) {
                // The line is lost and nothing else: telemetry does no harm.
            }
        }
    }

    private static OutputStream open(String number) {
        if (number == null || !number.matches("[0-9]{1,9}") || accessMode(number) != 1) {
            return null;
        }
        AtomicReference<OutputStream> found = new AtomicReference<>();
        Thread opening =
                new Thread(
                        () -> {
                            try {
                                found.set(new FileOutputStream("/proc/self/fd/" + number, true));
                            } catch (IOException gone) {
                                // No supervisor then.
                            }
                        },
                        "algo-run opens the metrics channel");
        // A thread that waits for ever must not keep the JVM from ending.
        opening.setDaemon(true);
        opening.start();
        waitFor(opening);
        return found.get();
    }

    /**
     * How a descriptor was opened: 0 for reading, 1 for writing, 2 for both; -1 if it is closed.
     *
     * <p>A program may have been started with a variable but without the descriptor. Then the number belongs to
     * whatever the JVM opened next, its own class library for one, and a line there would damage it.
     */
    static int accessMode(String number) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo", number))) {
                if (line.startsWith("flags:")) {
                    return (int) (Long.parseLong(line.substring(6).trim(), 8) & 3);
                }
            }
        } catch (IOException | NumberFormatException notLinuxOrClosed) {
            return -1;
        }
        return -1;
    }

    private static void waitFor(Thread opening) {
        long end = System.nanoTime() + OPENING_PATIENCE_MILLISECONDS * 1_000_000;
        boolean interrupted = false;
        while (opening.isAlive() && System.nanoTime() < end) {
            try {
                opening.join(OPENING_PATIENCE_MILLISECONDS);
            } catch (InterruptedException early) {
                interrupted = true;
            }
        }
        if (interrupted) {
            // The program's to see, after the line is sent.
            Thread.currentThread().interrupt();
        }
    }
}
