// SPDX-License-Identifier: Apache-2.0
/// System calls that Swift's Glibc module does not show, or only variadically: descriptors above 3, files without a
/// name, epoll, eventfd, signalfd.
/// Every function returns 0 or a positive errno unless stated otherwise.
#ifndef C_PLATFORM_H
#define C_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

/// The number of words of the command line, the program's name included.
int32_t process_argument_count(void);
/// One of them.
const char *process_argument(int32_t index);

/// Has the allocator merge freed blocks of up to 128 bytes with their neighbours immediately.
void merge_small_blocks(void);

/// Opens `path` (flags as of open(2)) above 3, close-on-exec.
int32_t open_high(const char *path, int32_t flags, uint32_t mode, int32_t *descriptor);

/// A pipe, both ends above 3 and close-on-exec, the reading end non-blocking.
int32_t open_pipe(int32_t *reader, int32_t *writer);

/// A new writing end of the pipe with this reader, above 3 and close-on-exec. `folder` is /proc/self/fd.
int32_t open_writer(int32_t folder, int32_t reader, int32_t *writer);

/// A copy of `descriptor` above 3, close-on-exec.
int32_t duplicate_high(int32_t descriptor, int32_t *copy);

/// Moves `descriptor` above 3, close-on-exec. On failure it is closed.
int32_t move_high(int32_t descriptor, int32_t *high);

/// Two connected SOCK_SEQPACKET sockets, above 3 and close-on-exec.
int32_t open_message_sockets(int32_t *one, int32_t *other);
/// Sends a copy of `descriptor` with one byte, without waiting and without SIGPIPE.
int32_t send_descriptor(int32_t socket, int32_t descriptor);
/// Clears or sets O_NONBLOCK on an open file.
int32_t set_blocking(int32_t descriptor, bool is_blocking);
/// Bytes in a pipe, by either of its ends; 0 if it is none.
int32_t unread_bytes(int32_t descriptor);
/// Sets the size of a pipe in bytes.
int32_t enlarge_pipe(int32_t descriptor, int32_t size);

/// A file without a name in `directory`, for reading and writing, above 3 and close-on-exec.
int32_t open_anonymous_file(const char *directory, int32_t *descriptor);

/// Opens a file without a name in `directory` for reading and appending, which link_file can give a name later.
/// EOPNOTSUPP if the file system has no such files, ENOENT without /proc, which link_file needs.
int32_t open_unnamed_file(const char *directory, int32_t *descriptor);

/// Gives such a file the name `path`. EEXIST if the name is taken.
int32_t link_file(int32_t descriptor, const char *path);

/// A file in memory, above 3 and close-on-exec. `name` is shown in /proc only.
int32_t open_memory_file(const char *name, int32_t *descriptor);

/// The width of the terminal on `descriptor` in columns; 0 if it is not a terminal.
int32_t terminal_columns(int32_t descriptor);

/// An event counter (eventfd) above 3, non-blocking and close-on-exec.
int32_t open_event_counter(int32_t *descriptor);

/// A bit of an interest: what an epoll set reports, and how often. A hang-up, which the peer's shutdown is too, is
/// reported as EVENT_READ.
enum event_interest { EVENT_READ = 1, EVENT_WRITE = 2, EVENT_ONCE = 4, EVENT_HANGUP = 8 };

/// One report of an epoll set. Errors and hang-ups set both bits: the next read or write call returns them.
struct ready_event {
  uint64_t key;
  int32_t interest;
};

/// An epoll set above 3, close-on-exec.
int32_t event_set_open(int32_t *set);
/// Adds `descriptor` under `key`. EPERM for a regular file, which is always ready.
int32_t event_set_add(int32_t set, int32_t descriptor, int32_t interest, uint64_t key);
/// Replaces the interest of a descriptor that was added, and arms it again after EVENT_ONCE.
int32_t event_set_change(int32_t set, int32_t descriptor, int32_t interest, uint64_t key);
/// Removes a descriptor.
void event_set_remove(int32_t set, int32_t descriptor);
/// Waits at most `milliseconds`, -1 for no limit. Returns the number of reports, at most `capacity` and 64; 0 if a
/// signal ended the wait.
int32_t event_set_wait(int32_t set, struct ready_event *reports, int32_t capacity, int32_t milliseconds);

/// Blocks SIGXFSZ in this thread and in those that it starts: a write beyond the limit of the size of files only fails
/// (EFBIG). A child starts without this block.
void block_size_limit_signal(void);
/// Blocks the signals that a supervisor handles (INT, TERM, HUP, QUIT, USR1, USR2, WINCH, CHLD, CONT) in this process
/// and opens a non-blocking descriptor, above 3, that reports them. A signal that was ignored when the program started
/// stays ignored and is not reported: `nohup` keeps its meaning.
int32_t open_signal_queue(int32_t *descriptor);
/// Adds SIGTSTP, SIGTTIN and SIGTTOU to that descriptor, except those that were ignored when the program started. They
/// then stop nothing by themselves.
void watch_stop_requests(int32_t descriptor);
/// Removes them again, so that they stop this process as usual.
void ignore_stop_requests(int32_t descriptor);
/// A signal that the descriptor reported.
struct received_signal {
  /// Its number; 0 if none is pending.
  int32_t number;
  /// Whether the kernel sent it (a key pressed on the terminal) and not another process.
  bool from_kernel;
};
/// Takes the next signal from the descriptor.
struct received_signal next_signal(int32_t descriptor);

/// Whether `signal` was ignored when the program started.
bool signal_was_ignored(int32_t signal);
/// Blocks the signals that were blocked when the program started, and no others. Async-signal-safe: for a child.
void restore_inherited_mask(void);

/// Waits for the end of a thread, until `nanoseconds` of CLOCK_MONOTONIC at most: ETIMEDOUT if it still runs then.
int32_t join_thread_until(unsigned long thread, int64_t nanoseconds);

/// Lets the calling thread run when other threads leave time, until its end.
void yield_to_others(void);

/// The commit that a release build was made from; `unknown` in other builds and outside Git.
const char *build_commit(void);
/// The version of the Swift compiler of a release build, whose runtime it contains; `unknown` in other builds.
const char *build_swift(void);

#endif
