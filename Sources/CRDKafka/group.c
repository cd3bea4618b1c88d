// SPDX-License-Identifier: Apache-2.0
#include "crdkafka_group.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

// Every function that a member of a group uses beside those of crdkafka.c.
#define FUNCTIONS(F)                                                                                                   \
  F(rd_kafka_conf_set_rebalance_cb) F(rd_kafka_conf_set_opaque) F(rd_kafka_subscribe) F(rd_kafka_poll_set_consumer)    \
  F(rd_kafka_queue_get_consumer) F(rd_kafka_consumer_poll) F(rd_kafka_consumer_close) F(rd_kafka_incremental_assign)   \
  F(rd_kafka_incremental_unassign) F(rd_kafka_assignment_lost) F(rd_kafka_pause_partitions)                            \
  F(rd_kafka_resume_partitions) F(rd_kafka_seek_partitions) F(rd_kafka_topic_partition_list_new)                       \
  F(rd_kafka_topic_partition_list_destroy) F(rd_kafka_topic_partition_list_add) F(rd_kafka_committed)                  \
  F(rd_kafka_commit) F(rd_kafka_query_watermark_offsets) F(rd_kafka_message_timestamp) F(rd_kafka_message_headers)     \
  F(rd_kafka_header_get_all) F(rd_kafka_header_get_last) F(rd_kafka_flush) F(rd_kafka_init_transactions)               \
  F(rd_kafka_begin_transaction) F(rd_kafka_send_offsets_to_transaction) F(rd_kafka_commit_transaction)                 \
  F(rd_kafka_abort_transaction) F(rd_kafka_consumer_group_metadata) F(rd_kafka_consumer_group_metadata_destroy)        \
  F(rd_kafka_clusterid) F(rd_kafka_mem_free) F(rd_kafka_mem_malloc) F(rd_kafka_ConfigResource_new)                     \
  F(rd_kafka_ConfigResource_destroy) F(rd_kafka_DescribeConfigs) F(rd_kafka_queue_new) F(rd_kafka_queue_poll)          \
  F(rd_kafka_queue_destroy) F(rd_kafka_event_error) F(rd_kafka_event_DescribeConfigs_result)                           \
  F(rd_kafka_DescribeConfigs_result_resources) F(rd_kafka_ConfigResource_error) F(rd_kafka_ConfigResource_configs)     \
  F(rd_kafka_ConfigEntry_name) F(rd_kafka_ConfigEntry_value) F(rd_kafka_event_destroy) F(rd_kafka_AdminOptions_new)    \
  F(rd_kafka_AdminOptions_set_request_timeout) F(rd_kafka_AdminOptions_destroy) F(rd_kafka_error_code)                 \
  F(rd_kafka_error_string) F(rd_kafka_error_is_retriable) F(rd_kafka_error_is_fatal)                                   \
  F(rd_kafka_error_txn_requires_abort) F(rd_kafka_error_destroy) F(rd_kafka_headers_new) F(rd_kafka_header_add)        \
  F(rd_kafka_conf_set_dr_msg_cb) F(rd_kafka_memberid)                                                                  \
  F(rd_kafka_DescribeConsumerGroups) F(rd_kafka_event_DescribeConsumerGroups_result)                                   \
  F(rd_kafka_DescribeConsumerGroups_result_groups) F(rd_kafka_ConsumerGroupDescription_error)                          \
  F(rd_kafka_ConsumerGroupDescription_state) F(rd_kafka_ConsumerGroupDescription_member_count)                         \
  F(rd_kafka_ConsumerGroupDescription_member) F(rd_kafka_MemberDescription_assignment)                                 \
  F(rd_kafka_MemberAssignment_partitions)

#define POINTER(name) static __typeof__(name) *p_##name;
FUNCTIONS(POINTER)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[96];

