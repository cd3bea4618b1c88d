// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import ProcessSupervision
import RunModel
import Supervision

extension WorkerPool {
  /// A pool whose workers run a Python program that speaks the protocol itself: `frames` below, and then `body`.
  convenience init(
    on supervision: Supervision, slots: Int = 1, mostFailedStarts: Int = 5, limits: RunLimits = RunLimits(),
    settings: (inout WorkerSettings) -> Void = { _ in }, _ body: String
  ) {
    var chosen = WorkerSettings()
    settings(&chosen)
    self.init(
      supervisor: supervision.supervisor, target: .python(rawWorker + body), settings: chosen, slots: slots,
      limits: limits, format: .standard, secrets: [], mostFailedStarts: mostFailedStarts)
  }
}

/// Reads requests and writes answers; `serve(apply)` gets (bytes, header) and returns bytes.
private let rawWorker = """
  import os, socket, sys, time, signal, threading, subprocess
  def ready(**more):
    fields = dict(descriptors="socket", language="test", **more)
    answer("ready 1 0 " + " ".join(f"{k}={v}" for k, v in fields.items()))
  def answer(header, body=b""):
    rest = header.encode() + b"\\n" + body
    while rest: rest = rest[os.write(5, rest):]
  requests = os.fdopen(4, "rb", closefd=False)
  side = socket.socket(fileno=6)
  def next_request():
    header = requests.readline()
    if not header: sys.exit(0)
    verb, number, length, *fields = header.decode().split()
    fields = dict(f.split("=", 1) for f in fields)
    if fields["metrics"] == "-":
      _, fds, _, _ = socket.recv_fds(side, 1, 1)
      fields["fd"] = fds[0]
    else:
      fields["fd"] = os.open(fields["metrics"], os.O_WRONLY)
    return int(number), requests.read(int(length)), fields
  def serve(apply, **more):
    ready(**more)
    while True:
      number, body, fields = next_request()
      result = apply(body, fields)
      os.close(fields["fd"])
      answer(f"done {number} {len(result)}", result)
  def report(fields, text): os.write(fields["fd"], text.encode() + b"\\n")

  """

extension ExecutionTarget {
  /// Python with a program as version demo/test/1.2.3.
  static func python(_ program: String) -> ExecutionTarget {
    let version = ExecutionRequest.shell("").target.version
    return ExecutionTarget(version: version, command: ["python3", "-S", "-c", program].map { OSString($0) })
  }
}

extension Supervision {
  /// Turns the loop until a request has ended.
  func completion(of pool: WorkerPool) -> Completion {
    while true {
      loop.turn()
      if let completion = pool.takeCompletions().first { return completion }
    }
  }

  /// Turns the loop until `condition` holds.
  func turn(_ pool: WorkerPool, until condition: () -> Bool) {
    while !condition() {
      loop.turn(until: .now() + .milliseconds(20))
      _ = pool.takeCompletions()
    }
  }

  /// Ends the pool.
  func close(_ pool: WorkerPool) {
    pool.close()
    turn(pool) { pool.isClosed }
  }

  /// The record of one request with `input`, and what it printed.
  func run(
    _ input: String, on pool: WorkerPool, _ configure: (inout ExecutionRequest) -> Void = { _ in }
  ) throws -> (record: ExecutionRecord, output: Output) {
    let output = Output()
    _ = try pool.start(.worker(input, configure), output: output)
    return (completion(of: pool).record, output)
  }
}

extension ExecutionRequest {
  /// A request with `input` for a worker.
  static func worker(_ input: String, _ configure: (inout ExecutionRequest) -> Void = { _ in }) -> ExecutionRequest {
    var request = ExecutionRequest.shell("")
    request.input = .bytes(Array(input.utf8))
    configure(&request)
    return request
  }
}
