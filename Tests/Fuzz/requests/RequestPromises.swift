// SPDX-License-Identifier: Apache-2.0
import Foundation
import JSONText
import RunModel

/// Promises for every request, however broken; one that breaks a promise ends the process with a message.
///
/// An input is a method, a target, lines of headers, an empty line, and a body, as the library takes them apart.
enum RequestPromises {
  static func check(_ input: UnsafeRawBufferPointer) {
    let bytes = Array(input)
    let lines = bytes.split(separator: 0x0a, maxSplits: 64, omittingEmptySubsequences: false)
    let words = (lines.first ?? []).split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
    let headers = lines.dropFirst().prefix { !$0.isEmpty }
    let body = Array(lines.dropFirst(2 + headers.count).joined(separator: [0x0a]))
    guard words.count == 2, let method = String(validating: words[0], as: UTF8.self),
      let text = String(validating: words[1], as: UTF8.self)
    else { return checkBody(bytes) }
    let target = RequestTarget(parsing: text)
    if let target { checkTarget(target, text) }
    checkHeaders(method, target, headers.compactMap(header))
    checkBody(body)
  }

  private static func header(_ line: ArraySlice<UInt8>) -> (name: String, value: String)? {
    let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let name = String(validating: parts[0], as: UTF8.self),
      let value = String(validating: parts[1].drop { $0 == 0x20 }, as: UTF8.self)
    else { return nil }
    return (name.lowercased(), value)
  }

  // MARK: Targets

