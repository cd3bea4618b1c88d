// SPDX-License-Identifier: Apache-2.0
public import Platform

/// Why a server cannot start.
public enum HTTPFailure: Error, Equatable, CustomStringConvertible {
  /// The library cannot be loaded; the reason of the dynamic linker.
  case libraryMissing(reason: String)
  /// The address cannot be listened on.
  case cannotListen(address: String, SystemError)
  /// The library refused to start.
  case cannotStart(address: String)

  /// The fact, as a clause.
  public var description: String {
    switch self {
    case .libraryMissing(let reason): "libmicrohttpd cannot be loaded (\(reason))"
    case .cannotListen(let address, let error): "cannot listen on \(address) (\(error))"
    case .cannotStart(let address): "libmicrohttpd cannot serve \(address)"
    }
  }
}
