internal import InsightsDelivery
internal import RunModel
internal import StateStore

extension Situation {
  /// Who takes the payload of this execution.
  func publisher(deliveryWait: Duration?) -> any PayloadPublisher { DefaultFilePublisher(home: home) }
}

/// Appends to the home's file, where there is no connection.
final class DefaultFilePublisher: PayloadPublisher {
  private let home: HomeDirectory?
  init(home: HomeDirectory?) { self.home = home }
  func prepare() {}
  func publish(_ record: InsightsRecord) -> Delivery {
    guard let home else { return Delivery(.rejected, detail: "there is no home directory") }
    do throws(FileSinkError) {
      try FileSink(path: home.insightsFile).append([record.value])
      return Delivery(.written)
    } catch {
      return Delivery(.rejected, detail: "\(error)")
    }
  }
}
