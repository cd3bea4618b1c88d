// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import ProcessSupervision
import RunModel
import Supervision
import Testing

@Suite struct LaunchTests {
  /// Why a launch of `command` fails; nil if it succeeds.
  static func failure(
    _ supervision: Supervision, _ command: [String], _ configure: (inout SpawnConfiguration) -> Void = { _ in }
  ) -> LaunchFailure? {
    var configuration = SpawnConfiguration(
      command: command.map { OSString($0) }, environment: [OSString("PATH=/usr/bin:/bin")])
    configuration.outputs = [OutputPipe(descriptor: 1, to: Output())]
    configure(&configuration)
    do throws(LaunchFailure) { _ = try supervision.supervisor.launch(configuration) } catch { return error }
    return nil
  }

  /// The numbers of the descriptors that are open now.
  static var openDescriptors: Set<Int32> { Set((0..<512).filter { fcntl($0, F_GETFD) >= 0 }) }

  @Test func `a program that is not there, one without the right and a missing directory are distinguished`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        require(LaunchTests.failure(supervision, ["no-such-program"]) == .notFound(program: "no-such-program"))
        require(
          LaunchTests.failure(supervision, ["/etc/passwd"]) == .notExecutable(program: "/etc/passwd", .init(EACCES))
        )
        require(LaunchTests.failure(supervision, ["/etc"]) == .notExecutable(program: "/etc", .init(EISDIR)))
        require(
          LaunchTests.failure(supervision, ["true"]) { $0.directory = "/no/such" }
            == .directory("/no/such", .init(ENOENT)))
      }
    }
  }

  @Test func `a failed launch leaves no descriptor and no process`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        // The first launch starts the guardian, whose pipe stays.
        _ = LaunchTests.failure(supervision, ["no-such-program"])
        let before = LaunchTests.openDescriptors
        for _ in 0..<20 { require(LaunchTests.failure(supervision, ["no-such-program"]) != nil) }
        require(LaunchTests.openDescriptors == before)
        var status: CInt = 0
        require(waitpid(-1, &status, WNOHANG) == 0)
      }
    }
  }

  @Test func `an ended child leaves no descriptor`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        _ = supervision.end(of: try supervision.launch("exit 0"))
        let before = LaunchTests.openDescriptors
        for _ in 0..<10 { _ = supervision.end(of: try supervision.launch("echo a; sleep 0.001 & exit 0")) }
        require(LaunchTests.openDescriptors == before)
      }
    }
  }

  @Test func `without descriptors a launch fails as a failure of the system, and later launches work`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        _ = supervision.end(of: try supervision.launch("exit 0"))
        var hoard: [Descriptor] = []
        while let one = try? Descriptor.reading("/dev/null") { hoard.append(one) }
        let failure = LaunchTests.failure(supervision, ["true"])
        require(failure == .system(.init(EMFILE)))
        hoard = []
        require(supervision.end(of: try supervision.launch("exit 0")).termination == .exited(code: 0))
      }
    }
  }

  @Test func `a child has its input, its metrics channel and no other descriptor above 2`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let (reader, writer) = try Descriptor.pipe()
        try writer.writeAll(Array("from the input\n".utf8))
        writer.close()
        let child = try supervision.launch("cat; ls /proc/self/fd | tr '\\n' ' '", output: output) {
          $0.standardInput = reader
        }
        _ = supervision.end(of: child)
        // The last one is the directory that ls reads.
        require(output.text() == "from the input\n0 1 2 3 4 ")
        require(reader.withNumber { $0 } == -1)
      }
    }
  }

  @Test func `a child leads a group of its own and does not inherit the signals that the supervisor blocks`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch(
          "grep SigBlk /proc/self/status; ps -o pgid= -p $$; echo $$", output: output)
        _ = supervision.end(of: child)
        let words = output.text().split(whereSeparator: \.isWhitespace)
        require(words.count == 4 && words[1].allSatisfy { $0 == "0" })
        require(words[2] == words[3])
      }
    }
  }
}
