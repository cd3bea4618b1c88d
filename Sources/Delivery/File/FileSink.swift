internal import Glibc

/// Appends payloads to a file as NDJSON, one whole line each, for any number of processes at once.
///
/// The only file that touches the sink's descriptor. A payload is written in full or not at all: writers exclude each
/// other with a lock on the file, a line that a killed writer left unfinished is cut off, and a write that the disk
/// refuses half-way is taken back. A line survives the end of the process, not a power cut: nothing is synced, because
/// `exec` would pay for it on each run.
public struct FileSink: Sendable {
  /// How long a writer waits for others of the same file. Each holds it for microseconds, so this ends only where one
  /// was stopped with the lock in its hand; an algorithm's run must not hang on that.
  static let lockWait: Duration = .seconds(2)

  /// Where the lines go.
  public let path: String

  /// A sink that appends to the file at `path`; nothing is opened yet.
  public init(path: String) { self.path = path }

  /// Appends each payload, JSON without a newline, as one line. All are written or none.
  ///
  /// - Throws: ``FileSinkError`` that says what to do.
  public func append(_ payloads: [[UInt8]]) throws(FileSinkError) {
    var lines: [UInt8] = []
    lines.reserveCapacity(payloads.reduce(0) { $0 + $1.count + 1 })
    for payload in payloads {
      lines.append(contentsOf: payload)
      lines.append(UInt8(ascii: "\n"))
    }
    guard !lines.isEmpty else { return }

    // Not blocking, for the sake of a FIFO that nobody reads: opening it would wait for ever.
    let descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o600)
    guard descriptor >= 0 else { throw .cannotOpen(path: path, errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .cannotOpen(path: path, errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { return try write(lines, to: descriptor, cuttingBackTo: nil) }

    try lock(descriptor)
    try write(lines, to: descriptor, cuttingBackTo: try endOfWholeLines(descriptor))
  }

  /// Finds out whether the file takes lines, without writing one. It is made if it is missing.
  ///
  /// - Throws: ``FileSinkError/cannotOpen(path:errno:)``.
  public func check() throws(FileSinkError) {
    let descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o600)
    guard descriptor >= 0 else { throw .cannotOpen(path: path, errno: errno) }
    close(descriptor)
  }

  /// Takes the file's lock, which ends with the descriptor.
  private func lock(_ descriptor: Int32) throws(FileSinkError) {
    let clock = ContinuousClock()
    let deadline = clock.now + Self.lockWait
    var pause: useconds_t = 50
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: break
      // A file system without locks: appending is still atomic enough for one writer, so go on.
      default: return
      }
      guard clock.now < deadline else { throw .locked(path: path) }
      usleep(pause)
      pause = min(pause * 2, 2000)
    }
  }

  /// The file's length after its last whole line; what a killed writer left behind it is cut off.
  private func endOfWholeLines(_ descriptor: Int32) throws(FileSinkError) -> off_t {
    // Only now, under the lock, is the length one that stays.
    let length = lseek(descriptor, 0, SEEK_END)
    guard length >= 0 else { throw .cannotWrite(path: path, errno: errno) }
    guard length > 0, byte(at: length - 1, of: descriptor) != UInt8(ascii: "\n") else { return length }

    // A last line that is closed is someone's whole record without its newline: it is kept.
    if byte(at: length - 1, of: descriptor) == UInt8(ascii: "}") {
      try write([UInt8(ascii: "\n")], to: descriptor, cuttingBackTo: length)
      return length + 1
    }
    var end = length
    var block = [UInt8](repeating: 0, count: 65_536)
    while end > 0 {
      let start = max(0, end - off_t(block.count))
      let count = pread(descriptor, &block, Int(end - start), start)
      guard count == Int(end - start) else { throw .cannotWrite(path: path, errno: count < 0 ? errno : EIO) }
      if let newline = block[..<count].lastIndex(of: UInt8(ascii: "\n")) {
        end = start + off_t(newline) + 1
        break
      }
      end = start
    }
    guard ftruncate(descriptor, end) == 0 else { throw .cannotWrite(path: path, errno: errno) }
    return end
  }

  private func byte(at offset: off_t, of descriptor: Int32) -> UInt8? {
    var byte: UInt8 = 0
    return pread(descriptor, &byte, 1, offset) == 1 ? byte : nil
  }

  /// Writes all of `bytes`; where that fails, the file is cut back to `length`, if there is one.
  private func write(_ bytes: [UInt8], to descriptor: Int32, cuttingBackTo length: off_t?) throws(FileSinkError) {
    var written = 0
    while written < bytes.count {
      let count = unharmedBySignals {
        bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written) }
      }
      if count > 0 {
        written += count
      } else if count == 0 || errno != EINTR {
        let reason = count == 0 ? ENOSPC : errno
        if let length { _ = ftruncate(descriptor, length) }
        throw .cannotWrite(path: path, errno: reason)
      }
    }
  }

  /// Runs one write so that a file size limit (SIGXFSZ) or a FIFO without its reader (SIGPIPE) is an error of that
  /// write and not the end of algo-run. Both signals are sent to the writing thread, so blocking them there and taking
  /// them off again leaves every other thread and every child as it was.
  private func unharmedBySignals(_ body: () -> Int) -> Int {
    var deadly = sigset_t()
    var before = sigset_t()
    sigemptyset(&deadly)
    sigaddset(&deadly, SIGXFSZ)
    sigaddset(&deadly, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &deadly, &before)
    let count = body()
    let reason = errno
    if count < 0, reason == EFBIG || reason == EPIPE {
      var atOnce = timespec(tv_sec: 0, tv_nsec: 0)
      _ = sigtimedwait(&deadly, nil, &atOnce)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    errno = reason
    return count
  }
}
