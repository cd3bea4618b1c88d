// SPDX-License-Identifier: Apache-2.0
import io.github.algorun.AlgoRun;

/** One metric, and the request as the result. */
public final class Echo {
  public static void main(String[] arguments) throws Exception {
    AlgoRun.serve(
        input -> {
          AlgoRun.report("n", 1);
          return input;
        });
  }
}
