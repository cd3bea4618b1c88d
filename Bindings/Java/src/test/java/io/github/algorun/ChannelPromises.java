// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The way of a line, and what can never happen because of it. */
final class ChannelPromises {
    private final Path directory;

    private ChannelPromises(Path directory) {
        this.directory = directory;
    }

    static void addTo(Map<String, AlgoRunTest.Promise> promises, Path directory) {
        ChannelPromises channel = new ChannelPromises(directory);
        promises.put("one call is one write", channel::oneWrite);
        promises.put("without a supervisor nothing is printed", channel::alone);
        promises.put("echo prints to stderr, with a supervisor and without", channel::echo);
        promises.put("a number that means nothing is no supervisor", channel::invalidNumber);
        promises.put("a file opened by the shell receives the lines", channel::file);
        promises.put("a file that is not for writing only is left alone", channel::otherFile);
        promises.put("a reader that goes never ends the program", channel::readerGoes);
        promises.put("a reader that was never there never hangs the program", channel::readerGone);
        promises.put("a full disk loses the line and nothing else", channel::fullDisk);
        promises.put("an interrupted thread sends, and stays interrupted", channel::interrupted);
        promises.put("lines of many threads never interleave", channel::threads);
    }

    private void oneWrite() throws Exception {
        Path trace = directory.resolve("trace");
        String shell = "ALGO_METRICS_FD=3 strace -f -e trace=write -o \"$1\" $PROBE long 3>/dev/null";
        AlgoRunTest.same("alive\n", new Execution(shell, trace.toString()).stderr());
        List<String> writes = new ArrayList<>(Files.readAllLines(trace));
        writes.removeIf(line -> !line.contains("nnnn"));
        AlgoRunTest.same(1, writes.size());
        // How much was to be written: the result stands on another line when a thread of the JVM came between.
        AlgoRunTest.same(true, writes.get(0).contains(", 60007"));
    }

    private void alone() throws Exception {
        Execution execution = new Execution("$PROBE twice </dev/null");
        AlgoRunTest.same("", execution.stdout());
        AlgoRunTest.same("alive\n", execution.stderr());
    }

    private void echo() throws Exception {
        Execution alone = new Execution("ALGO_METRICS_ECHO=1 $PROBE twice </dev/null");
        AlgoRunTest.same("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\nalive\n", alone.stderr());
        Execution supervised = new Execution("ALGO_METRICS_FD=3 ALGO_METRICS_ECHO=1 $PROBE twice </dev/null 3>&1");
        AlgoRunTest.same("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n", supervised.stdout());
        AlgoRunTest.same("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\nalive\n", supervised.stderr());
    }

    private void invalidNumber() throws Exception {
        for (String number : List.of("", "x", "-1", "+3", " 3", "3x", "999999", "99999999999999999999")) {
            Execution execution = new Execution("ALGO_METRICS_FD=\"$1\" $PROBE twice </dev/null 3>&1", number);
            AlgoRunTest.same("", execution.stdout());
            AlgoRunTest.same("alive\n", execution.stderr());
        }
    }

    private void file() throws Exception {
        Path lines = directory.resolve("lines");
        Files.writeString(lines, "before\n");
        String shell = "ALGO_METRICS_FD=3 $PROBE twice </dev/null 3>>\"$1\"";
        AlgoRunTest.same("alive\n", new Execution(shell, lines.toString()).stderr());
        AlgoRunTest.same("before\n{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n", Files.readString(lines));
    }

    private void otherFile() throws Exception {
        Path model = directory.resolve("model");
        Files.writeString(model, "weights");
        for (String access : List.of("3<", "3<>")) {
            Execution execution = new Execution("ALGO_METRICS_FD=3 $PROBE twice </dev/null " + access + "\"$1\"",
                    model.toString());
            AlgoRunTest.same("alive\n", execution.stderr());
            AlgoRunTest.same("weights", Files.readString(model));
        }
    }

    private void readerGoes() throws Exception {
        Execution execution = new Execution("ALGO_METRICS_FD=3 exec $PROBE twice 3>&1 >/dev/null");
        byte[] first = execution.process.getInputStream().readNBytes(8);
        AlgoRunTest.same("{\"a\":1}\n", new String(first));
        execution.process.getInputStream().close();
        execution.process.getOutputStream().close();
        AlgoRunTest.same("alive\n", execution.stderr());
    }

    private void readerGone() throws Exception {
        // The shell opens both ends of a named pipe, then closes the reading one.
        Path pipe = directory.resolve("pipe");
        String shell = "mkfifo \"$1\" && exec 4<>\"$1\" 3>\"$1\" 4>&- && ALGO_METRICS_FD=3 $PROBE twice </dev/null";
        AlgoRunTest.same("alive\n", new Execution(shell, pipe.toString()).stderr());
    }

    private void fullDisk() throws Exception {
        AlgoRunTest.same("alive\n", new Execution("ALGO_METRICS_FD=3 $PROBE twice </dev/null 3>/dev/full").stderr());
    }

    private void interrupted() throws Exception {
        Execution execution = new Execution("ALGO_METRICS_FD=3 $PROBE interrupted 3>&1 >/dev/null");
        AlgoRunTest.same("{\"a\":1}\n{\"b\":2}\n", execution.stdout());
        AlgoRunTest.same("true\nalive\n", execution.stderr());
    }

    private void threads() throws Exception {
        Execution execution = new Execution("ALGO_METRICS_FD=3 $PROBE threads 3>&1 >/dev/null");
        String[] lines = execution.stdout().split("\n");
        AlgoRunTest.same(160, lines.length);
        String start = "{\"" + "n".repeat(50_000) + "\":";
        for (String line : lines) {
            AlgoRunTest.same(true, line.matches("\\{\"n{50000}\":[0-7]\\}") && line.startsWith(start));
        }
        AlgoRunTest.same("alive\n", execution.stderr());
    }
}
