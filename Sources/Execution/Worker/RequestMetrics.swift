// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import MetricsIntake
internal import Platform

/// The metrics pipe of one request: credited to it until its answer, then drained and counted as late until no process
/// holds it.
final class RequestMetrics: EventHandler {
  var intake: MetricsIntake
  private let pipes: MetricsPipes
  private let reader: Descriptor
  private var writer: Descriptor?
  private let loop: EventLoop
  private let late: LateMetrics
  private var registration: Registration?
  private(set) var isLate = false
  /// Whether the last byte was not a line end.
  private var endsInsideLine = false
  private(set) var isOpen = true

  private let buffer: UnsafeMutableRawBufferPointer

  /// - Parameter buffer: shared with others; outlives this.
  init(
    rules: MetricRules, late: LateMetrics, on loop: EventLoop, buffer: UnsafeMutableRawBufferPointer,
    pipes: MetricsPipes
  ) throws(SystemError) {
    self.buffer = buffer
    self.pipes = pipes
    (reader, writer) = try pipes.take()
    intake = MetricsIntake(rules: rules)
    self.late = late
    self.loop = loop
  }

  /// The path by which the worker opens the writing end.
  var path: String { writer?.withNumber { "/proc/\(getpid())/fd/\($0)" } ?? "" }

  /// Sends the writing end to the worker, and closes it here.
  func send(on socket: Descriptor) throws(SystemError) {
    guard let writer else { return }
    try socket.send(writer)
    closeWriter()
  }

  private func closeWriter() {
    writer?.close()
    writer = nil
  }

  /// Has the loop drain the pipe. A short request is over before that: its pipe holds all that it wrote.
  func watch() {
    guard registration == nil, isOpen else { return }
    registration = try? loop.register(reader, .read, self)
  }

  func ready(_ registration: Registration, for events: Interest) { readNow() }

  /// Reads the bytes that are there now.
  func readNow() {
    guard isOpen else { return }
    // More than a pipe holds, and an end for a writer that continues.
    for _ in 0..<32 {
      switch reader.read(into: buffer) {
      case .bytes(let count): take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      case .nothingNow: return
      case .endOfFile: return close { pipes.giveBack(reader) }
      case .failed: return close()
      }
    }
  }

  /// The request is answered: what comes now is late.
  func requestEnded() {
    closeWriter()
    readNow()
    isLate = true
    watch()
  }

  func close() { close { reader.close() } }

  private func close(_ dispose: () -> Void) {
    guard isOpen else { return }
    isOpen = false
    if isLate, endsInsideLine { late.count += 1 }
    registration?.cancel()
    registration = nil
    closeWriter()
    dispose()
  }

  private func take(_ bytes: UnsafeRawBufferPointer) {
    guard isLate else { return intake.consume(bytes) }
    for byte in bytes where byte == 0x0a { late.count += 1 }
    endsInsideLine = bytes.last != 0x0a
  }
}

/// Counts lines that came after the answer of their request.
final class LateMetrics {
  var count = 0
}
