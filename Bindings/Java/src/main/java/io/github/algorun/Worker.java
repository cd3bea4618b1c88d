// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/** The loop of a worker: a program that loads once and answers many requests. */
final class Worker {
    private static final String VERSION = "0.2.0";
    private static final Pattern OFFER = Pattern.compile("[1-9][0-9]{0,8}(:[0-9]{1,9}){3}(:.*)?");

    private static volatile boolean serving;

    private Worker() {}

    /** Whether reports belong to requests, so that one on a thread of no request belongs to none. */
    static boolean isServing() {
        return serving;
    }

    static void serve(BytesAlgorithm algorithm) throws Exception {
        String offer = System.getenv("ALGO_WORKER");
        String[] descriptors = offer == null || offer.isEmpty() ? null : readOffer(offer);
        // A variable that was inherited without its descriptors is not an offer: Java cannot remove it for its children.
        if (descriptors == null
                || MetricsChannel.accessMode(descriptors[0]) != 0
                || MetricsChannel.accessMode(descriptors[1]) != 1) {
            serveOnce(algorithm);
            return;
        }
        try (InputStream requests =
                        new BufferedInputStream(new FileInputStream("/proc/self/fd/" + descriptors[0]), 1 << 16);
                OutputStream answers = new FileOutputStream("/proc/self/fd/" + descriptors[1], true)) {
            serving = true;
            Map<String, String> about = new LinkedHashMap<>();
            about.put("language", "java/" + System.getProperty("java.version"));
            about.put("binding", VERSION);
            about.put("descriptors", "path");
            answers.write(Frame.written("ready", "1", new byte[0], about));
            for (Frame frame = Frame.read(requests); frame != null; frame = Frame.read(requests)) {
                byte[] answer = answer(algorithm, frame);
                System.out.flush();
                System.err.flush();
                // An interrupt was meant for the request that was running.
                Thread.interrupted();
                answers.write(answer);
            }
        }
    }

    private static byte[] answer(BytesAlgorithm algorithm, Frame frame) {
        try {
            byte[] result = Request.of(frame).answer(algorithm, frame.body);
            return Frame.written("done", frame.number, result, Map.of());
        } catch (Throwable problem) {
            String name = problem.getClass().getSimpleName();
            Map<String, String> type = Map.of("type", name.isEmpty() ? problem.getClass().getName() : name);
            return Frame.written("fail", frame.number, text(problem), type);
        }
    }

    /** The message as one line, then the stack trace. */
    private static byte[] text(Throwable problem) {
        StringWriter text = new StringWriter();
        text.append(Objects.toString(problem.getMessage(), problem.getClass().getName()).replaceAll("\\R", " ")).append('\n');
        problem.printStackTrace(new PrintWriter(text, true));
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Without a supervisor of workers: stdin is one request, and its result goes to stdout. */
    private static void serveOnce(BytesAlgorithm algorithm) throws Exception {
        byte[] result = Request.alone().answer(algorithm, System.in.readAllBytes());
        System.out.write(result);
        System.out.flush();
    }

    /** The descriptors of requests and of answers; Java cannot use the socket. */
    static String[] readOffer(String offer) {
        if (!OFFER.matcher(offer).matches()) {
            throw new IllegalStateException(
                    "ALGO_WORKER is \"" + offer + "\", which is no offer of a supervisor; unset it to run without one");
        }
        String[] fields = offer.split(":");
        return new String[] {fields[1], fields[2]};
    }

    static BytesAlgorithm onBytes(TextAlgorithm algorithm) {
        return input -> {
            String result = algorithm.apply(text(input));
            return Objects.requireNonNull(result, "apply() returned null; return a String").getBytes(StandardCharsets.UTF_8);
        };
    }

    private static String text(byte[] input) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(input)).toString();
        } catch (CharacterCodingException notText) {
            throw new IllegalArgumentException("the request is not text in UTF-8; take it with AlgoRun.serveBytes");
        }
    }
}