static void look_up(void) {
#define LOOK_UP(name)                                                                                                  \
  if (!problem[0] && !(p_##name = (__typeof__(p_##name))crdk_symbol(#name)))                                           \
    snprintf(problem, sizeof problem, "it is too old: it has no " #name);
  FUNCTIONS(LOOK_UP)
}

const char *crdk_load_group(void) {
  pthread_once(&once, look_up);
  return problem[0] ? problem : NULL;
}

// Takes the error over.
static void report(rd_kafka_error_t *error, crdk_outcome *outcome) {
  memset(outcome, 0, sizeof *outcome);
  if (!error) return;
  outcome->code = p_rd_kafka_error_code(error);
  outcome->retriable = p_rd_kafka_error_is_retriable(error);
  outcome->abortable = p_rd_kafka_error_txn_requires_abort(error);
  outcome->fatal = p_rd_kafka_error_is_fatal(error);
  snprintf(outcome->text, sizeof outcome->text, "%s", p_rd_kafka_error_string(error));
  p_rd_kafka_error_destroy(error);
}

void crdk_conf_set_rebalance(rd_kafka_conf_t *conf, crdk_rebalance_callback callback, void *context) {
  p_rd_kafka_conf_set_opaque(conf, context);
  p_rd_kafka_conf_set_rebalance_cb(conf, callback);
}

void crdk_conf_report_failures(rd_kafka_conf_t *conf, crdk_failure_callback callback, void *context) {
  p_rd_kafka_conf_set_opaque(conf, context);
  p_rd_kafka_conf_set_dr_msg_cb(conf, callback);
}

rd_kafka_resp_err_t crdk_subscribe(rd_kafka_t *client, const char *topic) {
  rd_kafka_topic_partition_list_t *list = p_rd_kafka_topic_partition_list_new(1);
  p_rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
  rd_kafka_resp_err_t code = p_rd_kafka_subscribe(client, list);
  p_rd_kafka_topic_partition_list_destroy(list);
  return code;
}

void crdk_poll_by_consumer(rd_kafka_t *client) { p_rd_kafka_poll_set_consumer(client); }
rd_kafka_queue_t *crdk_queue_get_consumer(rd_kafka_t *client) { return p_rd_kafka_queue_get_consumer(client); }

rd_kafka_message_t *crdk_consumer_poll(rd_kafka_t *client, int milliseconds) {
  return p_rd_kafka_consumer_poll(client, milliseconds);
}

rd_kafka_resp_err_t crdk_consumer_close(rd_kafka_t *client) { return p_rd_kafka_consumer_close(client); }

void crdk_incremental_assign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *partitions,
                             crdk_outcome *outcome) {
  report(p_rd_kafka_incremental_assign(client, partitions), outcome);
}

void crdk_incremental_unassign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *partitions,
                               crdk_outcome *outcome) {
  report(p_rd_kafka_incremental_unassign(client, partitions), outcome);
}

bool crdk_assignment_lost(rd_kafka_t *client) { return p_rd_kafka_assignment_lost(client); }

rd_kafka_resp_err_t crdk_pause(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions) {
  return p_rd_kafka_pause_partitions(client, partitions);
}

rd_kafka_resp_err_t crdk_resume(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions) {
  return p_rd_kafka_resume_partitions(client, partitions);
}

rd_kafka_resp_err_t crdk_seek(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions, int milliseconds) {
  rd_kafka_error_t *error = p_rd_kafka_seek_partitions(client, partitions, milliseconds);
  rd_kafka_resp_err_t code = error ? p_rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error) p_rd_kafka_error_destroy(error);
  return code;
}

rd_kafka_topic_partition_list_t *crdk_list_new(int size) { return p_rd_kafka_topic_partition_list_new(size); }
void crdk_list_destroy(rd_kafka_topic_partition_list_t *list) { p_rd_kafka_topic_partition_list_destroy(list); }

void crdk_list_add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition, int64_t offset,
                   const char *metadata, size_t size) {
  rd_kafka_topic_partition_t *entry = p_rd_kafka_topic_partition_list_add(list, topic, partition);
  entry->offset = offset;
  if (!metadata) return;
  // The list frees it.
  entry->metadata = p_rd_kafka_mem_malloc(NULL, size + 1);
  memcpy(entry->metadata, metadata, size);
  ((char *)entry->metadata)[size] = 0;
  entry->metadata_size = size;
}

rd_kafka_resp_err_t crdk_committed(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions, int milliseconds) {
  return p_rd_kafka_committed(client, partitions, milliseconds);
}

rd_kafka_resp_err_t crdk_commit(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets) {
  return p_rd_kafka_commit(client, offsets, 0);
}

rd_kafka_resp_err_t crdk_watermarks(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *low,
                                    int64_t *high, int milliseconds) {
  return p_rd_kafka_query_watermark_offsets(client, topic, partition, low, high, milliseconds);
}

int64_t crdk_message_timestamp(const rd_kafka_message_t *message, int *type) {
  rd_kafka_timestamp_type_t found = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  int64_t timestamp = p_rd_kafka_message_timestamp(message, &found);
  *type = (int)found;
  return timestamp;
}

