// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** The algorithm that the tests start: reports, and says on stderr what came of it. */
final class Probe {
    private Probe() {}

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "vectors":
                vectors(Path.of(arguments[1]));
                break;
            case "long":
                AlgoRun.report("n".repeat(60_000), 1);
                break;
            case "twice":
                AlgoRun.report("a", 1);
                // Until the test has closed the reader, or has nothing to say.
                System.in.read();
                AlgoRun.report("b", 2);
                AlgoRun.report("c", 3);
                break;
            case "interrupted":
                Thread.currentThread().interrupt();
                AlgoRun.report("a", 1);
                AlgoRun.report("b", 2);
                System.err.println(Thread.interrupted());
                break;
            case "threads":
                threads();
                break;
            case "serve":
                Worked.load();
                AlgoRun.serve(Worked::apply);
                break;
            case "reverse":
                AlgoRun.serveBytes(Worked::reversed);
                break;
            default:
                throw new IllegalArgumentException(arguments[0]);
        }
        System.err.println("alive");
    }

    @SuppressWarnings("unchecked")
    private static void vectors(Path file) throws IOException {
        for (Vector vector : Vector.read(file)) {
            if (!vector.expressible) {
                continue;
            }
            try {
                AlgoRun.report((Map<String, Number>) (Map<String, ?>) vector.metrics());
                System.err.println("sent");
            } catch (IllegalArgumentException mistake) {
                System.err.println(mistake.getMessage());
            }
        }
    }

    private static void threads() throws InterruptedException {
        Thread[] threads = new Thread[8];
        for (int index = 0; index < threads.length; index++) {
            int number = index;
            threads[index] =
                    new Thread(
                            () -> {
                                for (int call = 0; call < 20; call++) {
                                    AlgoRun.report("n".repeat(50_000), number);
                                }
                            });
            threads[index].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
