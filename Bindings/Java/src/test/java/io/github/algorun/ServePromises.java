// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.util.Map;

/** What a program does that calls serve() without a supervisor; Tests/bindings/test_workers.py has the rest. */
final class ServePromises {
    private ServePromises() {}

    static void addTo(Map<String, AlgoRunTest.Promise> promises) {
        promises.put("on its own a program answers stdin on stdout", ServePromises::alone);
        promises.put("on its own a program reports lines without a number", ServePromises::reports);
        promises.put("on its own a program ends by what the algorithm throws", ServePromises::fails);
        promises.put("an offer without its pipes is none", ServePromises::inherited);
        promises.put("bytes stay bytes", ServePromises::bytes);
    }

    private static void alone() throws Exception {
        Execution execution = new Execution("printf 'caf\\303\\251' | LC_ALL=C $PROBE serve");
        AlgoRunTest.same("<café>", execution.stdout());
        AlgoRunTest.same("alive\n", execution.stderr());
        AlgoRunTest.same(
                "q a/b/1.2.3 none 00-1",
                new Execution(
                                "printf current | ALGO_REQUEST_ID=q ALGO_OWNER=a ALGO_NAME=b ALGO_VERSION=1.2.3"
                                        + " TRACEPARENT=00-1 $PROBE serve")
                        .stdout());
    }

    private static void reports() throws Exception {
        Execution execution = new Execution("printf cat | ALGO_METRICS_FD=3 $PROBE serve 3>&1 >/dev/null");
        AlgoRunTest.same("{\"letters\":3}\n", execution.stdout());
    }

    private static void fails() throws Exception {
        Execution execution = new Execution("printf fail | $PROBE serve; echo $?");
        AlgoRunTest.same("1\n", execution.stdout());
        AlgoRunTest.same(true, execution.stderr().contains("IllegalStateException: no cats"));
    }

    private static void inherited() throws Exception {
        AlgoRunTest.same("<cat>", new Execution("printf cat | ALGO_WORKER=1:4:5:6 $PROBE serve").stdout());
        Execution refused = new Execution("printf cat | ALGO_WORKER=yes $PROBE serve; true");
        AlgoRunTest.same("", refused.stdout());
        AlgoRunTest.same(true, refused.stderr().contains("ALGO_WORKER is \"yes\""));
    }

    private static void bytes() throws Exception {
        Execution execution = new Execution("printf '\\377\\0\\n' | $PROBE reverse | od -An -tx1");
        AlgoRunTest.same(" 0a 00 ff\n", execution.stdout());
    }
}
