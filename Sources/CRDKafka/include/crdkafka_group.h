// SPDX-License-Identifier: Apache-2.0
// The part of librdkafka that only a member of a consumer group needs: subscription, assignment, offsets with
// metadata, transactions, and the limits of topics. Loaded by crdk_load_group(), after crdk_load().
#ifndef CRDKAFKA_GROUP_H
#define CRDKAFKA_GROUP_H

#include "crdkafka.h"

/// Looks the functions up, once. Returns NULL, or why the library is too old, as text that lives as long as the
/// process.
const char *_Nullable crdk_load_group(void);

/// How a call ended; `code` 0 is success.
typedef struct {
  rd_kafka_resp_err_t code;
  /// The same call may be made again.
  bool retriable;
  /// The transaction must be aborted.
  bool abortable;
  bool fatal;
  char text[512];
} crdk_outcome;

// MARK: The group

/// See rd_kafka_conf_set_rebalance_cb. `context` becomes the client's opaque.
typedef void (*crdk_rebalance_callback)(rd_kafka_t *_Nullable client, rd_kafka_resp_err_t event,
                                        rd_kafka_topic_partition_list_t *_Nullable partitions,
                                        void *_Nullable context);
void crdk_conf_set_rebalance(rd_kafka_conf_t *_Nonnull conf, crdk_rebalance_callback _Nonnull callback,
                             void *_Nonnull context);
rd_kafka_resp_err_t crdk_subscribe(rd_kafka_t *_Nonnull client, const char *_Nonnull topic);
/// Has everything of the client come by crdk_consumer_poll().
void crdk_poll_by_consumer(rd_kafka_t *_Nonnull client);
rd_kafka_queue_t *_Nullable crdk_queue_get_consumer(rd_kafka_t *_Nonnull client);
rd_kafka_message_t *_Nullable crdk_consumer_poll(rd_kafka_t *_Nonnull client, int milliseconds);
/// Leaves the group. The callback is called for the partitions that are still assigned.
rd_kafka_resp_err_t crdk_consumer_close(rd_kafka_t *_Nonnull client);
void crdk_incremental_assign(rd_kafka_t *_Nonnull client, const rd_kafka_topic_partition_list_t *_Nonnull partitions,
                             crdk_outcome *_Nonnull outcome);
void crdk_incremental_unassign(rd_kafka_t *_Nonnull client, const rd_kafka_topic_partition_list_t *_Nonnull partitions,
                               crdk_outcome *_Nonnull outcome);
bool crdk_assignment_lost(rd_kafka_t *_Nonnull client);
rd_kafka_resp_err_t crdk_pause(rd_kafka_t *_Nonnull client, rd_kafka_topic_partition_list_t *_Nonnull partitions);
rd_kafka_resp_err_t crdk_resume(rd_kafka_t *_Nonnull client, rd_kafka_topic_partition_list_t *_Nonnull partitions);
/// Moves on in a partition, waiting at most that many milliseconds.
rd_kafka_resp_err_t crdk_seek(rd_kafka_t *_Nonnull client, rd_kafka_topic_partition_list_t *_Nonnull partitions,
                              int milliseconds);

rd_kafka_topic_partition_list_t *_Nonnull crdk_list_new(int size);
void crdk_list_destroy(rd_kafka_topic_partition_list_t *_Nonnull list);
/// Adds a partition with an offset, and metadata unless that is NULL.
void crdk_list_add(rd_kafka_topic_partition_list_t *_Nonnull list, const char *_Nonnull topic, int32_t partition,
                   int64_t offset, const char *_Nullable metadata, size_t size);
/// Fills in the offsets and metadata that the group has committed.
rd_kafka_resp_err_t crdk_committed(rd_kafka_t *_Nonnull client, rd_kafka_topic_partition_list_t *_Nonnull partitions,
                                   int milliseconds);
/// Commits, and waits for the answer.
rd_kafka_resp_err_t crdk_commit(rd_kafka_t *_Nonnull client, const rd_kafka_topic_partition_list_t *_Nonnull offsets);
rd_kafka_resp_err_t crdk_watermarks(rd_kafka_t *_Nonnull client, const char *_Nonnull topic, int32_t partition,
                                    int64_t *_Nonnull low, int64_t *_Nonnull high, int milliseconds);

