// SPDX-License-Identifier: Apache-2.0
/// Answers requests with a function on text, one at a time, until there are no more: the last call of a program that
/// has loaded its model.
///
///     let model = try Model.load()
///     try serve { (input: String) throws -> String in
///       try report(["rows": model.rows])
///       return try model.answer(input)
///     }
///
/// Under algo-run, for a version published with `--worker`, requests come through a pipe. Anywhere else this reads
/// stdin to its end, calls the function once and writes the result to stdout as it is, so the same program runs in a
/// pipe and on a laptop.
///
/// An error that the function throws is the answer of its request, and the worker continues; without a supervisor it is
/// printed to stderr and ends the program with status 1. `report` within it belongs to
/// the request, also in tasks that it starts; threads take ``current()`` and report by that.
///
/// - Parameter apply: Called for each request; one that is not UTF-8 fails without a call.
/// - Throws: ``WorkerError`` when the supervisor's pipes break.
public func serve(_ apply: (String) throws -> String) throws(WorkerError) {
  try Worker.serve { (input: [UInt8]) in
    guard let text = String(validating: input, as: UTF8.self) else { throw WorkerError.notText }
    return Array(try apply(text).utf8)
  }
}

/// The same for a function on bytes.
public func serve(_ apply: ([UInt8]) throws -> [UInt8]) throws(WorkerError) {
  try Worker.serve(apply)
}

/// The request that is being answered by this thread or task; nil outside of `serve`, and on a thread that is part of
/// no request.
public func current() -> AlgorithmRequest? {
  AlgorithmRequest.current
}
