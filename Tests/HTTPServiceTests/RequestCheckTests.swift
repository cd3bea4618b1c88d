// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HTTPService

@Suite struct RequestCheckTests {
  private func refusal(
    _ headers: [(name: String, value: String)], method: String = "POST", target: String = "/v1/algo/o/n"
  ) throws -> Int? {
    let check = HeaderCheck(port: 8080, allowedHosts: ["Algo.Example.com"])
    let request = HTTPRequest(method: method, target: try #require(RequestTarget(parsing: target)), headers: headers)
    do throws(HeaderCheck.Refusal) {
      try check.check(request)
      return nil
    } catch {
      return error.status
    }
  }

  @Test(arguments: [
    "localhost:8080", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "algo.example.com", "algo.example.com:444",
  ])
  func `the own names are accepted`(host: String) throws {
    #expect(try refusal([("host", host)]) == nil)
  }

  @Test(arguments: [
    "localhost", "localhost:8081", "evil.test:8080", "127.0.0.1.evil.test:8080", "::1:8080", "localhost:8080@evil.test",
    "", "algo.example.com.evil.test", "localhost:08080x", "localhost:8080:8080", "[::1]:8080:a",
    "localhost:+8080", "localhost:08080",
  ])
  func `every other name is misdirected`(host: String) throws {
    #expect(try refusal([("host", host)]) == 421)
    #expect(try refusal([("host", host)], method: "GET") == 421)
  }

  @Test func `a Unix socket is called localhost`() throws {
    let check = HeaderCheck(port: nil, allowedHosts: [])
    func isAllowed(_ host: String) throws -> Bool {
      let target = try #require(RequestTarget(parsing: "/"))
      return (try? check.check(HTTPRequest(method: "GET", target: target, headers: [("host", host)]))) != nil
    }
    #expect(try isAllowed("localhost") == true)
    #expect(try isAllowed("evil.test") == false)
  }

  @Test(arguments: [
    [("content-length", "1"), ("content-length", "2")], [("content-length", "1"), ("content-length", "1")],
    [("content-length", "1"), ("transfer-encoding", "chunked")], [("transfer-encoding", "gzip, chunked")],
    [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], [("content-length", "+1")],
    [("content-length", "1,1")], [("content-length", "")], [("content-length ", "1")], [("a b", "1")],
    [("x", "a\u{1}b")], [("authorization", "a"), ("authorization", "b")], [("host", "localhost:8080")], [("", "x")],
  ])
  func `a request that two servers could read in two ways is refused`(_ headers: [(String, String)]) throws {
    #expect(try refusal([("host", "localhost:8080")] + headers.map { (name: $0.0, value: $0.1) }) == 400)
  }

  @Test(arguments: [
    ("sec-fetch-site", "same-origin", Int?.none), ("sec-fetch-site", "same-site", 403),
    ("sec-fetch-site", "cross-site", 403), ("sec-fetch-site", "none", 403), ("origin", "http://localhost:8080", nil),
    ("origin", "https://localhost:8080", nil), ("origin", "http://localhost:8081", 403), ("origin", "null", 403),
    ("origin", "http://evil.test", 403), ("origin", "http://localhost:8080@evil.test", 403),
    ("origin", "http://user@localhost:8080", 403), ("origin", "ftp://localhost:8080", 403),
  ])
  func `pages of other sites can change nothing`(_ name: String, _ value: String, _ status: Int?) throws {
    #expect(try refusal([("host", "localhost:8080"), (name, value)]) == status)
    #expect(try refusal([("host", "localhost:8080"), (name, value)], method: "GET") == nil)
  }

  @Test func `an absolute target must name the same server as Host`() throws {
    #expect(try refusal([("host", "localhost:8080")], target: "http://localhost:8080/v1") == nil)
    #expect(try refusal([("host", "localhost:8080")], target: "http://evil.test/v1") == 400)
  }

  @Test func `targets are split before they are decoded`() throws {
    #expect(RequestTarget(parsing: "/a/b%2Fc//d/")?.segments == ["a", "b/c", "", "d"])
    #expect(RequestTarget(parsing: "/")?.segments == [])
    #expect(RequestTarget(parsing: "http://h:1?x=%C3%A9")?.parameter("x") == "é")
    #expect(RequestTarget(parsing: "/a%2e%2e/%2e%2e")?.segments == ["a..", ".."])
    for wrong in ["", "a", "/%", "/%4", "/%zz", "/%ff", "/%00", "/a b", "/a#b", "/é", "ftp://h/"] {
      #expect(RequestTarget(parsing: wrong) == nil, "\(wrong)")
    }
  }

  @Test func `addresses to listen on are numeric, or the path of a socket`() {
    #expect(ListenAddress(parsing: "127.0.0.1:80") == .tcp(host: "127.0.0.1", port: 80))
    #expect(ListenAddress(parsing: "[::1]:0") == .tcp(host: "::1", port: 0))
    #expect(ListenAddress(parsing: "unix:/run/x") == .unix("/run/x"))
    for wrong in ["", "80", ":80", "localhost:80", "::1:80", "[::1]", "127.0.0.1:65536", "unix:", "[127.0.0.1]:1"] {
      #expect(ListenAddress(parsing: wrong) == nil, "\(wrong)")
    }
    #expect(ListenAddress.standard.map(\.isLocal) == [true, true])
    #expect(ListenAddress(parsing: "0.0.0.0:80")?.isLocal == false)
  }
}
