// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StreamCorruptedException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A frame of the worker protocol: {@code VERB NUMBER BYTES key=value…} and a newline, then that many bytes.
 * docs/worker-protocol.md explains them.
 */
final class Frame {
    private static final int HEADER_LIMIT = 4096;

    /** A supervisor sends nothing but {@code run}. */
    private static final Pattern HEADER =
            Pattern.compile("run ([0-9]{1,18}) ([0-9]{1,18})((?: [!-<>-~]+=[!-~]*)*)");

    private static final Pattern ESCAPE = Pattern.compile("%(?:([0-9A-Fa-f]{2})|.{0,2})");

    final String number;
    final Map<String, String> keys;
    final byte[] body;

    private Frame(String number, Map<String, String> keys, byte[] body) {
        this.number = number;
        this.keys = keys;
        this.body = body;
    }

    /**
     * The next frame, or null at the end of the stream.
     *
     * @throws EOFException if the stream ends within a frame
     * @throws StreamCorruptedException if it holds something else
     */
    static Frame read(InputStream stream) throws IOException {
        byte[] line = new byte[HEADER_LIMIT];
        int length = 0;
        for (int next = stream.read(); next != '\n'; next = stream.read()) {
            if (next < 0 && length == 0) {
                return null;
            }
            if (next < 0) {
                throw truncated();
            }
            line[length++] = (byte) next;
            if (length == HEADER_LIMIT) {
                throw malformed();
            }
        }
        Matcher header = HEADER.matcher(new String(line, 0, length, StandardCharsets.ISO_8859_1));
        if (!header.matches()) {
            throw malformed();
        }
        Map<String, String> keys = new LinkedHashMap<>();
        for (String member : header.group(3).isEmpty() ? new String[0] : header.group(3).substring(1).split(" ")) {
            int split = member.indexOf('=');
            keys.put(member.substring(0, split), decoded(member.substring(split + 1)));
        }
        int size = Math.toIntExact(Long.parseLong(header.group(2)));
        byte[] body = stream.readNBytes(size);
        if (body.length < size) {
            throw truncated();
        }
        return new Frame(header.group(1), keys, body);
    }

    static byte[] written(String verb, String number, byte[] body, Map<String, String> keys) {
        StringBuilder header = new StringBuilder(verb + " " + number + " " + body.length);
        keys.forEach((key, value) -> header.append(' ').append(key).append('=').append(encoded(value)));
        ByteArrayOutputStream frame = new ByteArrayOutputStream(header.length() + 1 + body.length);
        frame.writeBytes(header.append('\n').toString().getBytes(StandardCharsets.US_ASCII));
        frame.writeBytes(body);
        return frame.toByteArray();
    }

    private static String decoded(String value) throws IOException {
        if (value.indexOf('%') < 0) {
            return value;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Matcher escape = ESCAPE.matcher(value);
        int at = 0;
        while (escape.find()) {
            if (escape.group(1) == null) {
                throw malformed();
            }
            bytes.writeBytes(value.substring(at, escape.start()).getBytes(StandardCharsets.US_ASCII));
            bytes.write(Integer.parseInt(escape.group(1), 16));
            at = escape.end();
        }
        bytes.writeBytes(value.substring(at).getBytes(StandardCharsets.US_ASCII));
        return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
    }

    private static String encoded(String value) {
        StringBuilder encoded = new StringBuilder();
        for (byte each : value.getBytes(StandardCharsets.UTF_8)) {
            if (each > 0x20 && each < 0x7f && each != '%') {
                encoded.append((char) each);
            } else {
                encoded.append(String.format("%%%02X", each));
            }
        }
        return encoded.toString();
    }

    private static IOException malformed() {
        return new StreamCorruptedException(
                "the supervisor sent what is no frame of protocol 1; use algo-run and its jar of one version");
    }

    private static IOException truncated() {
        return new EOFException("the supervisor's stream ended within a frame; look for the cause in its messages");
    }
}
