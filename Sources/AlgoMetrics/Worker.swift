// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The loop of a worker: a program that loads once and answers many requests.
enum Worker {
  /// The descriptor that all requests share, once this process is a worker. Written before the first request.
  private(set) nonisolated(unsafe) static var shared: CInt?

  static func serve(_ apply: ([UInt8]) throws -> [UInt8]) throws(WorkerError) {
    guard let text = MetricsChannel.variable("ALGO_WORKER"), !text.isEmpty else { return serveOnce(apply) }
    guard let offer = WorkerOffer(text) else { throw WorkerError.notAnOffer(text) }
    guard offer.isOpen else { return serveOnce(apply) }
    // Programs that this one starts are not workers.
    unsetenv("ALGO_WORKER")
    for descriptor in [offer.requests, offer.answers, offer.socket] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    let metrics = MetricsChannel.variable("ALGO_METRICS_FD").flatMap(DescriptorNumber.parse) ?? 3
    let shared = fcntl(metrics, F_DUPFD_CLOEXEC, 10)
    WriteLock.shared.withLock { self.shared = shared }

    let about: [(key: String, value: String)] = [
      ("language", "swift/6"), ("binding", "0.2.0"), ("descriptors", "socket"),
    ]
    try write(WorkerFrame(verb: "ready", number: 1, keys: about), to: offer.answers)
    var requests = FrameReader(descriptor: offer.requests)
    while let frame = try requests.next() {
      // While it runs the request's own descriptor is there, for libraries in C and for children, too.
      let own = frame["metrics"] == "-" ? offer.receiveDescriptor() : nil
      if let own {
        dup2(own, metrics)
        close(own)
      }
      let request = AlgorithmRequest(frame, channel: own == nil ? nil : metrics)
      let answer = AlgorithmRequest.$current.withValue(request) { self.answer(frame, apply) }
      request.close { dup2(shared, metrics) }
      // All streams: printed text belongs to this request.
      fflush(nil)
      try write(answer, to: offer.answers)
    }
  }

  private static func answer(_ frame: WorkerFrame, _ apply: ([UInt8]) throws -> [UInt8]) -> WorkerFrame {
    do {
      return WorkerFrame(verb: "done", number: frame.number, body: try apply(frame.body))
    } catch {
      let message = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      return WorkerFrame(
        verb: "fail", number: frame.number, keys: [("type", "\(Swift.type(of: error))")],
        body: Array((message + "\n").utf8))
    }
  }

  private static func write(_ frame: WorkerFrame, to descriptor: CInt) throws(WorkerError) {
    guard MetricsChannel.write(frame.bytes, to: descriptor) == 0 else { throw .lostSupervisor }
  }

  /// Without a supervisor of workers: stdin is one request, and its result goes to stdout.
  private static func serveOnce(_ apply: ([UInt8]) throws -> [UInt8]) {
    var input: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(0, &buffer, buffer.count), count != 0 {
      if count > 0 { input += buffer[..<count] } else if errno != EINTR { break }
    }
    do {
      let result = try AlgorithmRequest.$current.withValue(.alone()) { try apply(input) }
      fflush(nil)
      MetricsChannel.write(result, to: 1)
    } catch {
      // Thrown from a program's main it would be a crash, with a signal.
      fflush(nil)
      MetricsChannel.write(Array("\(Swift.type(of: error)): \(error)\n".utf8), to: 2)
      exit(EXIT_FAILURE)
    }
  }
}
