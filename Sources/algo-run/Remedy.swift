// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Glibc
internal import HTTPService
internal import KafkaClient
internal import StateStore

/// Remedies for the errors of modules that know no command line.
enum Remedy {
  /// The fact of an error, and what to do about it if that is known here.
  static func sentence(_ error: any Error) -> String {
    switch error {
    case let error as StateError: "\(error); \(remedy(error))."
    case let error as FileSinkError: "\(error); \(remedy(error))"
    case let error as HTTPFailure: "\(error); \(remedy(error))."
    case let error as KafkaError: remedy(error).map { "\(error); \($0)" } ?? "\(error)"
    case DestinationProblem.kafka(let error): sentence(error)
    case DestinationProblem.file(let error): sentence(error)
    default: "\(error)"
    }
  }

  private static func remedy(_ error: StateError) -> String {
    switch error {
    case .noHome: "pass --home DIR or set ALGO_RUN_HOME"
    case .notText: "rename the directory, or choose another one"
    case .inaccessible: "give this user access to it, or pass another --home DIR"
    case .notADirectory: "move it away, or pass another --home DIR"
    case .readOnly: "make it writable, or pass another --home DIR"
    case .diskFull: "free space and try again"
    case .locked(let path): "try again, and if it stays so, find that process with `fuser \(path)`"
    case .corrupt(let path) where path.hasSuffix("/outbox.db"):
      "the next execution that needs it, or `algo-run outbox deliver`, moves it aside and saves the readable records"
    case .corrupt: "restore it from a backup, or move it away to start with an empty one"
    case .newerSchema: "install the newer algo-run, or pass another --home DIR"
    case .inputOutput(_, EFBIG): "raise the limit of the size of files (ulimit -f)"
    case .inputOutput: "check the disk and its file system"
    case .refused: "report this with the command that caused it"
    case .alreadyPublished(_, let next): "publish the next one with --version \(next), or leave --version out"
    case .versionsExhausted: "raise a higher part with --bump, or choose a number with --version"
    case .noSuchVersion:
      "list the versions with `algo-run versions`, or publish it with `algo-run publish`"
    case .keyExists: "choose another name, or remove that key with `algo-run keys revoke`"
    case .noSuchKey: "list the keys with `algo-run keys list`"
    case .unreadableConnection: "set it again with `algo-run connection set`"
    }
  }

  private static func remedy(_ error: FileSinkError) -> String {
    let otherFile = "choose another file with `algo-run connection set --type file --path FILE`"
    return switch error {
    case .cannotOpen(_, ENOENT): "make it, or \(otherFile)"
    case .cannotOpen(_, EISDIR): "move it away, or \(otherFile)"
    case .cannotOpen: "give this user write access to it, or \(otherFile)"
    case .cannotWrite(_, ENOSPC), .cannotWrite(_, EDQUOT): "free some"
    case .cannotWrite(_, EFBIG): "raise the limit or move the file away"
    case .cannotWrite(_, EPIPE): "start it again, or \(otherFile)"
    case .cannotWrite(_, EAGAIN): "let it read, or \(otherFile)"
    case .noReader: "start its reader, or \(otherFile)"
    case .cannotWrite: "check its file system, or \(otherFile)"
    case .locked(let path): "find it with `fuser \(path)`"
    }
  }

  private static func remedy(_ error: HTTPFailure) -> String {
    switch error {
    case .libraryMissing: "install it (Debian, Ubuntu: apt install libmicrohttpd12)"
    case .cannotListen: "choose another address with --listen"
    case .cannotStart: "raise the limit of open files (ulimit -n)"
    }
  }

  private static func remedy(_ error: KafkaError) -> String? {
    switch error {
    case .libraryMissing:
      "install it (Debian, Ubuntu: apt install librdkafka1), or set ALGO_RUN_LIBRDKAFKA to its file"
    case .namedLibraryUnusable: "set it to the file of a librdkafka, such as librdkafka.so.1, or unset it"
    case .packagedLibraryUnusable:
      "install the package again, or set ALGO_RUN_LIBRDKAFKA to the file of another librdkafka"
    case .authorityUnreadable: "give it again with `algo-run connection set --ca FILE`"
    case .propertyRefused: "correct it with `algo-run connection set -X`"
    case .settingsRefused: "correct it with `algo-run connection set`"
    // It names the place where the password should be.
    case .passwordUnavailable: nil
    }
  }
}
