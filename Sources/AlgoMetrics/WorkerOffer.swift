// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The offer in `ALGO_WORKER`: the highest version, the descriptors of requests and of answers, and the socket on which
/// descriptors for metrics come.
struct WorkerOffer: Equatable {
  let requests: CInt
  let answers: CInt
  let socket: CInt

  /// Nil for an offer that this library cannot take.
  init?(_ text: String) {
    let fields = text.split(separator: ":", omittingEmptySubsequences: false).map { DescriptorNumber.parse(String($0)) }
    guard fields.count >= 4, let version = fields[0], version >= 1, let requests = fields[1], let answers = fields[2],
      let socket = fields[3]
    else { return nil }
    self.requests = requests
    self.answers = answers
    self.socket = socket
  }

  /// Whether the descriptors are there: the variable may have been inherited without them.
  var isOpen: Bool {
    accessMode(requests) == O_RDONLY && accessMode(answers) == O_WRONLY
  }

  private func accessMode(_ descriptor: CInt) -> CInt {
    let flags = fcntl(descriptor, F_GETFL)
    return flags < 0 ? -1 : flags & O_ACCMODE
  }

  /// The descriptor of the next message on the socket, which the supervisor sends before the request.
  func receiveDescriptor() -> CInt? {
    var byte: UInt8 = 0
    // A header of 16 bytes, the descriptor, and padding, as the macros of C lay them out.
    var control: (UInt64, UInt64, UInt64) = (0, 0, 0)
    return withUnsafeMutableBytes(of: &control) { control in
      withUnsafeMutableBytes(of: &byte) { byte in
        var vector = iovec(iov_base: byte.baseAddress, iov_len: byte.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
          var message = msghdr()
          message.msg_iov = vector
          message.msg_iovlen = 1
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          // MSG_CMSG_CLOEXEC, so that no program started in the meantime gets it.
          guard recvmsg(socket, &message, CInt(MSG_DONTWAIT) | 0x4000_0000) >= 0, message.msg_controllen >= 20,
            control.load(fromByteOffset: 8, as: CInt.self) == SOL_SOCKET,
            control.load(fromByteOffset: 12, as: CInt.self) == 1  // SCM_RIGHTS
          else { return nil }
          return control.load(fromByteOffset: 16, as: CInt.self)
        }
      }
    }
  }
}
