internal import CBatchFiles
internal import Glibc
internal import Platform
internal import ProcessSupervision

/// Wakes the loop, once each time it is asked to, when a descriptor can be read or written.
///
/// The supervisor tells of a watched descriptor as long as it is ready. Standard input is ready most of the time while
/// no slot is free, and would keep the loop spinning: so the supervisor watches this gate, and the gate waits only for
/// what is wanted now.
struct ReadinessGate {
  private let gate: Descriptor
  private let token: Supervisor.WatchToken

  init(on supervisor: Supervisor) throws(BatchFailure) {
    var opened: Int32 = -1
    let code = open_gate(&opened)
    guard code == 0 else { throw .cannotSpill(code: code) }
    defer { close(opened) }
    do throws(SystemError) {
      gate = try Descriptor.duplicating(opened)
    } catch {
      throw .cannotSpill(code: error.code)
    }
    token = supervisor.watch(gate)
  }

  /// Wakes the loop once the descriptor `number` can be read.
  func waitToRead(_ number: Int32) { gate.withNumber { _ = gate_wait($0, number, GATE_READING) } }

  /// Wakes the loop once `descriptor` can be read.
  func waitToRead(_ descriptor: Descriptor) { descriptor.withNumber { waitToRead($0) } }

  /// Wakes the loop once `descriptor` can be written.
  func waitToWrite(_ descriptor: Descriptor) {
    gate.withNumber { gate in descriptor.withNumber { _ = gate_wait(gate, $0, GATE_WRITING) } }
  }

  /// Takes note of the event if it is this gate's.
  func clear(if event: Supervisor.WatchToken) {
    if event == token { gate.withNumber { gate_clear($0) } }
  }
}
