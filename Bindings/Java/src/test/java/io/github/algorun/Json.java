// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON as objects, lists and strings, which is all that the shared vectors are made of. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static Object read(String text) {
        return new Json(text).value();
    }

    private Object value() {
        char first = next();
        if (first == '"') {
            return string();
        }
        boolean object = first == '{';
        Map<String, Object> members = new LinkedHashMap<>();
        List<Object> elements = new ArrayList<>();
        while (peek() != '}' && peek() != ']') {
            if (object) {
                next();
                String name = string();
                next();
                members.put(name, value());
            } else {
                elements.add(value());
            }
            if (peek() == ',') {
                next();
            }
        }
        next();
        return object ? members : elements;
    }

    private char peek() {
        while (Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return text.charAt(at);
    }

    private char next() {
        peek();
        return text.charAt(at++);
    }

    private String string() {
        StringBuilder read = new StringBuilder();
        for (char unit = text.charAt(at++); unit != '"'; unit = text.charAt(at++)) {
            if (unit != '\\') {
                read.append(unit);
                continue;
            }
            char escape = text.charAt(at++);
            int known = "bfnrt".indexOf(escape);
            if (escape == 'u') {
                read.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                at += 4;
            } else {
                read.append(known < 0 ? escape : "\b\f\n\r\t".charAt(known));
            }
        }
        return read.toString();
    }
}
