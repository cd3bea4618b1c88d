// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Runs every promise of the binding; needs no test library. Needs bash and strace. */
public final class AlgoRunTest {
    /** A check that fails by throwing. */
    interface Promise {
        void holds() throws Exception;
    }

    private final Map<String, Promise> promises = new LinkedHashMap<>();
    private final Path directory;

    /**
     * Collects the promises.
     *
     * @throws IOException if there is no directory for files of tests
     */
    public AlgoRunTest() throws IOException {
        directory = Files.createTempDirectory("algo-run-java");
        NumberPromises.addTo(promises);
        ChannelPromises.addTo(promises, directory);
        FramePromises.addTo(promises);
        ServePromises.addTo(promises);
        promises.put("the same call writes the same bytes", this::vectorsHold);
    }

    /**
     * Prints each promise that does not hold, then the totals.
     *
     * @param arguments none
     * @throws IOException if there is no directory for files of tests
     */
    public static void main(String[] arguments) throws IOException {
        System.exit(new AlgoRunTest().run() == 0 ? 0 : 1);
    }

    /** The same for Maven, which finds this method by its name. */
    public void testEveryPromise() {
        if (run() > 0) {
            throw new AssertionError("a promise does not hold");
        }
    }

    private int run() {
        int failed = 0;
        for (Map.Entry<String, Promise> promise : promises.entrySet()) {
            try {
                promise.getValue().holds();
            } catch (Exception | AssertionError failure) {
                failed++;
                System.out.println("failed: " + promise.getKey() + ": " + failure);
            }
        }
        clean();
        System.out.println("java: " + (promises.size() - failed) + " passed, " + failed + " failed");
        return failed;
    }

    private void clean() {
        for (File file : Objects.requireNonNull(directory.toFile().listFiles())) {
            file.delete();
        }
        directory.toFile().delete();
    }

    static void same(Object expected, Object found) {
        if (!expected.equals(found)) {
            throw new AssertionError("expected " + expected + " but found " + found);
        }
    }

    private void vectorsHold() throws Exception {
        String place = System.getenv().getOrDefault("ALGO_RUN_VECTORS", "../../Tests/Vectors/binding-calls.json");
        List<Vector> vectors = new ArrayList<>(Vector.read(Path.of(place)));
        vectors.removeIf(vector -> !vector.expressible);
        same(true, vectors.size() >= 120);
        Execution execution = new Execution("ALGO_METRICS_FD=3 $PROBE vectors \"$1\" 3>&1 >/dev/null", place);
        List<String> lines = new ArrayList<>(List.of(execution.stdout().split("(?<=\n)")));
        List<String> outcomes = List.of(execution.stderr().split("\n"));
        same(vectors.size() + 1, outcomes.size());
        for (int index = 0; index < vectors.size(); index++) {
            Vector vector = vectors.get(index);
            if (vector.error == null) {
                same("sent", outcomes.get(index));
                same(vector.bytes, vector.bytes.isEmpty() || lines.isEmpty() ? "" : lines.remove(0));
            } else {
                String quoted = "metric " + NumberPromises.quoted(vector.metric) + " ";
                same(true, outcomes.get(index).startsWith(quoted));
                same(true, outcomes.get(index).contains(NumberPromises.sentence(vector.error)));
            }
        }
        same(Collections.emptyList(), lines);
    }
}
