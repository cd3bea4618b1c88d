// SPDX-License-Identifier: Apache-2.0
import Platform
import Testing

@testable import HTTPService

@Suite struct HTTPServerTests {
  @Test func `a request arrives as it was sent and its response has the headers of every response`() throws {
    let server = try TestServer()
    let text = server.exchange(
      "POST /v1/a%2Fb/c/?x=1+2&y HTTP/1.1\r\n\(server.host)\r\nX-Request-ID: mine-1\r\nContent-Length: 5\r\n"
        + "Connection: close\r\n\r\nhello")
    let exchange = try #require(server.application.received.first)
    #expect(exchange.request.method == "POST")
    #expect(exchange.request.target.segments == ["v1", "a/b", "c"])
    #expect(exchange.request.target.parameter("x") == "1 2")
    #expect(exchange.request.target.parameter("y") == "")
    #expect(exchange.body.bytes == Array("hello".utf8))
    #expect(exchange.clientAddress == "127.0.0.1")
    #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.hasSuffix("\r\n\r\nok\n"))
    for header in [
      "X-Request-ID: mine-1", "X-Algo-Request-ID: \(exchange.id)", "Cache-Control: no-store",
      "X-Content-Type-Options: nosniff",
    ] { #expect(text.contains("\r\n\(header)\r\n"), "\(header)") }
    #expect(server.turn { server.application.ended.count == 1 })
    #expect(!exchange.isAborted && exchange.status == 200)
  }

  @Test func `chunked bodies and several requests on one connection are taken in order`() throws {
    let server = try TestServer()
    server.application.responses = [.text("one\n"), .text("two\n")]
    let text = server.exchange(
      "POST /a HTTP/1.1\r\n\(server.host)\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        + "GET /b HTTP/1.1\r\n\(server.host)\r\nConnection: close\r\n\r\n")
    #expect(server.application.received.map(\.request.target.rawPath) == ["/a", "/b"])
    #expect(server.application.received.first?.body.bytes == Array("abcde".utf8))
    #expect(text.contains("\r\n\r\none\nHTTP/1.1 200") && text.hasSuffix("\r\n\r\ntwo\n"))
  }

  @Test func `a large body goes through a file and comes back from it`() throws {
    let server = try TestServer()
    server.application.answers = false
    let size = 3_000_000
    let client = server.client()
    client.send("POST / HTTP/1.1\r\n\(server.host)\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n")
    client.send([UInt8](repeating: UInt8(ascii: "x"), count: size))
    #expect(server.turn { client.receive() || server.application.received.count == 1 })
    let exchange = try #require(server.application.received.first)
    #expect(exchange.body.count == size && exchange.body.bytes.isEmpty)
    exchange.respond(HTTPResponse(type: "application/octet-stream", body: .file(try #require(exchange.body.file))))
    #expect(server.turn { client.receive() })
    #expect(client.text.utf8.count > size && client.text.contains("Content-Length: \(size)\r\n"))
    #expect(client.text.hasSuffix("xxxx"))
  }

  @Test func `a body over the limit is refused before it is read if its length is declared`() throws {
    let server = try TestServer { $0.maxBody = 1000 }
    #expect(server.status("POST / HTTP/1.1\r\n\(server.host)\r\nContent-Length: 1000000000") == 413)
    #expect(
      server.status("POST / HTTP/1.1\r\n\(server.host)\r\nContent-Length: 1001", String(repeating: "x", count: 1001))
        == 413)
    let chunk = "3e9\r\n" + String(repeating: "x", count: 1001) + "\r\n0\r\n\r\n"
    #expect(server.status("POST / HTTP/1.1\r\n\(server.host)\r\nTransfer-Encoding: chunked", chunk) == 413)
    #expect(
      server.status("POST / HTTP/1.1\r\n\(server.host)\r\nContent-Length: 1000", String(repeating: "x", count: 1000))
        == 200)
    #expect(server.application.received.count == 1)
  }

  @Test func `a refused request with a small body leaves its connection usable`() throws {
    let server = try TestServer()
    server.application.refusal = .error(429, "busy", requestID: "req-1")
    let client = server.client()
    client.send("POST / HTTP/1.1\r\n\(server.host)\r\nContent-Length: 5\r\n\r\nhello")
    #expect(server.turn { client.receive() || client.text.contains("busy") })
    #expect(client.text.contains("429") && client.text.contains("X-Error-Message: busy"))
    server.application.refusal = nil
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    #expect(server.turn { client.receive() || client.text.contains("ok\n") })
    #expect(!client.isClosed)
  }

  @Test func `a response that comes later is sent when it comes`() throws {
    let server = try TestServer()
    server.application.answers = false
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    #expect(server.turn { server.application.received.count == 1 })
    server.application.received[0].respond(.text("late\n"))
    #expect(server.turn { client.receive() || client.text.hasSuffix("late\n") })
    #expect(server.application.left == 0)
  }

  @Test func `a client that leaves while its response is awaited is noticed`() throws {
    let server = try TestServer()
    server.application.answers = false
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\nGET /pipelined HTTP/1.1\r\n")
    #expect(server.turn { server.application.received.count == 1 })
    client.close()
    #expect(server.turn { server.application.ended.count == 1 && server.server.connectionCount == 0 })
    #expect(server.application.left == 1 && server.application.ended[0].isAborted)
    server.application.received[0].respond(.text("too late\n"))
    server.server.advance()
  }

  @Test func `a client that left before its next request began to wait is noticed, too`() throws {
    let server = try TestServer()
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    server.application.answers = false
    #expect(server.turn { server.application.received.count == 1 })
    server.application.received[0].respond(.text("first\n"))
    #expect(server.turn { client.receive() || client.text.hasSuffix("first\n") })
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    client.endSending()
    #expect(server.turn { server.application.ended.count == 2 && server.server.connectionCount == 0 })
    #expect(server.application.left == 1 && server.application.ended.last?.isAborted == true)
  }

  @Test func `a request that the library refuses is reported once`() throws {
    let server = try TestServer()
    #expect(server.exchange("GET /path?query HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
    #expect(server.exchange("GET / HTTP/9.9\r\n\(server.host)\r\n\r\n").hasPrefix("HTTP/1.1 505 "))
    #expect(server.turn { server.application.refusals.count >= 2 })
    server.server.advance()
    #expect(server.application.refusals.map(\.status) == [400, 505])
    #expect(server.application.refusals.first?.path == "/path")
    #expect(server.application.refusals.first?.clientAddress == "127.0.0.1")
    #expect(server.application.ended.isEmpty)
  }

  @Test func `a header that never ends is cut off although bytes keep coming`() throws {
    let server = try TestServer { $0.headerTime = .milliseconds(300) }
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n")
    #expect(
      server.turn {
        client.send("X")
        return client.receive()
      })
    #expect(server.turn { server.server.connectionCount == 0 })
  }

  @Test func `a body that comes too slowly is cut off`() throws {
    let server = try TestServer { ($0.headerTime, $0.slowestRate) = (.milliseconds(300), 1 << 30) }
    let client = server.client()
    client.send("POST / HTTP/1.1\r\n\(server.host)\r\nContent-Length: 100000\r\n\r\n")
    #expect(
      server.turn {
        client.send("x")
        return client.receive()
      })
    #expect(server.application.received.isEmpty)
  }

  @Test func `a reader that takes nothing is cut off`() throws {
    let server = try TestServer { $0.headerTime = .milliseconds(300) }
    server.application.answers = false
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    #expect(server.turn { server.application.received.count == 1 })
    let file = try Descriptor.anonymousFile(in: "/tmp")
    try file.writeAll([UInt8](repeating: 0, count: 20_000_000), at: 0)
    server.application.received[0].respond(HTTPResponse(type: "application/octet-stream", body: .file(file)))
    #expect(server.turn { server.server.connectionCount == 0 })
    #expect(server.application.ended.map(\.isAborted) == [true])
    withExtendedLifetime(client) {}
  }

  @Test func `beyond the limit the longest idle connection ends for the new one`() throws {
    let server = try TestServer { $0.maxConnections = 3 }
    let clients = (0..<3).map { _ in server.client() }
    #expect(server.turn { server.server.connectionCount == 3 })
    #expect(server.status("GET / HTTP/1.1\r\n\(server.host)") == 200)
    #expect(server.turn { clients[0].receive() })
    #expect(!clients[1].receive() && !clients[2].receive())
  }

  @Test func `a server that drains answers what it has, closes what is idle and takes no more`() throws {
    let server = try TestServer()
    server.application.answers = false
    let (busy, idle) = (server.client(), server.client())
    busy.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    #expect(server.turn { server.application.received.count == 1 && server.server.connectionCount == 2 })
    server.server.drain()
    #expect(server.turn { idle.receive() })
    #expect(!busy.receive())
    server.application.received[0].respond(.text("last\n"))
    #expect(server.turn { busy.receive() })
    #expect(busy.text.contains("Connection: close") && busy.text.hasSuffix("last\n"))
    #expect(server.turn { server.server.connectionCount == 0 })
    server.server.close()
  }

  @Test func `a server that ends cuts off the clients that still wait`() throws {
    let server = try TestServer()
    server.application.answers = false
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    #expect(server.turn { server.application.received.count == 1 })
    server.server.close()
    #expect(server.application.left == 1 && server.application.ended.count == 1)
    #expect(server.turn { client.receive() })
    #expect(client.text.isEmpty)
  }

  @Test func `a body that comes in pieces is sent piece by piece and then ended`() throws {
    let server = try TestServer()
    server.application.answers = false
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    #expect(server.turn { server.application.received.count == 1 })
    let stream = server.application.received[0].respond(streaming: .text(""))
    for piece in ["first", "second"] {
      stream.write(Array(piece.utf8))
      #expect(
        server.turn {
          _ = client.receive()
          return client.text.contains(piece)
        })
      #expect(!client.isClosed && stream.isOpen && stream.waitingBytes == 0)
    }
    stream.end()
    #expect(
      server.turn {
        _ = client.receive()
        return client.text.hasSuffix("0\r\n\r\n")
      })
    #expect(server.application.ended.first?.isAborted == false)
    #expect(server.application.ended.first?.responseSize == 11)
    // The connection takes the next request.
    server.application.answers = true
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\nConnection: close\r\n\r\n")
    #expect(server.turn { client.receive() } && client.text.hasSuffix("ok\n"))
  }

  @Test func `a stream whose client left is closed and takes no more`() throws {
    let server = try TestServer()
    server.application.answers = false
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    #expect(server.turn { server.application.received.count == 1 })
    let stream = server.application.received[0].respond(streaming: .text(""))
    stream.write(Array("first".utf8))
    #expect(
      server.turn {
        _ = client.receive()
        return client.text.contains("first")
      })
    client.close()
    #expect(server.turn { server.application.ended.count == 1 })
    #expect(!stream.isOpen && server.application.ended[0].isAborted)
    stream.write(Array("late".utf8))
    stream.end()
    #expect(server.turn { server.server.connectionCount == 0 })
  }

  @Test func `a client that does not read a stream is closed`() throws {
    let server = try TestServer {
      $0.headerTime = .milliseconds(200)
      $0.slowestRate = 1 << 30
    }
    server.application.answers = false
    let client = server.client()
    client.send("GET / HTTP/1.1\r\n\(server.host)\r\n\r\n")
    #expect(server.turn { server.application.received.count == 1 })
    let stream = server.application.received[0].respond(streaming: .text(""))
    stream.write([UInt8](repeating: 0x20, count: 50 << 20))
    #expect(server.turn { server.application.ended.count == 1 })
    #expect(!stream.isOpen && server.application.ended[0].isAborted)
    withExtendedLifetime(client) {}
  }
}
