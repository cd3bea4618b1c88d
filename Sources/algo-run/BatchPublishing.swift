// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Platform
internal import RunModel
internal import StateStore

extension RunContext {
  /// The file that payloads are appended to; nil if they go to Kafka, or nowhere.
  var insightsFile: String? {
    if stateIsUnreadable { return home?.fallbackFile }
    guard let connection else { return home?.insightsFile }
    return connection.kind == .file ? connection.filePath : nil
  }

  /// Delivers the payloads of a batch by the connection, or to the file in the home; to the fallback file if the state
  /// could not be read. Nil without a home.
  func payloadQueue(waking loop: EventLoop) throws(CommandError) -> (any PayloadQueue)? {
    guard let home else { return nil }
    do throws(SystemError) {
      return try DeliveryThread(
        connection: connection, home: home, isVerified: !stateIsUnreadable, waking: loop,
        report: DeliveryPrinter(of: "payloads of this batch").print)
    } catch {
      throw CommandError(
        exitCode: 125,
        sentence:
          "no thread can be started for delivery: \(error); raise the limit of processes (ulimit -u) or of open "
          + "files (ulimit -n).")
    }
  }
}
