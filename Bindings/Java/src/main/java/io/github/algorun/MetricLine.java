// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;

/** One call's metrics as one line of JSON, newline included. Touches no descriptor. */
final class MetricLine {
    /** The supervisor's own members of a payload. */
    private static final Set<String> RESERVED_NAMES =
            Set.of(
                    "request_id",
                    "timestamp",
                    "duration_milliseconds",
                    "algorithm_owner",
                    "algorithm_name",
                    "algorithm_version");

    private MetricLine() {}

    /** The bytes to send; none when there is nothing to send. */
    static byte[] of(Map<?, ?> metrics) {
        if (metrics == null) {
            throw new IllegalArgumentException("report() takes a map of metrics, not null; leave the call out instead");
        }
        // All of it is checked before a byte is sent: a call is sent whole or not at all.
        StringBuilder line = new StringBuilder("{");
        for (Map.Entry<?, ?> metric : metrics.entrySet()) {
            if (line.length() > 1) {
                line.append(',');
            }
            // Types are looked at again because a raw map gets past the compiler.
            String quoted = quotedName(metric.getKey());
            line.append(quoted).append(':').append(text(quoted, metric.getValue()));
        }
        return line.length() == 1 ? new byte[0] : line.append("}\n").toString().getBytes(StandardCharsets.US_ASCII);
    }

    private static String quotedName(Object key) {
        if (!(key instanceof String)) {
            throw new IllegalArgumentException(
                    "metric name " + key + " is not a String; name each metric with a String");
        }
        String name = (String) key;
        if (name.isEmpty()) {
            throw new IllegalArgumentException("metric \"\" has an empty name; give each metric a name");
        }
        String quoted = quoted(name);
        if (RESERVED_NAMES.contains(name)) {
            throw new IllegalArgumentException(
                    "metric " + quoted + " has a reserved name that algo-run writes itself; choose another name");
        }
        if (name.codePoints().anyMatch(point -> point >= 0xd800 && point <= 0xdfff)) {
            throw new IllegalArgumentException(
                    "metric " + quoted + " has a name that is not valid Unicode; remove the half surrogate pair");
        }
        return quoted;
    }

    private static String text(String quotedName, Object value) {
        if (value instanceof Number) {
            return NumberText.of((Number) value);
        }
        String kind = value == null ? "null" : value.getClass().getSimpleName();
        throw new IllegalArgumentException(
                "metric " + quotedName + " is not a number but " + kind + "; report an int, a double or a BigDecimal");
    }

    /** In printable ASCII alone: the same bytes in every binding. */
    private static String quoted(String name) {
        StringBuilder quoted = new StringBuilder(name.length() + 2).append('"');
        for (int index = 0; index < name.length(); index++) {
            char unit = name.charAt(index);
            int shortEscape = "\"\\\b\t\n\f\r".indexOf(unit);
            if (shortEscape >= 0) {
                quoted.append('\\').append("\"\\btnfr".charAt(shortEscape));
            } else if (unit >= 0x20 && unit < 0x7f) {
                quoted.append(unit);
            } else {
                String digits = Integer.toHexString(unit);
                quoted.append("\\u").append("0000", 0, 4 - digits.length()).append(digits);
            }
        }
        return quoted.append('"').toString();
    }
}
