internal import CProcessLaunch
internal import Glibc

/// A file descriptor with one owner, closed exactly once: when its owner says so, or with its owner.
///
/// All are above 9 and close-on-exec, so that none can be the target of a dup2 in a child, or leak into one.
public final class OwnedDescriptor {
  private var number: CInt

  init(owning number: CInt) { self.number = number }

  deinit { close() }

  /// Opens a file for reading.
  ///
  /// - Throws: the errno of open(2).
  public static func reading(_ path: String) throws(SystemError) -> OwnedDescriptor {
    try open(path, flags: O_RDONLY, mode: 0)
  }

  /// Opens a file with the flags and mode of open(2).
  ///
  /// - Throws: the errno of open(2).
  public static func open(_ path: String, flags: Int32, mode: UInt32) throws(SystemError) -> OwnedDescriptor {
    var opened: CInt = -1
    let code = unsafe open_high(path, flags, mode, &opened)
    guard code == 0 else { throw SystemError(code) }
    return OwnedDescriptor(owning: opened)
  }

  /// A second descriptor of what `number` stands for; `number` stays its owner's.
  ///
  /// - Throws: the errno of fcntl(2).
  public static func duplicating(_ number: Int32) throws(SystemError) -> OwnedDescriptor {
    var copy: CInt = -1
    let code = unsafe duplicate_high(number, &copy)
    guard code == 0 else { throw SystemError(code) }
    return OwnedDescriptor(owning: copy)
  }

  /// A pipe: what is written to `writer` can be read without blocking from `reader`.
  ///
  /// - Throws: the errno of pipe2(2).
  public static func pipe() throws(SystemError) -> (reader: OwnedDescriptor, writer: OwnedDescriptor) {
    var reader: CInt = -1
    var writer: CInt = -1
    let code = unsafe open_pipe(&reader, &writer)
    guard code == 0 else { throw SystemError(code) }
    return (OwnedDescriptor(owning: reader), OwnedDescriptor(owning: writer))
  }

  /// Lends the number for the length of `body`; -1 once closed.
  public func withNumber<Result>(_ body: (Int32) -> Result) -> Result { body(number) }

  /// Closes it now. A second call does nothing.
  public func close() {
    guard number >= 0 else { return }
    // EINTR on Linux means closed all the same: never try again, the number may be somebody else's by then.
    _ = Glibc.close(number)
    number = -1
  }

  /// Reads once into `buffer`, without waiting.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
    while true {
      let count = unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
      if count > 0 { return .bytes(count) }
      if count == 0 { return .endOfFile }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .nothingNow
      default: return .endOfFile
      }
    }
  }

  /// What one read gave.
  enum ReadResult: Equatable {
    case bytes(Int)
    case nothingNow
    case endOfFile
  }
}

/// A system call's errno.
public struct SystemError: Error, Equatable, CustomStringConvertible {
  /// The errno.
  public let code: Int32

  /// An error of the given errno.
  public init(_ code: Int32) { self.code = code }

  /// The system's words for it: "Permission denied".
  public var description: String {
    guard let words = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: words)
  }
}
