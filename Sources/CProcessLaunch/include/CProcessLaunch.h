// SPDX-License-Identifier: Apache-2.0
/// The part of launching a child that only C can express: code that runs between fork and exec, raw system
/// calls that glibc does not wrap. Every function returns 0 or a positive errno unless it says
/// otherwise; none allocates after the fork, none touches a signal handler.
#ifndef C_PROCESS_LAUNCH_H
#define C_PROCESS_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/// Descriptors that a child can be given: the standard streams, the metrics channel, and three more for a worker.
enum { LAUNCH_DESCRIPTOR_COUNT = 7 };

/// A child to launch. All pointers are borrowed for the call.
struct launch_request {
  /// Files to try in order, absolute or relative to the child's directory; NULL ends the list.
  const char *const *candidates;
  /// argv and environment of the child; NULL ends each.
  char *const *arguments;
  char *const *environment;
  /// Working directory, or NULL for the supervisor's.
  const char *directory;
  /// The sources of descriptors 0 to 6 in the child; -1 keeps 0 to 2 as they are, and closes the others.
  /// A source is never itself below 4.
  int32_t descriptors[LAUNCH_DESCRIPTOR_COUNT];
  /// Whether the child's group is entered with the guardian.
  bool is_guarded;
  /// Whether the child gives up the controlling terminal.
  bool leaves_terminal;
  /// Whether the child has the policy SCHED_BATCH of sched(7): when it wakes it waits for its turn. A policy that was
  /// chosen for the supervisor is kept.
  bool is_batch;
};

/// The stage at which a launch failed.
enum launch_stage { LAUNCH_FORK = 1, LAUNCH_DIRECTORY, LAUNCH_DESCRIPTORS, LAUNCH_EXEC };

/// The result of a launch.
struct launched_child {
  int32_t pid;
  /// The launch_stage that failed, else 0.
  int32_t failed_stage;
  /// Its peak memory before its program ran, as the kernel counted it, in kilobytes.
  int64_t floor_kilobytes;
};

/// Launches a child that leads its own process group, and returns when it executes its program or has failed to.
///
/// The child dies when the calling *thread* ends (PR_SET_PDEATHSIG): call it only on the main thread.
/// On failure nothing is left: the child was reaped.
int32_t launch_child(const struct launch_request *request, struct launched_child *launched);

/// Starts the guardian: a process that does nothing but kill the entered groups when the supervisor has died, which is
/// the only way to reach a child's descendants after SIGKILL. It learns of that by the end of a pipe, whose writing end
/// (above 3, close-on-exec) only the supervisor and, until its exec, each child hold. Start one for the whole process.
int32_t guardian_start(int32_t *writer, int32_t *pid);

/// A place for one more group, for the child to enter itself; NULL without memory.
volatile int32_t *guardian_free_slot(void);

/// Enters a group that the supervisor did not launch. Without memory the group is not guarded.
void guardian_enter(int32_t group);

/// Removes a group. Its leader must not have been reaped yet: afterwards another process could have its number.
void guardian_forget(int32_t group);

/// Kills the guardian; reap it afterwards.
void guardian_dismiss(int32_t pid);
/// Waits for the guardian's end.
void guardian_reap(int32_t pid);

/// A change of state of a child.
struct child_change {
  int32_t pid;
  /// A CLD_ constant: CLD_EXITED, CLD_KILLED, CLD_DUMPED, CLD_STOPPED.
  int32_t code;
  /// Exit code or signal number.
  int32_t status;
};

/// Looks at any child that has ended, without reaping it; `pid` is 0 if there is none.
int32_t peek_ended_child(struct child_change *change);
/// Takes the news of any child that was stopped; `pid` is 0 if there is none, `status` the signal that stopped it.
int32_t take_stopped_child(struct child_change *change);

/// Whether `pid` is a child of this process, running or ended, and leads a process group of its own.
bool is_leading_child(int32_t pid);

/// The clock of a process's CPU time, its threads included, in nanoseconds; of its user time alone, as the kernel
/// samples it, or of both as sampled. -1 if there is no such process.
enum cpu_clock { CPU_CLOCK_SAMPLED = 0, CPU_CLOCK_SAMPLED_USER = 1, CPU_CLOCK_EXACT = 2 };
int64_t process_cpu_time(int32_t pid, int32_t clock);

/// Peak and present resident memory in kilobytes from an open /proc/PID/status; false once the process has ended.
bool read_memory(int32_t status, int64_t *peak, int64_t *resident);

/// Present resident memory in pages from an open /proc/PID/statm; at most 0 once the process has ended.
int64_t read_resident(int32_t statm);

/// CPU time in microseconds and the kernel's peak memory in kilobytes.
struct child_usage {
  int64_t user_microseconds;
  int64_t system_microseconds;
  int64_t peak_kilobytes;
};

/// Reaps one ended child and returns the usage of it and of its waited-for descendants.
int32_t reap_child(int32_t pid, struct child_usage *usage);

/// Raises the soft limit of open files of this process to `wanted`, as far as the hard limit allows. Children keep the
/// limit from before. Returns the limit now, or -1.
int64_t raise_file_limit(int64_t wanted);

/// Makes orphaned descendants children of this process.
int32_t become_subreaper(void);

/// Stops this process by `signal` (SIGTSTP, SIGTTIN or SIGTTOU), or its whole process group. Returns once the process
/// is continued: true. In an orphaned process group the kernel stops nothing, because no shell is left to continue it:
/// false, immediately.
bool stop_process(int32_t signal, bool whole_group);

/// Ends this process by `signal` and without a core dump. Returns if the signal cannot end it (the first process of a
/// container).
void end_by_signal(int32_t signal);

/// Whether a member of the leader's process group is stopped, but not the leader.
bool only_members_are_stopped(int32_t leader);

/// Fills those of descriptors 0 to 2 that are closed with /dev/null, close-on-exec: nothing that is opened later can
/// take such a number and receive text that is written to "stderr", and a child finds them as closed as they were.
int32_t occupy_standard_descriptors(void);

/// Reads a little file such as /proc/PID/status whole into `buffer`; returns the length or -1.
int64_t read_small_file(const char *path, char *buffer, int64_t capacity);

#endif
