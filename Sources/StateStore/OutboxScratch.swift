internal import Glibc

/// A copy of a damaged outbox, log and all, on which everything may be tried that brings its records back.
///
/// SQLite reads a table from its root. What a damaged page above the leaves hides comes to light by putting each leaf,
/// as it is, in the place of the root: a table of one leaf is a table.
struct OutboxScratch {
  private let path: String
  private let descriptor: Int32
  private let pageSize: Int
  private let pageCount: Int
  /// Where the table of records begins.
  private let root: Int
  /// Pages that hold nothing any more, but what was removed; nil where that cannot be read.
  private let free: Set<Int>?

  /// Copies the outbox at `original` to `path`.
  ///
  /// - Parameter sound: a new, empty outbox, whose first page stands in for one that cannot be read.
  /// - Returns: nil where there is nothing that could be read.
  init?(of original: String, at path: String, like sound: OutboxFile) throws(StateError) {
    try sound.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    let first = try PrivateFile.contents(of: sound.database.path)
    let pageSize = Int(try sound.database.integer("PRAGMA page_size") ?? 4096)
    guard first.count >= pageSize else { return nil }
    try PrivateFile.replace(path, with: try PrivateFile.contents(of: original))
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw PrivateFile.failure(errno, at: path) }
    var isWhole = false
    defer { if !isWhole { close(descriptor) } }

    if try FileIdentity.of(original + "-wal") != nil {
      try PrivateFile.replace(path + "-wal", with: try PrivateFile.contents(of: original + "-wal"))
    }
    // The first page tells what all others are. Beside an empty file SQLite would remove the log.
    let isEmpty = try FileIdentity.of(path)?.size == 0
    let isStandIn = isEmpty || Self.rootPage(path) == nil
    if isStandIn { Self.write(Array(first[..<pageSize]), to: descriptor, at: 0) }
    unsafe unlink(path + "-shm")
    if let merged = try? SQLiteDatabase(path: path, busyTimeout: .seconds(2)) {
      try? merged.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }
    for suffix in ["-wal", "-shm"] { unsafe unlink(path + suffix) }

    let size = try FileIdentity.of(path)?.size ?? 0
    pageCount = size / pageSize
    guard var header = Self.read(descriptor, at: 0, bytes: 100) else { return nil }
    free = isStandIn ? nil : Self.freePages(descriptor, header, pageSize, pageCount)
    // No log any more; and as many pages as there are.
    header[18] = 1
    header[19] = 1
    for place in 0..<4 { header[28 + place] = UInt8(truncatingIfNeeded: pageCount >> (24 - 8 * place)) }
    for place in 92..<96 { header[place] = header[place - 68] }
    Self.write(header, to: descriptor, at: 0)
    guard let root = Self.rootPage(path) else { return nil }
    self.path = path
    self.descriptor = descriptor
    self.pageSize = pageSize
    self.root = root
    isWhole = true
  }

  /// Ends it; the caller removes the file.
  func end() { close(descriptor) }

  /// The copy as it is now.
  func database() throws(StateError) -> SQLiteDatabase? { try SQLiteDatabase(path: path, busyTimeout: .seconds(2)) }

  /// Hands over the copy with one leaf after the other as the whole table. Pages that are free are left out: what was
  /// removed may still stand there, and must not come back.
  func eachLeaf(_ body: (SQLiteDatabase) throws(StateError) -> Void) throws(StateError) {
    for page in stride(from: 2, through: pageCount, by: 1) where free?.contains(page) != true {
      let leaf = Self.read(descriptor, at: (page - 1) * pageSize, bytes: pageSize)
      guard let leaf, leaf[0] == 0x0d else { continue }
      Self.write(leaf, to: descriptor, at: (root - 1) * pageSize)
      if let database = try database() { try body(database) }
    }
  }

  /// Where the table of records begins; nil where not all tables are known.
  private static func rootPage(_ path: String) -> Int? {
    guard let database = try? SQLiteDatabase(path: path, busyTimeout: .seconds(2)) else { return nil }
    database.keepLogOnClose()
    guard (try? database.integer("SELECT count(*) FROM sqlite_schema")) == Schema.outboxObjects else { return nil }
    let root = try? database.integer("SELECT rootpage FROM sqlite_schema WHERE name = 'payload'")
    return root.flatMap { $0 > 1 ? Int($0) : nil }
  }

  /// The pages of the list that begins in the header; nil where it does not add up.
  private static func freePages(_ descriptor: Int32, _ header: [UInt8], _ pageSize: Int, _ pageCount: Int) -> Set<Int>?
  {
    func number(_ bytes: [UInt8], _ place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    var free: Set<Int> = []
    var trunk = number(header, 32)
    while trunk != 0 {
      guard (2...max(2, pageCount)).contains(trunk), free.insert(trunk).inserted,
        let page = read(descriptor, at: (trunk - 1) * pageSize, bytes: pageSize),
        (0...pageSize / 4 - 2).contains(number(page, 4))
      else { return nil }
      for leaf in 0..<number(page, 4) { free.insert(number(page, 8 + 4 * leaf)) }
      trunk = number(page, 0)
    }
    return free.count == number(header, 36) ? free : nil
  }

  private static func read(_ descriptor: Int32, at place: Int, bytes count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    return unsafe pread(descriptor, &bytes, count, place) == count ? bytes : nil
  }

  /// What could not be written is not found afterwards, and counted as unreadable.
  private static func write(_ bytes: [UInt8], to descriptor: Int32, at place: Int) {
    _ = unsafe pwrite(descriptor, bytes, bytes.count, place)
  }
}
