// SPDX-License-Identifier: Apache-2.0
extension Schema {
  /// The tables of `outbox.db`.
  ///
  /// A payload in its window is in at most three small indexes, each of which answers one question: who may be
  /// claimed next (`waiting`), whose window ends (`windows`), whose claims died with their holder (`claims`). A record
  /// that has been given up is in one (`settled`), so that any number of such payloads slows no delivery.
  static let outbox = Schema(steps: [
    """
    CREATE TABLE payload (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      key TEXT NOT NULL,
      value BLOB NOT NULL,
      headers BLOB NOT NULL,
      checksum INTEGER NOT NULL,
      created INTEGER NOT NULL,
      window_end INTEGER NOT NULL,
      state INTEGER NOT NULL DEFAULT 0,
      attempts INTEGER NOT NULL DEFAULT 0,
      next_attempt INTEGER NOT NULL DEFAULT 0,
      possibly_persisted INTEGER NOT NULL DEFAULT 0,
      last_error TEXT,
      claim TEXT,
      settled INTEGER
    ) STRICT;
    CREATE INDEX waiting ON payload (id, next_attempt, window_end) WHERE state = 0 AND claim IS NULL;
    CREATE INDEX windows ON payload (window_end) WHERE state = 0;
    CREATE INDEX claims ON payload (claim) WHERE claim IS NOT NULL;
    CREATE INDEX settled ON payload (settled) WHERE state <> 0;

    CREATE TABLE broker_outage (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      since INTEGER NOT NULL,
      until INTEGER NOT NULL,
      last_error TEXT NOT NULL
    ) STRICT;
    """
  ])

  /// How many tables and indexes those are, SQLite's own among them.
  static let outboxObjects: Int64 = 7
}
