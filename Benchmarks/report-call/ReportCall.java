// SPDX-License-Identifier: Apache-2.0
import io.github.algorun.AlgoRun;
import java.util.LinkedHashMap;
import java.util.Map;

/** Times report() from Java, as one line: the language and nanoseconds a call. */
public class ReportCall {
    public static void main(String[] arguments) {
        int calls = Integer.parseInt(arguments[0]);
        time(calls);
        // The second time, as a long-lived algorithm finds it: compiled.
        System.out.println("java " + time(calls));
    }

    private static long time(int calls) {
        long start = System.nanoTime();
        for (int number = 0; number < calls; number++) {
            Map<String, Number> metrics = new LinkedHashMap<>();
            metrics.put("cats_detected", number);
            metrics.put("score", 0.93);
            AlgoRun.report(metrics);
        }
        return (System.nanoTime() - start) / calls;
    }
}