  private static func checkTarget(_ target: RequestTarget, _ text: String) {
    promise(text.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a target with other bytes than ASCII was read")
    promise(target.rawPath == "*" || target.rawPath.hasPrefix("/"), "the path is \(target.rawPath)")
    promise(!target.rawPath.contains("?"), "a query is part of the path")
    let all = target.segments + target.query.flatMap { [$0.name, $0.value] }
    promise(!all.contains { $0.utf8.contains(0) }, "a NUL was decoded")
    guard target.rawPath != "*" else { return }
    promise(
      target.segments.count <= target.rawPath.utf8.count(where: { $0 == UInt8(ascii: "/") }), "a segment was made up")
    if !target.rawPath.contains("%") {
      promise(!target.segments.contains { $0.contains("/") }, "a slash without an escape is in a segment")
    }
    // Read again from parts that are escaped as a whole, all stays the same.
    var again = "/" + target.segments.map(escaped).joined(separator: "/")
    if target.segments.last == "" { again += "/" }
    if !target.query.isEmpty {
      again += "?" + target.query.map { "\(escaped($0.name))=\(escaped($0.value))" }.joined(separator: "&")
    }
    guard let second = RequestTarget(parsing: again) else { return promise(false, "\(again) cannot be read") }
    promise(same(second.segments, target.segments), "the segments of \(text) changed to \(second.segments)")
    promise(
      same(second.query.flatMap { [$0.name, $0.value] }, target.query.flatMap { [$0.name, $0.value] }),
      "the query of \(text) changed")
  }

  private static func escaped(_ text: String) -> String {
    text.utf8.map { "%" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// By bytes: to Swift, texts that Unicode calls equivalent are equal.
  private static func same(_ left: [String], _ right: [String]) -> Bool {
    left.map { Array($0.utf8) } == right.map { Array($0.utf8) }
  }

  // MARK: Headers

  private static func checkHeaders(
    _ method: String, _ target: RequestTarget?, _ headers: [(name: String, value: String)]
  ) {
    guard let target = target ?? RequestTarget(parsing: "/") else { return }
    let request = HTTPRequest(method: method, target: target, headers: headers)
    let check = HeaderCheck(port: 8080, allowedHosts: ["algo.example"])
    let isTaken = passes(check, request)
    // Their order means nothing.
    let reversed = HTTPRequest(method: method, target: request.target, headers: headers.reversed())
    promise(passes(check, reversed) == isTaken, "the order of headers decides")
    if let value = request["traceparent"], let trace = TraceContext(parsing: value) {
      promise(TraceContext(parsing: trace.child().description) != nil, "the child of \(value) is no traceparent")
      promise(value.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "\(value) was read as a traceparent")
    }
    guard isTaken else { return }
    for (name, value) in headers {
      promise(!name.isEmpty && name.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x3a }, "the name \(name)")
      promise(!value.utf8.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }, "control bytes are in a value")
    }
    for name in ["host", "content-length", "authorization", "transfer-encoding"] {
      promise(request.all(name).count <= 1, "several \(name) were taken")
      guard let value = request[name] else { continue }
      let doubled = HTTPRequest(method: method, target: request.target, headers: headers + [(name, value)])
      promise(!passes(check, doubled), "a second \(name) was taken")
    }
    promise(
      request["content-length"] == nil || request["transfer-encoding"] == nil, "a length and an encoding were taken")
    if let length = request["content-length"] {
      promise(request.declaredLength == Int(length), "the length \(length) was read as another")
    }
    promise(request["transfer-encoding"].map { $0.lowercased() == "chunked" } ?? true, "an encoding was taken")
    checkOrigin(request, method)
  }

  private static func passes(_ check: HeaderCheck, _ request: HTTPRequest) -> Bool {
    do throws(HeaderCheck.Refusal) { try check.check(request) } catch { return false }
    return true
  }

  private static func checkOrigin(_ request: HTTPRequest, _ method: String) {
    let host = request["host"]?.lowercased() ?? ""
    let own = ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"].contains(host)
    let named = host == "algo.example" || host.hasPrefix("algo.example:") && !host.dropFirst(13).contains(":")
    promise(own || named, "the host \(host) was taken")
    if let authority = request.target.authority { promise(authority.lowercased() == host, "two servers are named") }
    guard !["GET", "HEAD", "OPTIONS"].contains(method) else { return }
    let sites = request.all("sec-fetch-site")
    promise(sites.allSatisfy { $0 == "same-origin" }, "a page of \(sites) was taken")
    guard sites.isEmpty else { return }
    for origin in request.all("origin") {
      promise(["http://\(host)", "https://\(host)"].contains(origin.lowercased()), "the origin \(origin) was taken")
    }
  }

  // MARK: Bodies

  private static func checkBody(_ body: [UInt8]) {
    let members = JSONMembers(body)
    if let members {
      promise(String(validating: body, as: UTF8.self) != nil, "an object that is no UTF-8 was read")
      for (name, value) in members.all { checkMember(members, name, value) }
    }
    // The kernel cuts a body where it likes.
    let whole = scan(body, pieces: { Int.max })
    var random = body.reduce(UInt64(body.count)) { $0 &* 31 &+ UInt64($1) }
    let cut = scan(body) {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % 97 + 1
    }
    promise(cut == whole, "cutting a body into pieces changed what it is")
    if body.count <= 70_000 { promise(scan(body, pieces: { 1 }) == whole, "byte by byte, a body is something else") }
    promise(whole.isText == (String(validating: body, as: UTF8.self) != nil), "text was judged wrongly")
    if members != nil { promise(whole.isJSON, "an object was read that is no JSON") }
    if whole.isJSON { promise(whole.isText, "JSON is no text") }
  }

  private static func checkMember(_ members: JSONMembers, _ name: String, _ value: [UInt8]) {
    var scanner = JSONScanner()
    value.withUnsafeBytes { scanner.consume($0) }
    promise(scanner.isComplete, "the value of \(name) is no JSON")
    _ = (members.string(name), members.integer(name), members.boolean(name), members.object(name), members.array(name))
  }

  private static func scan(_ body: [UInt8], pieces: () -> Int) -> (isJSON: Bool, isText: Bool) {
    var (json, text) = (JSONScanner(), UTF8Scanner())
    var position = 0
    while position < body.count {
      let count = min(pieces(), body.count - position)
      GuardedMemory.shared.lend(body[position..<position + count]) {
        json.consume($0)
        text.consume($0)
      }
      position += count
    }
    return (json.isComplete, text.isValid && text.unfinished == 0)
  }

  private static func promise(_ holds: Bool, _ message: @autoclosure () -> String) {
    guard !holds else { return }
    FileHandle.standardError.write(Data("BROKEN PROMISE: \(message())\n".utf8))
    abort()
  }
}
