// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The algorithm of a worker in tests: an input is a word that asks for something, or is counted. */
final class Worked {
    private static final ExecutorService POOL =
            Executors.newFixedThreadPool(
                    1,
                    task -> {
                        Thread thread = new Thread(task);
                        thread.setDaemon(true);
                        return thread;
                    });

    private static CountDownLatch previousMayReport;
    private static Thread previousThread;
    private static Process previousChild;
    private static Request kept;
    private static volatile int running;

    private Worked() {}

    /** Starts the thread of the pool before any request, so that it belongs to none. */
    static void load() throws Exception {
        POOL.submit(() -> {}).get();
    }

    static String apply(String input) throws Exception {
        switch (input.split(" ")[0]) {
            case "fail":
                throw new IllegalStateException("no cats\nat all");
            case "print":
                System.out.println("printed");
                break;
            case "leave":
                System.exit(3);
                break;
            case "current":
                Request request = AlgoRun.current();
                Instant end = request.deadline();
                boolean soon = end != null && end.isAfter(Instant.now()) && end.isBefore(Instant.now().plusSeconds(90));
                return request.id() + " " + request.reference() + " " + (end == null ? "none" : soon ? "soon" : "wrong")
                        + " " + request.traceparent();
            case "keep":
                kept = AlgoRun.current();
                break;
            case "late":
                kept.report(Map.of("late", 1));
                break;
            case "isolated":
                isolated(Integer.parseInt(input.substring(9)));
                return "";
            case "shared":
                shared(Integer.parseInt(input.substring(7)));
                return "";
            default:
                break;
        }
        AlgoRun.report("letters", input.length());
        return "<" + input + ">";
    }

    static byte[] reversed(byte[] input) {
        byte[] result = new byte[input.length];
        for (int index = 0; index < input.length; index++) {
            result[index] = input[input.length - 1 - index];
        }
        return result;
    }

    /**
     * As if all requests had one channel, whose lines belong to the request that runs: the thread of the request before
     * writes to it now.
     */
    private static void shared(int number) throws Exception {
        running++;
        writeToShared("now", number);
        if (previousThread != null) {
            previousMayReport.countDown();
            previousThread.join();
        }
        CountDownLatch mayReport = new CountDownLatch(1);
        previousMayReport = mayReport;
        previousThread =
                new Thread(
                        () -> {
                            try {
                                mayReport.await();
                                writeToShared("late_thread", number);
                            } catch (Exception problem) {
                                throw new IllegalStateException(problem);
                            }
                        });
        previousThread.setDaemon(true);
        previousThread.start();
    }

    private static void writeToShared(String name, int value) throws IOException {
        try (OutputStream channel = new FileOutputStream("/proc/self/fd/3", true)) {
            channel.write(("\u001e" + running + " {\"" + name + "\":" + value + "}\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Reports in every way, and has the thread and the child of the request before report now. */
    private static void isolated(int number) throws Exception {
        AlgoRun.report("now", number);
        Thread onTime = new Thread(() -> AlgoRun.report("thread", number));
        onTime.start();
        onTime.join();
        Request request = AlgoRun.current();
        POOL.submit(() -> request.report(Map.of("handle", number))).get();
        POOL.submit(() -> AlgoRun.report("late_pool", number)).get();
        if (previousThread != null) {
            previousMayReport.countDown();
            previousThread.join();
            previousChild.getOutputStream().close();
            previousChild.waitFor();
        }
        CountDownLatch mayReport = new CountDownLatch(1);
        previousMayReport = mayReport;
        previousThread =
                new Thread(
                        () -> {
                            try {
                                mayReport.await();
                            } catch (InterruptedException never) {
                                return;
                            }
                            AlgoRun.report("late_thread", number);
                        });
        previousThread.setDaemon(true);
        previousThread.start();
        // A JVM closes all descriptors of its children but the three of ProcessBuilder.
        previousChild =
                new ProcessBuilder("sh", "-c", "read line; echo '{\"late_child\":" + number + "}'")
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(new File("/proc/self/fd/3")))
                        .start();
    }
}
