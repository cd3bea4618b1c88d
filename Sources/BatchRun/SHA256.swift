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
  ///
  /// Written for speed, because requests of gigabytes are hashed: the schedule is on the stack, nothing is checked
  /// twice, and eight rounds at a time leave every value in the register it is in.
  private mutating func compress(_ bytes: UnsafeRawBufferPointer) {
    let state = state
    var (s0, s1, s2, s3) = (state[0], state[1], state[2], state[3])
    var (s4, s5, s6, s7) = (state[4], state[5], state[6], state[7])
    withUnsafeBytes(of: Self.constants) { constants in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
        guard let k = constants.baseAddress?.assumingMemoryBound(to: UInt32.self), let w = words.baseAddress,
          var block = bytes.baseAddress
        else { return }
        for _ in 0..<bytes.count / 64 {
          for index in 0..<16 {
            w[index] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self))
          }
          for index in 16..<64 {
            let (two, fifteen) = (w[index &- 2], w[index &- 15])
            let small1 = Self.rotate(two, 17) ^ Self.rotate(two, 19) ^ two &>> 10
            let small0 = Self.rotate(fifteen, 7) ^ Self.rotate(fifteen, 18) ^ fifteen &>> 3
            w[index] = small1 &+ w[index &- 7] &+ small0 &+ w[index &- 16]
          }
          var (a, b, c, d, e, f, g, h) = (s0, s1, s2, s3, s4, s5, s6, s7)
          var round = 0
          while round < 64 {
            Self.round(a, b, c, &d, e, f, g, &h, k[round] &+ w[round])
            Self.round(h, a, b, &c, d, e, f, &g, k[round &+ 1] &+ w[round &+ 1])
            Self.round(g, h, a, &b, c, d, e, &f, k[round &+ 2] &+ w[round &+ 2])
            Self.round(f, g, h, &a, b, c, d, &e, k[round &+ 3] &+ w[round &+ 3])
            Self.round(e, f, g, &h, a, b, c, &d, k[round &+ 4] &+ w[round &+ 4])
            Self.round(d, e, f, &g, h, a, b, &c, k[round &+ 5] &+ w[round &+ 5])
            Self.round(c, d, e, &f, g, h, a, &b, k[round &+ 6] &+ w[round &+ 6])
            Self.round(b, c, d, &e, f, g, h, &a, k[round &+ 7] &+ w[round &+ 7])
            round &+= 8
          }
          (s0, s1, s2, s3) = (s0 &+ a, s1 &+ b, s2 &+ c, s3 &+ d)
          (s4, s5, s6, s7) = (s4 &+ e, s5 &+ f, s6 &+ g, s7 &+ h)
          block += 64
        }
      }
    }
    self.state = [s0, s1, s2, s3, s4, s5, s6, s7]
  }

  @inline(__always)
  private static func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32,
    _ h: inout UInt32, _ input: UInt32
  ) {
    let first = h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ (g ^ (e & (f ^ g))) &+ input
    d = d &+ first
    h = first &+ (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ ((a & b) | (c & (a | b)))
  }

  @inline(__always)
  private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 &- count) }

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
