// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Reports the state of a service to systemd (sd_notify(3)). Without systemd it does nothing.
public struct ServiceManager: Sendable {
  /// A notification to systemd.
  public enum State: String, Sendable {
    /// The service can be used.
    case ready = "READY=1"
    /// The service ends.
    case stopping = "STOPPING=1"
  }

  private let path: String?

  /// The service manager that started this process. Its variable is removed, so that no child speaks for the service.
  public init() {
    path = unsafe getenv("NOTIFY_SOCKET").map { unsafe String(cString: $0) }
    unsafe unsetenv("NOTIFY_SOCKET")
  }

  /// Never waits and never fails: a service does not end for it.
  public func report(_ state: State) {
    var address = sockaddr_un()
    // A name that begins with @ is one of Linux' own name space, which begins with a NUL.
    guard var name = path.map({ Array($0.utf8) }), name.count > 1,
      name.count < MemoryLayout.size(ofValue: address.sun_path)
    else { return }
    if name[0] == UInt8(ascii: "@") { name[0] = 0 }
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
    let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard number >= 0 else { return }
    defer { close(number) }
    let message = Array(state.rawValue.utf8)
    let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    _ = unsafe withUnsafeBytes(of: address) {
      unsafe sendto(
        number, message, message.count, Int32(MSG_NOSIGNAL),
        $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), size)
    }
  }
}
