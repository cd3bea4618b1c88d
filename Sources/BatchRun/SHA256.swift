/// The SHA-256 digest of a stream of bytes (FIPS 180-4).
///
/// It is written here because nothing else in the binary needs a cryptographic library: loading one would cost every
/// `exec` more at its start than a batch ever spends on hashing. The digest identifies inputs; it protects nothing.
struct SHA256 {
  /// 32 bytes, comparable and hashable without an allocation.
  struct Digest: Hashable, Sendable {
    let words: InlineArray<4, UInt64>

    static func == (left: Digest, right: Digest) -> Bool {
      (0..<4).allSatisfy { left.words[$0] == right.words[$0] }
    }

    func hash(into hasher: inout Hasher) { hasher.combine(words[0]) }

    /// 64 lowercase hexadecimal digits.
    var hexadecimal: String {
      var text = ""
      text.reserveCapacity(64)
      for index in 0..<4 {
        let digits = String(words[index], radix: 16)
        for _ in digits.utf8.count..<16 { text.append("0") }
        text += digits
      }
      return text
    }
  }

  private var state: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var block = InlineArray<64, UInt8>(repeating: 0)
  private var filled = 0
  private var length: UInt64 = 0

  /// Takes the next bytes.
  mutating func consume(_ bytes: UnsafeRawBufferPointer) {
    length += UInt64(bytes.count)
    var rest = bytes[...]
    while filled > 0, let byte = rest.popFirst() { append(byte) }
    let whole = rest.count & ~63
    if whole > 0 { compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole))) }
    for byte in rest.dropFirst(whole) { append(byte) }
  }

  /// Ends the stream.
  consuming func finish() -> Digest {
    let bits = length * 8
    append(0x80)
    while filled != 56 { append(0) }
    for shift in stride(from: UInt64(56), through: 0, by: -8) { append(UInt8(truncatingIfNeeded: bits >> shift)) }
    var words = InlineArray<4, UInt64>(repeating: 0)
    for index in 0..<4 { words[index] = UInt64(state[index * 2]) << 32 | UInt64(state[index * 2 + 1]) }
    return Digest(words: words)
  }

  /// The digest of bytes that are all there.
  static func digest(of bytes: UnsafeRawBufferPointer) -> Digest {
    var hash = SHA256()
    hash.consume(bytes)
    return hash.finish()
  }

  private mutating func append(_ byte: UInt8) {
    block[filled] = byte
    filled += 1
    guard filled == 64 else { return }
    filled = 0
    let full = block
    withUnsafeBytes(of: full) { compress($0) }
  }

  /// Takes whole blocks of 64 bytes.
  private mutating func compress(_ bytes: UnsafeRawBufferPointer) {
    var schedule = InlineArray<16, UInt32>(repeating: 0)
    for start in stride(from: 0, to: bytes.count, by: 64) {
      for index in 0..<16 {
        schedule[index] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + index * 4, as: UInt32.self))
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      for round in 0..<64 {
        if round >= 16 { schedule[round & 15] = Self.extend(schedule, round) }
        let sum1 = Self.rotate(e, 6) ^ Self.rotate(e, 11) ^ Self.rotate(e, 25)
        let first = h &+ sum1 &+ ((e & f) ^ (~e & g)) &+ Self.constants[round] &+ schedule[round & 15]
        let sum0 = Self.rotate(a, 2) ^ Self.rotate(a, 13) ^ Self.rotate(a, 22)
        let second = sum0 &+ ((a & b) ^ (a & c) ^ (b & c))
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
      }
      state[0] &+= a
      state[1] &+= b
      state[2] &+= c
      state[3] &+= d
      state[4] &+= e
      state[5] &+= f
      state[6] &+= g
      state[7] &+= h
    }
  }

  @inline(__always)
  private static func extend(_ words: InlineArray<16, UInt32>, _ round: Int) -> UInt32 {
    let (two, fifteen) = (words[(round - 2) & 15], words[(round - 15) & 15])
    let small1 = rotate(two, 17) ^ rotate(two, 19) ^ two >> 10
    let small0 = rotate(fifteen, 7) ^ rotate(fifteen, 18) ^ fifteen >> 3
    return small1 &+ words[(round - 7) & 15] &+ small0 &+ words[round & 15]
  }

  @inline(__always)
  private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
  private static let constants: InlineArray<64, UInt32> = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}
