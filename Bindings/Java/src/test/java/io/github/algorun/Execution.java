// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A probe in a JVM of its own, with its descriptors laid out by a shell: descriptor 3 may be any that it says. */
final class Execution {
    final Process process;
    private final CompletableFuture<String> stderr;

    /** In the shell text, {@code $PROBE} starts the probe. */
    Execution(String shell, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("bash", "-c", shell, "bash"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        String java = System.getProperty("java.home") + "/bin/java";
        builder.environment()
                .put("PROBE", java + " -Xshare:auto -cp " + System.getProperty("java.class.path") + " " + probe());
        builder.environment().remove("ALGO_METRICS_FD");
        builder.environment().remove("ALGO_METRICS_ECHO");
        process = builder.start();
        stderr = CompletableFuture.supplyAsync(() -> all(process.getErrorStream()));
    }

    private static String probe() {
        return Probe.class.getName();
    }

    private static String all(InputStream stream) {
        try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** All of stdout, which the shell may have made descriptor 3. */
    String stdout() {
        return all(process.getInputStream());
    }

    /** All of stderr, once the probe has ended; fails if it did not end with status 0. */
    String stderr() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            throw new AssertionError("the probe hangs");
        }
        String text = stderr.join();
        if (process.exitValue() != 0) {
            throw new AssertionError("the probe ended with " + process.exitValue() + ": " + text);
        }
        return text;
    }
}
