// SPDX-License-Identifier: Apache-2.0
/// Where libFuzzer hands over one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  RequestPromises.check(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}
