// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// A file that records are appended to, in groups. After one that it did not take, it takes none for a while.
final class FileDestination: Destination {
  /// Records appended with one write.
  static let group = 1000
  /// Pause after the file took nothing.
  static let pause = Duration.seconds(1)
  /// librdkafka's number for an error of a file, which can pass.
  private static let fileSystemError: Int32 = -189

  private let sink: FileSink
  private let home: HomeDirectory
  private var sent: [(id: Int64, value: [UInt8])] = []
  private var nextAttempt: MonotonicInstant?
  private(set) var problem: DestinationProblem?
  let answersAtOnce = true

  /// - Parameter waitLimit: how long other writers of the file, or the reader of a full pipe, are waited for.
  init(_ connection: Connection, home: HomeDirectory, waitLimit: Duration) {
    sink = FileSink(path: connection.filePath ?? home.insightsFile, waitLimit: waitLimit)
    self.home = home
  }

  var capacity: Int { nextAttempt.map { .now() < $0 } ?? false ? 0 : Self.group - sent.count }

  func send(_ id: Int64, _ record: InsightsRecord) -> Handover {
    sent.append((id, record.value))
    return .taken
  }

  func poll() -> [ProducerEvent] {
    guard !sent.isEmpty else { return [] }
    var written = 0
    var refusal: FileSinkError?
    do throws(FileSinkError) {
      written = try append(sent.map(\.value))
      if written < sent.count { refusal = sink.slowReader }
    } catch { refusal = error }
    problem = refusal.map { .file($0) }
    nextAttempt = refusal.map { _ in .now() + Self.pause }
    let events = sent[..<written].map { ProducerEvent.acknowledged($0.id) }
    sent.removeFirst(written)
    return events + fail(KafkaCause(code: Self.fileSystemError, text: refusal.map { "\($0)" } ?? ""))
  }

  /// Appends to the file; that of a home may be the first file there.
  private func append(_ values: [[UInt8]]) throws(FileSinkError) -> Int {
    do throws(FileSinkError) { return try sink.append(values) } catch {
      guard case .cannotOpen(_, ENOENT) = error, sink.path == home.insightsFile else { throw error }
      try? home.create()
      return try sink.append(values)
    }
  }

  func reclaim() -> [ProducerEvent] { fail(.withoutAnswer) }

  private func fail(_ cause: KafkaCause) -> [ProducerEvent] {
    defer { sent.removeAll(keepingCapacity: true) }
    return sent.map { .failed($0.id, cause, mayBePersisted: false) }
  }

  func reopen(quarterings: Int) {}
}
