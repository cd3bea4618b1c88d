// SPDX-License-Identifier: Apache-2.0
// Calls that Swift cannot make: variadic functions, and the destructor constants that are casts of -1.
#include <sqlite3.h>

/// Binds text that SQLite copies before it returns.
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, int bytes) {
  return sqlite3_bind_text(statement, index, text, bytes, SQLITE_TRANSIENT);
}

/// Binds bytes that SQLite copies before it returns; no bytes are an empty value, not NULL.
static inline int csqlite_bind_blob(sqlite3_stmt *statement, int index, const void *data, int bytes) {
  if (bytes == 0) return sqlite3_bind_zeroblob(statement, index, 0);
  return sqlite3_bind_blob(statement, index, data, bytes, SQLITE_TRANSIENT);
}

/// Leaves the write-ahead log in place when the last connection closes.
static inline int csqlite_keep_log_on_close(sqlite3 *database) {
  return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

/// Has each connection allocate memory as it needs it. The blocks that SQLite otherwise sets aside for pages and small
/// objects are written to immediately: half of what opening a connection costs a short process. To be called before any
/// other function of SQLite.
static inline void csqlite_allocate_as_needed(void) {
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  sqlite3_config(SQLITE_CONFIG_PAGECACHE, (void *)0, 0, 0);
}
