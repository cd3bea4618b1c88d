// SPDX-License-Identifier: Apache-2.0
// The least that reads requests from a topic and writes a result and a payload for each: librdkafka alone, one thread,
// no worker. The cost of `algo-run consume` is the distance to this.
//
//     loop BROKERS REQUESTS RESULTS PAYLOADS GROUP COUNT INTERVAL_MS exactly-once|at-least-once
//
// Prints the seconds from its first record to its last commit.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static rd_kafka_t *consumer, *producer;
static rd_kafka_topic_partition_list_t *offsets;
static int is_transactional;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char problem[256];
  if (rd_kafka_conf_set(conf, name, value, problem, sizeof problem) == RD_KAFKA_CONF_OK) return;
  // Releases before 2.2 do not know it.
  if (!strcmp(name, "fetch.queue.backoff.ms")) return;
  fprintf(stderr, "%s\n", problem);
  exit(1);
}

static void check(rd_kafka_error_t *error) {
  if (!error) return;
  fprintf(stderr, "%s\n", rd_kafka_error_string(error));
  exit(1);
}

static void commit(void) {
  if (is_transactional) {
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    check(rd_kafka_send_offsets_to_transaction(producer, offsets, group, -1));
    rd_kafka_consumer_group_metadata_destroy(group);
    check(rd_kafka_commit_transaction(producer, -1));
    check(rd_kafka_begin_transaction(producer));
  } else {
    rd_kafka_flush(producer, 60000);
    if (rd_kafka_commit(consumer, offsets, 0)) exit(1);
  }
  rd_kafka_topic_partition_list_destroy(offsets);
  offsets = rd_kafka_topic_partition_list_new(16);
}

static void produce(const char *topic, rd_kafka_message_t *message, const char *key) {
  while (rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(message->partition),
                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, strlen(key)),
                           RD_KAFKA_V_VALUE(message->payload, message->len),
                           RD_KAFKA_V_HEADER("algo_request_id", key, -1), RD_KAFKA_V_END))
    rd_kafka_poll(producer, 10);
}

int main(int count, char **arguments) {
  if (count != 9) return 64;
  is_transactional = !strcmp(arguments[8], "exactly-once");
  long wanted = atol(arguments[6]), interval = atol(arguments[7]), seen = 0;
  char problem[256], key[32];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", arguments[1]);
  set(conf, "group.id", arguments[5]);
  set(conf, "enable.auto.commit", "false");
  set(conf, "enable.auto.offset.store", "false");
  set(conf, "auto.offset.reset", "earliest");
  set(conf, "partition.assignment.strategy", "cooperative-sticky");
  set(conf, "fetch.wait.max.ms", "50");
  set(conf, "queued.max.messages.kbytes", "16384");
  set(conf, "fetch.queue.backoff.ms", "10");
  if (!(consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, problem, sizeof problem))) return 1;
  rd_kafka_poll_set_consumer(consumer);
  conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", arguments[1]);
  set(conf, "enable.idempotence", "true");
  set(conf, "linger.ms", "0");
  set(conf, "delivery.report.only.error", "true");
  if (is_transactional) {
    set(conf, "transactional.id", arguments[5]);
    set(conf, "transaction.timeout.ms", "10000");
    set(conf, "retry.backoff.ms", "5");
  }
  if (!(producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem))) return 1;
  if (is_transactional) {
    check(rd_kafka_init_transactions(producer, -1));
    check(rd_kafka_begin_transaction(producer));
  }
  rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, arguments[2], RD_KAFKA_PARTITION_UA);
  if (rd_kafka_subscribe(consumer, topics)) return 1;
  offsets = rd_kafka_topic_partition_list_new(16);
  double began = 0, due = 0;
  while (seen < wanted) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 10);
    if (message && !message->err) {
      if (seen == 0) began = now(), due = began + (double)interval / 1e3;
      snprintf(key, sizeof key, "req-%d-%lld", message->partition, (long long)message->offset);
      produce(arguments[3], message, key);
      produce(arguments[4], message, key);
      rd_kafka_topic_partition_t *place =
          rd_kafka_topic_partition_list_find(offsets, arguments[2], message->partition);
      if (!place) place = rd_kafka_topic_partition_list_add(offsets, arguments[2], message->partition);
      place->offset = message->offset + 1;
      seen++;
    }
    if (message) rd_kafka_message_destroy(message);
    if (offsets->cnt && (now() >= due || seen == wanted)) {
      commit();
      due = now() + (double)interval / 1e3;
    }
    rd_kafka_poll(producer, 0);
  }
  printf("%.4f\n", now() - began);
  return 0;
}
