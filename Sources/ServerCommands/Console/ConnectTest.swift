// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService
internal import KafkaClient
internal import Platform
internal import RunModel

/// Writes the stages of a test into a page as they end, saves the connection if all passed, and else keeps the form.
final class ConnectTest: TrialWatcher {
  /// A form that was tested and not saved.
  struct Tested {
    let form: ConnectionForm
    let until: MonotonicInstant
  }

  private static let keepingTime = Duration.seconds(600)

  private let stream: HTTPStream
  private let pages: StateThread
  private let session: Session
  private let form: ConnectionForm
  private let shown: ConnectPage.Form
  private let viewer: Viewer

  init(
    _ stream: HTTPStream, _ pages: StateThread, _ session: Session, _ form: ConnectionForm, shown: ConnectPage.Form,
    _ viewer: Viewer
  ) {
    (self.stream, self.pages, self.session) = (stream, pages, session)
    (self.form, self.shown, self.viewer) = (form, shown, viewer)
  }

  func ended(_ stage: StageResult) {
    let (verdict, detail, hint) = stage.shown
    stream.write(
      ConnectPage.ended(
        ConnectPage.Stage(
          name: stage.stage.rawValue, verdict: verdict, detail: detail, hint: hint,
          milliseconds: Double(stage.time.wholeMicroseconds) / 1000)))
  }

  func ended(_ trial: ConnectionTrial, passed: Bool) {
    let (form, shown, stream, viewer, session) = (form, shown, stream, viewer, session)
    pages.run { routes -> String? in
      routes.connection.discard(trial)
      guard passed else { return nil }
      do throws(RouteProblem) { try routes.connection.save(form) } catch { return error.message }
      return nil
    } then: { problem in
      if passed, problem == nil {
        stream.write(ConnectPage.end(shown, ConnectPage.saved, viewer: viewer))
      } else {
        let id = session.keep(form, for: Self.keepingTime)
        let message: HTML =
          problem.map { "It could not be saved: \($0)" } ?? "Nothing was saved. Correct the cause and connect again."
        stream.write(ConnectPage.end(shown, ConnectPage.failed(message, id: id), viewer: viewer))
      }
      stream.end()
    }
  }
}