// MARK: Messages

/// Milliseconds since 1970, -1 without one; `type` is one of rd_kafka_timestamp_type_t.
int64_t crdk_message_timestamp(const rd_kafka_message_t *_Nonnull message, int *_Nonnull type);
/// Whether it has any. Each other function here takes the headers apart again as long as there are none.
bool crdk_message_has_headers(const rd_kafka_message_t *_Nonnull message);
/// Header number `index`; false beyond the last. `value` may be NULL.
bool crdk_message_header(const rd_kafka_message_t *_Nonnull message, size_t index,
                         const char *_Nullable *_Nonnull name, const void *_Nullable *_Nonnull value,
                         size_t *_Nonnull size);
/// The last header of that name; false without one.
bool crdk_message_last_header(const rd_kafka_message_t *_Nonnull message, const char *_Nonnull name,
                              const void *_Nullable *_Nonnull value, size_t *_Nonnull size);

// MARK: Records and transactions

/// See rd_kafka_conf_set_dr_msg_cb; with delivery.report.only.error it is called for failures alone, inside calls of
/// the thread that produces. `context` becomes the client's opaque.
typedef void (*crdk_failure_callback)(rd_kafka_t *_Nullable client, const rd_kafka_message_t *_Nullable message,
                                      void *_Nullable context);
void crdk_conf_report_failures(rd_kafka_conf_t *_Nonnull conf, crdk_failure_callback _Nonnull callback,
                               void *_Nonnull context);

/// Queues one record, copied. `headers` are `count` times: a name with its zero, four bytes of size in this machine's
/// order (-1: no value), the value. A partition of -1 is chosen by the key, a timestamp of 0 is the present.
rd_kafka_resp_err_t crdk_produce_packed(rd_kafka_t *_Nonnull client, rd_kafka_topic_t *_Nonnull topic,
                                        int32_t partition, const void *_Nullable key, size_t key_size,
                                        const void *_Nullable value, size_t value_size,
                                        const uint8_t *_Nullable headers, size_t count, int64_t timestamp,
                                        intptr_t opaque);
/// Waits until all records are acknowledged or failed.
rd_kafka_resp_err_t crdk_flush(rd_kafka_t *_Nonnull client, int milliseconds);
void crdk_init_transactions(rd_kafka_t *_Nonnull client, int milliseconds, crdk_outcome *_Nonnull outcome);
void crdk_begin_transaction(rd_kafka_t *_Nonnull client, crdk_outcome *_Nonnull outcome);
/// The name that the group gave this consumer; empty while it is in none.
void crdk_member_id(rd_kafka_t *_Nonnull consumer, char *_Nonnull text, size_t size);
/// Adds the offsets of the group that `consumer` is in, if it is `member` there.
void crdk_send_offsets(rd_kafka_t *_Nonnull client, const rd_kafka_topic_partition_list_t *_Nonnull offsets,
                       rd_kafka_t *_Nonnull consumer, const char *_Nonnull member, int milliseconds,
                       crdk_outcome *_Nonnull outcome);
void crdk_commit_transaction(rd_kafka_t *_Nonnull client, int milliseconds, crdk_outcome *_Nonnull outcome);
void crdk_abort_transaction(rd_kafka_t *_Nonnull client, int milliseconds, crdk_outcome *_Nonnull outcome);

// MARK: Topics

/// Writes the cluster's identifier to `text`; false if it is not known in time.
bool crdk_cluster_id(rd_kafka_t *_Nonnull client, int milliseconds, char *_Nonnull text, size_t size);
/// Asks for a setting of a topic, and writes it to `text`.
rd_kafka_resp_err_t crdk_topic_setting(rd_kafka_t *_Nonnull client, const char *_Nonnull topic,
                                       const char *_Nonnull setting, int milliseconds, char *_Nonnull text,
                                       size_t size);
/// How many partitions of a topic the members of a group own; negative if the group is not at rest, or no broker answers.
int crdk_owned_partitions(rd_kafka_t *_Nonnull client, const char *_Nonnull group, const char *_Nonnull topic,
                          int milliseconds);

#endif
