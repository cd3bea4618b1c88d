// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.DoubleAdder;

/** Which values are numbers, how each is written, and what the exception says about those that are not. */
final class NumberPromises {
    private NumberPromises() {}

    static void addTo(Map<String, AlgoRunTest.Promise> promises) {
        promises.put("every type of number is written", NumberPromises::everyType);
        promises.put("doubles and floats read back", NumberPromises::readBack);
        promises.put("what is not a number is refused by name", NumberPromises::refused);
        promises.put("a mistake is refused without a supervisor too", NumberPromises::mistakes);
    }

    /** As the message quotes a name. */
    static String quoted(String name) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char unit : name.toCharArray()) {
            quoted.append(unit >= 0x20 && unit < 0x7f ? "" + unit : String.format("\\u%04x", (int) unit));
        }
        return quoted.append('"').toString();
    }

    /** What the message says about each kind of mistake. */
    static String sentence(String error) {
        return Map.of(
                        "not_a_number", " is not a number but ",
                        "reserved_name", " has a reserved name ",
                        "empty_name", " has an empty name",
                        "invalid_name", " not valid Unicode")
                .get(error);
    }

    private static String line(Object value) {
        byte[] line = MetricLine.of(Collections.singletonMap("x", value));
        return new String(line, StandardCharsets.US_ASCII);
    }

    private static void everyType() {
        AtomicInteger atomic = new AtomicInteger(5);
        DoubleAdder adder = new DoubleAdder();
        adder.add(0.5);
        List<Object> values = List.of((byte) -1, (short) 2, 3, 4L, atomic, adder, new BigDecimal("0.10"), 0.1f);
        List<String> texts = List.of("-1", "2", "3", "4", "5", "0.5", "0.10", "0.1");
        for (int index = 0; index < values.size(); index++) {
            AlgoRunTest.same("{\"x\":" + texts.get(index) + "}\n", line(values.get(index)));
        }
    }

    private static void readBack() {
        Random random = new Random(24);
        for (int turn = 0; turn < 20_000; turn++) {
            double value = Double.longBitsToDouble(random.nextLong());
            String text = line(value);
            AlgoRunTest.same(value, Double.parseDouble(text.substring(5, text.length() - 2)));
            float single = Float.intBitsToFloat(random.nextInt());
            text = line(single);
            AlgoRunTest.same(single, Float.parseFloat(text.substring(5, text.length() - 2)));
        }
    }

    private static void refused() {
        for (Object value : Arrays.asList(true, "0.5", 'c', null, new int[] {1}, List.of(1), Map.of())) {
            try {
                throw new AssertionError("was written: " + line(value));
            } catch (IllegalArgumentException mistake) {
                AlgoRunTest.same(true, mistake.getMessage().startsWith("metric \"x\" is not a number but "));
            }
        }
    }

    private static void mistakes() {
        List<Runnable> calls =
                List.of(
                        () -> AlgoRun.report("", 1),
                        () -> AlgoRun.report("timestamp", 1),
                        () -> AlgoRun.report("a", null),
                        () -> AlgoRun.report(null, 1),
                        () -> AlgoRun.report(null));
        for (Runnable call : calls) {
            boolean refused = false;
            try {
                call.run();
            } catch (IllegalArgumentException mistake) {
                refused = true;
            }
            AlgoRunTest.same(true, refused);
        }
    }
}