bool crdk_message_has_headers(const rd_kafka_message_t *message) {
  rd_kafka_headers_t *list = NULL;
  return !p_rd_kafka_message_headers(message, &list);
}

bool crdk_message_header(const rd_kafka_message_t *message, size_t index, const char **name, const void **value,
                         size_t *size) {
  rd_kafka_headers_t *list = NULL;
  if (p_rd_kafka_message_headers(message, &list)) return false;
  return p_rd_kafka_header_get_all(list, index, name, value, size) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool crdk_message_last_header(const rd_kafka_message_t *message, const char *name, const void **value, size_t *size) {
  rd_kafka_headers_t *list = NULL;
  if (p_rd_kafka_message_headers(message, &list)) return false;
  return p_rd_kafka_header_get_last(list, name, value, size) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t crdk_produce_packed(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition,
                                        const void *key, size_t key_size, const void *value, size_t value_size,
                                        const uint8_t *headers, size_t count, int64_t timestamp, intptr_t opaque) {
  // A list, not parts: see crdk_produce(). A new one refuses no header.
  rd_kafka_headers_t *list = p_rd_kafka_headers_new(count);
  for (size_t i = 0; i < count; i++) {
    const char *name = (const char *)headers;
    size_t name_size = strlen(name);
    int32_t size;
    memcpy(&size, headers + name_size + 1, sizeof size);
    const uint8_t *content = headers + name_size + 1 + sizeof size;
    p_rd_kafka_header_add(list, name, (ssize_t)name_size, size < 0 ? NULL : content, size < 0 ? 0 : size);
    headers = content + (size < 0 ? 0 : size);
  }
  return crdk_produce_list(client, topic, partition, key, key_size, value, value_size, list, timestamp, opaque);
}

rd_kafka_resp_err_t crdk_flush(rd_kafka_t *client, int milliseconds) { return p_rd_kafka_flush(client, milliseconds); }

void crdk_init_transactions(rd_kafka_t *client, int milliseconds, crdk_outcome *outcome) {
  report(p_rd_kafka_init_transactions(client, milliseconds), outcome);
}

void crdk_begin_transaction(rd_kafka_t *client, crdk_outcome *outcome) {
  report(p_rd_kafka_begin_transaction(client), outcome);
}

void crdk_member_id(rd_kafka_t *consumer, char *text, size_t size) {
  char *member = p_rd_kafka_memberid(consumer);
  snprintf(text, size, "%s", member ? member : "");
  if (member) p_rd_kafka_mem_free(consumer, member);
}

void crdk_send_offsets(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets, rd_kafka_t *consumer,
                       const char *member, int milliseconds, crdk_outcome *outcome) {
  rd_kafka_consumer_group_metadata_t *group = p_rd_kafka_consumer_group_metadata(consumer);
  if (!group) {
    memset(outcome, 0, sizeof *outcome);
    outcome->code = RD_KAFKA_RESP_ERR__STATE;
    snprintf(outcome->text, sizeof outcome->text, "the consumer is in no group");
    return;
  }
  // Brokers take offsets that name no member from any producer, and those of a new member for whatever it names: a member
  // whose session ended would commit what another one owns by now. Its name is asked for after the metadata was taken:
  // names never come back, so the metadata is of the same member.
  char now[512];
  crdk_member_id(consumer, now, sizeof now);
  if (!*member || strcmp(now, member)) {
    memset(outcome, 0, sizeof *outcome);
    outcome->code = RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    outcome->abortable = true;
    snprintf(outcome->text, sizeof outcome->text, "the group has removed this member");
  } else {
    report(p_rd_kafka_send_offsets_to_transaction(client, offsets, group, milliseconds), outcome);
  }
  p_rd_kafka_consumer_group_metadata_destroy(group);
}

void crdk_commit_transaction(rd_kafka_t *client, int milliseconds, crdk_outcome *outcome) {
  report(p_rd_kafka_commit_transaction(client, milliseconds), outcome);
}

void crdk_abort_transaction(rd_kafka_t *client, int milliseconds, crdk_outcome *outcome) {
  report(p_rd_kafka_abort_transaction(client, milliseconds), outcome);
}

bool crdk_cluster_id(rd_kafka_t *client, int milliseconds, char *text, size_t size) {
  char *cluster = p_rd_kafka_clusterid(client, milliseconds);
  if (!cluster) return false;
  snprintf(text, size, "%s", cluster);
  p_rd_kafka_mem_free(client, cluster);
  return true;
}

// The value of a setting in the answer to a request for one topic.
static rd_kafka_resp_err_t find_setting(rd_kafka_event_t *event, const char *setting, char *text, size_t size) {
  rd_kafka_resp_err_t code = p_rd_kafka_event_error(event);
  const rd_kafka_DescribeConfigs_result_t *result = code ? NULL : p_rd_kafka_event_DescribeConfigs_result(event);
  if (!result) return code ? code : RD_KAFKA_RESP_ERR__FAIL;
  size_t count = 0;
  const rd_kafka_ConfigResource_t **resources = p_rd_kafka_DescribeConfigs_result_resources(result, &count);
  if (count == 0) return RD_KAFKA_RESP_ERR__FAIL;
  if ((code = p_rd_kafka_ConfigResource_error(resources[0]))) return code;
  const rd_kafka_ConfigEntry_t **entries = p_rd_kafka_ConfigResource_configs(resources[0], &count);
  for (size_t i = 0; i < count; i++) {
    const char *value = p_rd_kafka_ConfigEntry_value(entries[i]);
    if (strcmp(p_rd_kafka_ConfigEntry_name(entries[i]), setting) || !value) continue;
    snprintf(text, size, "%s", value);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  return RD_KAFKA_RESP_ERR__FAIL;
}

rd_kafka_resp_err_t crdk_topic_setting(rd_kafka_t *client, const char *topic, const char *setting, int milliseconds,
                                       char *text, size_t size) {
  char reason[128];
  rd_kafka_AdminOptions_t *options = p_rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  p_rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, reason, sizeof reason);
  rd_kafka_ConfigResource_t *resource = p_rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
  rd_kafka_queue_t *queue = p_rd_kafka_queue_new(client);
  p_rd_kafka_DescribeConfigs(client, &resource, 1, options, queue);
  // It is always answered: by a broker, or by the library when the time is over.
  rd_kafka_event_t *event = p_rd_kafka_queue_poll(queue, milliseconds + 2000);
  rd_kafka_resp_err_t code = event ? find_setting(event, setting, text, size) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  if (event) p_rd_kafka_event_destroy(event);
  p_rd_kafka_queue_destroy(queue);
  p_rd_kafka_ConfigResource_destroy(resource);
  p_rd_kafka_AdminOptions_destroy(options);
  return code;
}

// Partitions that members of a group at rest own; negative if it is not at rest.
static int count_owned(rd_kafka_event_t *event, const char *topic) {
  const rd_kafka_DescribeConsumerGroups_result_t *result =
      p_rd_kafka_event_error(event) ? NULL : p_rd_kafka_event_DescribeConsumerGroups_result(event);
  size_t groups = 0;
  const rd_kafka_ConsumerGroupDescription_t **found =
      result ? p_rd_kafka_DescribeConsumerGroups_result_groups(result, &groups) : NULL;
  if (groups != 1 || p_rd_kafka_ConsumerGroupDescription_error(found[0]) ||
      p_rd_kafka_ConsumerGroupDescription_state(found[0]) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE)
    return -1;
  int count = 0;
  for (size_t i = 0; i < p_rd_kafka_ConsumerGroupDescription_member_count(found[0]); i++) {
    const rd_kafka_MemberAssignment_t *assignment =
        p_rd_kafka_MemberDescription_assignment(p_rd_kafka_ConsumerGroupDescription_member(found[0], i));
    const rd_kafka_topic_partition_list_t *list = assignment ? p_rd_kafka_MemberAssignment_partitions(assignment) : NULL;
    for (int k = 0; list && k < list->cnt; k++) count += !strcmp(list->elems[k].topic, topic);
  }
  return count;
}

int crdk_owned_partitions(rd_kafka_t *client, const char *group, const char *topic, int milliseconds) {
  char reason[128];
  rd_kafka_AdminOptions_t *options = p_rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
  p_rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, reason, sizeof reason);
  rd_kafka_queue_t *queue = p_rd_kafka_queue_new(client);
  p_rd_kafka_DescribeConsumerGroups(client, &group, 1, options, queue);
  rd_kafka_event_t *event = p_rd_kafka_queue_poll(queue, milliseconds + 2000);
  int count = event ? count_owned(event, topic) : -1;
  if (event) p_rd_kafka_event_destroy(event);
  p_rd_kafka_queue_destroy(queue);
  p_rd_kafka_AdminOptions_destroy(options);
  return count;
}
