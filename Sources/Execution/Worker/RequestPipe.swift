// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// The pipe that carries requests to a worker. It takes what fits immediately, and the rest when the loop reports room.
final class RequestPipe: EventHandler {
  /// Why a request cannot be written.
  enum Failure: Error {
    /// The worker has closed its end.
    case readerGone
    /// The input cannot be read.
    case input(SystemError)
  }

  private let writer: Descriptor
  private let loop: EventLoop
  private var registration: Registration?
  private var outgoing: [UInt8] = []
  private var written = 0
  private var input: RunInput?
  /// Learns of a failure after ``begin(_:_:)``.
  weak var worker: Worker?

  init(_ writer: Descriptor, on loop: EventLoop) {
    self.writer = writer
    self.loop = loop
  }

  /// Whether the last request is in the pipe as a whole.
  var isWritten: Bool { written == outgoing.count && input?.isAtEnd ?? true }

  /// Whether the worker has read the last request: else it never started.
  var isRead: Bool { isWritten && writer.unreadBytes == 0 }

  /// Begins to write a request.
  func begin(_ header: Frame, _ input: RunInput) throws(Failure) {
    outgoing.removeAll(keepingCapacity: true)
    written = 0
    header.write(to: &outgoing)
    self.input = input
    try write()
  }

  func ready(_ registration: Registration, for events: Interest) {
    guard let worker, case .running(let run) = worker.state else { return }
    do throws(Failure) { try write() } catch { worker.failed(run, error) }
  }

  /// The worker reads the end of its requests.
  func close() {
    registration?.cancel()
    registration = nil
    writer.close()
  }

  private func write() throws(Failure) {
    while true {
      if input?.isAtEnd == false, outgoing.count - written < 4096 {
        outgoing.removeSubrange(..<written)
        written = 0
        do throws(SystemError) { try input?.next(into: &outgoing) } catch { throw .input(error) }
      }
      guard written < outgoing.count else { return }
      switch outgoing.withUnsafeBytes({ writer.writeOnce(UnsafeRawBufferPointer(rebasing: $0[written...])) }) {
      case .bytes(let count): written += count
      case .noRoom:
        guard let registration else {
          registration = try? loop.register(writer, [.write, .once], self)
          return
        }
        return registration.change(to: [.write, .once])
      case .failed: throw .readerGone
      }
    }
  }
}
