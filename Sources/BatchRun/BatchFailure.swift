// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import RunModel

/// Why a batch cannot start or continue. A problem of a single request is a result instead.
public enum BatchFailure: Error, Equatable, CustomStringConvertible {
  case cannotOpenRequests(path: String, code: Int32)
  case requestsAreDirectory(path: String)
  case cannotReadRequests(path: String, code: Int32)
  case standardInputTwice
  case cannotOpenOutput(path: String, code: Int32)
  case outputHasResults(path: String)
  case outputIsBusy(path: String)
  case notResults(path: String)
  case resumeNeedsFile
  case cannotReadOutput(path: String, code: Int32)
  case cannotWriteOutput(path: String, code: Int32)
  case outputReaderGone
  case outputLost(path: String, OutputLoss)
  case noOutputReader(path: String, limit: Duration)
  case interruptedAtOutput(path: String)
  case noTemporaryFile(directory: String, code: Int32)
  case cannotSpill(code: Int32)

  /// One sentence that ends in what to do.
  public var description: String {
    switch self {
    case .cannotOpenRequests(let path, let code):
      "cannot open the requests \(path): \(Self.words(code)); check the path, or write - for standard input."
    case .requestsAreDirectory(let path):
      "\(path) is a directory; name the files in it, for example \(path)/*."
    case .cannotReadRequests(let path, let code):
      "cannot read the requests \(path): \(Self.words(code)); check them and run again, with --resume if there is an "
        + "--output."
    case .standardInputTwice: "- stands for standard input and can be given only once; remove the second one."
    case .cannotOpenOutput(let path, let code):
      "cannot open the output \(path): \(Self.words(code)); choose another place with --output."
    case .outputHasResults(let path):
      "\(path) exists and is not empty; add --resume to run the missing requests, or --overwrite to start anew."
    case .outputIsBusy(let path):
      "another batch is writing \(path); wait until it has ended, or choose another --output."
    case .notResults(let path):
      "\(path) holds no results of a batch, so nothing was touched; check that --output names the file to resume."
    case .resumeNeedsFile: "--resume reads the results back; name their file with --output FILE."
    case .cannotReadOutput(let path, let code):
      "cannot read the results \(path): \(Self.words(code)); check the file, or start anew with another --output."
    case .cannotWriteOutput(OutputFile.standardOutputName, let code):
      "cannot write results to standard output: \(Self.words(code)); write them to a file with --output FILE."
    case .cannotWriteOutput(let path, let code):
      "cannot write results to \(path): \(Self.words(code)); make room and run again with --resume."
    case .outputReaderGone:
      "the reader of the results has gone, so the batch was stopped; write them to a file with --output FILE."
    case .outputLost(let path, .deleted):
      "\(path) was deleted or replaced while the batch ran, and the results in it are lost; run the batch again."
    case .outputLost(let path, .replaced):
      "\(path) was moved or replaced while the batch ran, so it does not hold the results; put that file back and run "
        + "again with --resume."
    case .outputLost(let path, .truncated):
      "\(path) was truncated while the batch ran, and results in it are lost; run again with --resume."
    case .noOutputReader(let path, let limit):
      "no process read the pipe \(path) within \(DurationText.format(limit)) (--timeout), so nothing ran; start its "
        + "reader, or choose another --output."
    case .interruptedAtOutput(let path): "interrupted before a process read the pipe \(path); nothing ran."
    case .noTemporaryFile(let directory, let code):
      "cannot create a temporary file in \(directory): \(Self.words(code)); point TMPDIR to a directory with room."
    case .cannotSpill(let code):
      "cannot keep data in a temporary file: \(Self.words(code)); point TMPDIR to a directory with room."
    }
  }

  /// The exit status that reports it.
  public var exitStatus: Int32 {
    if case .interruptedAtOutput = self { 130 } else { 125 }
  }

  private static func words(_ code: Int32) -> String { String(cString: strerror(code)) }
}
