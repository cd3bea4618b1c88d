// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StreamCorruptedException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The frames that all bindings and the supervisor share. */
final class FramePromises {
    private FramePromises() {}

    static void addTo(Map<String, AlgoRunTest.Promise> promises) throws IOException {
        String calls = System.getenv().getOrDefault("ALGO_RUN_VECTORS", "../../Tests/Vectors/binding-calls.json");
        Path file = Path.of(calls).resolveSibling("worker-frames.json");
        Map<?, ?> document = (Map<?, ?>) Json.read(Files.readString(file, StandardCharsets.UTF_8));
        for (Object each : (List<?>) document.get("vectors")) {
            Map<?, ?> vector = (Map<?, ?>) each;
            String name = "frame: " + vector.get("promise") + " " + vector.get("direction") + " " + vector.get("state");
            if (vector.containsKey("offer")) {
                promises.put(name, () -> offer(vector));
            } else if ("to_worker".equals(vector.get("direction"))) {
                promises.put(name, () -> read(vector));
            } else if ("yes".equals(vector.get("canonical"))) {
                promises.put(name, () -> written(vector));
            }
        }
    }

    private static void offer(Map<?, ?> vector) {
        String[] found = null;
        try {
            found = Worker.readOffer((String) vector.get("offer"));
        } catch (IllegalStateException refused) {
            AlgoRunTest.same(true, vector.containsKey("error"));
        }
        if (!vector.containsKey("error")) {
            AlgoRunTest.same(List.of(vector.get("requests"), vector.get("answers")), Arrays.asList(found));
        }
    }

    private static void read(Map<?, ?> vector) throws IOException {
        InputStream stream = new ByteArrayInputStream(bytes(vector.get("stream")));
        String error = "none";
        int count = 0;
        List<?> expected = (List<?>) vector.get("reading");
        try {
            for (Frame frame = Frame.read(stream); frame != null; frame = Frame.read(stream)) {
                Map<?, ?> reading = (Map<?, ?>) expected.get(count++);
                AlgoRunTest.same(reading.get("number"), frame.number);
                AlgoRunTest.same(reading.get("keys"), frame.keys);
                AlgoRunTest.same(true, Arrays.equals(bytes(reading.get("body")), frame.body));
            }
        } catch (EOFException truncated) {
            error = "truncated";
        } catch (StreamCorruptedException malformed) {
            error = "malformed";
        }
        AlgoRunTest.same(expected.size(), count);
        AlgoRunTest.same(vector.containsKey("error") ? vector.get("error") : "none", error);
    }

    @SuppressWarnings("unchecked")
    private static void written(Map<?, ?> vector) {
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        for (Object each : (List<?>) vector.get("reading")) {
            Map<?, ?> frame = (Map<?, ?>) each;
            stream.writeBytes(
                    Frame.written(
                            (String) frame.get("verb"),
                            (String) frame.get("number"),
                            bytes(frame.get("body")),
                            (Map<String, String>) frame.get("keys")));
        }
        AlgoRunTest.same(true, Arrays.equals(bytes(vector.get("stream")), stream.toByteArray()));
    }

    private static byte[] bytes(Object digits) {
        String text = (String) digits;
        // A leading 01 keeps leading zeros.
        byte[] marked = new BigInteger("01" + text, 16).toByteArray();
        return Arrays.copyOfRange(marked, 1, marked.length);
    }
}
