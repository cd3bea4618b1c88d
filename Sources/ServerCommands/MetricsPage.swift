// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import HTTPService
internal import Platform
internal import RunModel
internal import StateStore

/// All that `/metrics` reports, in the order of its text.
struct MetricsPage {
  let calls: CallMetrics
  let lateMetrics: Int
  let running: Int
  let waiting: Int
  let http: HTTPMetrics
  let delivery: DeliveryFigures
  let eventStreams: Int
  let version: String
  let startedAt: Timestamp

  func response(accept: String?, _ home: HomeFigures) -> HTTPResponse {
    var text = MetricsText(accept: accept)
    calls.write(known: home.versions, late: lateMetrics, to: &text)
    text.family("algo_run_executions_running", .gauge, "Executions that run now.")
    text.sample(running)
    text.family("algo_run_executions_waiting", .gauge, "Calls that wait for a slot.")
    text.sample(waiting)
    writeDelivery(home, to: &text)
    http.write(to: &text)
    text.family("algo_run_sse_clients", .gauge, "Pages that follow executions live.")
    text.sample(eventStreams)
    writeProcess(home, to: &text)
    return text.response
  }

  private func writeDelivery(_ home: HomeFigures, to text: inout MetricsText) {
    let totals = delivery.totals
    text.family("algo_run_payloads_total", .counter, "Payloads by what became of them in this server.")
    for (state, count) in [
      ("delivered", totals.delivered), ("expired", totals.expired), ("rejected", totals.rejected),
      ("dropped", totals.dropped),
    ] {
      text.sample(count, [("state", state)])
    }
    text.family("algo_run_delivery_duration_seconds", .histogram, "Time from the end of executions to delivery.")
    text.samples(delivery.times)
    text.family("algo_run_outbox_records", .gauge, "Payloads in the outbox, by state.")
    for (name, state) in [("queued", OutboxState.pending), ("expired", .expired), ("rejected", .rejected)] {
      text.sample(home.outbox.count(state), [("state", name)])
    }
    text.family("algo_run_outbox_oldest_timestamp_seconds", .gauge, "When the oldest queued payload was made, or 0.")
    text.sample(Self.seconds(home.outbox.oldestPending))
    text.family("algo_run_connection_up", .gauge, "Whether no outage of the broker is known.")
    text.sample(home.isBrokerDown ? 0 : 1)
  }

  private func writeProcess(_ home: HomeFigures, to text: inout MetricsText) {
    text.family("algo_run_build_info", .gauge, "Versions of algo-run and of the libraries in use.")
    text.sample(
      1,
      [
        ("version", version), ("librdkafka", home.librdkafka), ("libmicrohttpd", HTTPLibrary.version ?? ""),
        ("sqlite", StateDatabase.libraryVersion),
      ])
    let process = home.process
    text.family("process_cpu_seconds_total", .counter, "User and system time.")
    text.sample("\(process.cpuSeconds)")
    text.family("process_open_fds", .gauge, "Open descriptors.")
    text.sample(process.openDescriptors)
    text.family("process_max_fds", .gauge, "Descriptors that may be open.")
    text.sample(process.descriptorLimit.map { "\($0)" } ?? "+Inf")
    text.family("process_virtual_memory_bytes", .gauge, "Virtual memory.")
    text.sample(process.virtualBytes)
    text.family("process_resident_memory_bytes", .gauge, "Resident memory.")
    text.sample(process.residentBytes)
    text.family("process_start_time_seconds", .gauge, "When the server started.")
    text.sample(Self.seconds(startedAt))
    text.family("process_threads", .gauge, "Threads.")
    text.sample(process.threads)
  }

  private static func seconds(_ moment: Timestamp?) -> String {
    "\(Double(moment?.microseconds ?? 0) / 1_000_000)"
  }
}
