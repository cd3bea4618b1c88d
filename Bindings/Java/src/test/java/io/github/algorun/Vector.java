// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One of the calls that all bindings share, with the bytes or the error that must come of it. */
final class Vector {
    final String promise;
    final String bytes;
    final String error;
    final String metric;
    final boolean expressible;
    private final List<?> call;

    private Vector(Map<?, ?> object) {
        promise = (String) object.get("promise");
        bytes = (String) object.get("bytes");
        error = (String) object.get("error");
        metric = (String) object.get("metric");
        call = (List<?>) object.get("call");
        expressible = !(object.get("except") instanceof Map) || !((Map<?, ?>) object.get("except")).containsKey("java");
    }

    static List<Vector> read(Path file) throws IOException {
        Map<?, ?> document = (Map<?, ?>) Json.read(Files.readString(file, StandardCharsets.UTF_8));
        List<Vector> vectors = new ArrayList<>();
        for (Object object : (List<?>) document.get("vectors")) {
            vectors.add(new Vector((Map<?, ?>) object));
        }
        return vectors;
    }

    /** Values that are no numbers are there too: a raw map gets past the compiler. */
    Map<String, Object> metrics() {
        Map<String, Object> metrics = new LinkedHashMap<>();
        for (Object each : call) {
            Map<?, ?> metric = (Map<?, ?>) each;
            metrics.put((String) metric.get("name"), value((String) metric.get("type"), (String) metric.get("text")));
        }
        return metrics;
    }

    private static Object value(String type, String text) {
        switch (type) {
            case "int":
                BigInteger wide = new BigInteger(text);
                if (wide.bitLength() > 63) {
                    return wide;
                }
                if (wide.bitLength() > 31) {
                    return wide.longValueExact();
                }
                return wide.intValueExact();
            case "double":
                return Double.valueOf(text);
            case "float":
                return Float.valueOf(text);
            case "decimal":
                return new BigDecimal(text);
            case "nan":
                return Double.NaN;
            case "inf":
                return Double.POSITIVE_INFINITY;
            case "-inf":
                return Double.NEGATIVE_INFINITY;
            case "bool":
                return Boolean.valueOf(text);
            case "string":
                return text;
            case "null":
                return null;
            case "list":
                return List.of(1, 2);
            default:
                throw new IllegalStateException("a type that this test does not know: " + type);
        }
    }
}
