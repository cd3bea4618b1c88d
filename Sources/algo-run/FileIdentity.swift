internal import Glibc

/// Which file on this machine a path or descriptor stands for, however it is spelt or linked: so that nothing that is
/// read is written over.
enum FileIdentity: Equatable {
  case existing(device: dev_t, inode: ino_t)
  /// Not there yet: a name in a directory that is.
  case future(directoryDevice: dev_t, directoryInode: ino_t, name: String)

  /// What a descriptor is open for.
  init?(_ descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self = .existing(device: status.st_dev, inode: status.st_ino)
  }

  /// The file that a stream was redirected from or to; nil for pipes, terminals and devices.
  init?(file stream: Int32) {
    var status = stat()
    guard fstat(stream, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self = .existing(device: status.st_dev, inode: status.st_ino)
  }

  /// A file that is read; nil where there is none, and for what no writer can harm: pipes, terminals, devices.
  init?(reading path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self = .existing(device: status.st_dev, inode: status.st_ino)
  }

  /// A file that is going to be written, and need not be there yet; nil for pipes, terminals and devices.
  init?(writing path: String) {
    if let existing = FileIdentity(reading: path) {
      self = existing
      return
    }
    var status = stat()
    guard stat(path, &status) != 0, errno == ENOENT else { return nil }
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    guard stat(directory, &status) == 0 else { return nil }
    self = .future(
      directoryDevice: status.st_dev, directoryInode: status.st_ino,
      name: slash.map { String(path[path.index(after: $0)...]) } ?? path)
  }
}
