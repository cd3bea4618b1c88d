// SPDX-License-Identifier: Apache-2.0
internal import CDocuments

/// The OpenAPI document of the server: docs/openapi.json, which is part of the program.
enum APIDocument {
  /// Its bytes.
  static let bytes: [UInt8] = unsafe Array(
    UnsafeBufferPointer(start: cdocuments_openapi, count: cdocuments_openapi_size))
}
