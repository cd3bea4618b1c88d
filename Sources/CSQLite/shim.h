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

/// Reads what changes in the header of a database in rollback mode with each transaction, SQLite's own sign that its cache
/// is stale, without taking a lock.
static inline int csqlite_read_change_mark(sqlite3 *database, unsigned char mark[16]) {
  sqlite3_file *file = (sqlite3_file *)0;
  int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK) return code;
  return file && file->pMethods ? file->pMethods->xRead(file, mark, 16, 24) : SQLITE_ERROR;
}

/// Whether the file's name is no longer that of the file that was opened: it was removed, moved, or replaced.
static inline int csqlite_has_moved(sqlite3 *database) {
  int moved = 0;
  return sqlite3_file_control(database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

/// Has each connection allocate memory as it needs it. The blocks that SQLite otherwise sets aside for pages and small
/// objects are written to immediately: half of what opening a connection costs a short process. Statistics of memory,
/// which nothing asks for, would take a lock of all threads at each allocation. To be called before any other function of
/// SQLite.
static inline void csqlite_allocate_as_needed(void) {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  sqlite3_config(SQLITE_CONFIG_PAGECACHE, (void *)0, 0, 0);
}
