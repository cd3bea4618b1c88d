// SPDX-License-Identifier: Apache-2.0
/// Which records a worker delivers, and which of them it reports.
package enum DeliveryScope {
  /// Only those submitted: `exec`.
  case submitted
  /// Those that others left too, which are not reported: `batch`.
  case everything
  /// Those that others left: `outbox deliver`.
  case outbox
}
