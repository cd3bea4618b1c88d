// SPDX-License-Identifier: Apache-2.0
#include "crdkafka.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "librdkafka.so.1"

// Every function that is used, by its name in the library.
#define FUNCTIONS(F)                                                                                                   \
  F(rd_kafka_version) F(rd_kafka_version_str) F(rd_kafka_err2str) F(rd_kafka_conf_new) F(rd_kafka_conf_destroy)        \
  F(rd_kafka_conf_set) F(rd_kafka_conf_set_events) F(rd_kafka_conf_set_log_cb) F(rd_kafka_conf_set_opaque)             \
  F(rd_kafka_conf_set_ssl_cert_verify_cb) F(rd_kafka_new) F(rd_kafka_destroy_flags) F(rd_kafka_topic_new)              \
  F(rd_kafka_topic_destroy) F(rd_kafka_produceva) F(rd_kafka_error_code) F(rd_kafka_error_destroy) F(rd_kafka_purge)   \
  F(rd_kafka_outq_len) F(rd_kafka_fatal_error) F(rd_kafka_test_fatal_error) F(rd_kafka_clusterid)                      \
  F(rd_kafka_controllerid) F(rd_kafka_mem_free) F(rd_kafka_queue_get_main) F(rd_kafka_queue_destroy)                   \
  F(rd_kafka_queue_poll) F(rd_kafka_queue_io_event_enable) F(rd_kafka_event_type) F(rd_kafka_event_message_next)       \
  F(rd_kafka_event_error) F(rd_kafka_event_error_string) F(rd_kafka_event_destroy) F(rd_kafka_message_status)          \
  F(rd_kafka_metadata) F(rd_kafka_metadata_destroy) F(rd_kafka_headers_new) F(rd_kafka_header_add)                     \
  F(rd_kafka_headers_destroy) F(rd_kafka_queue_new) F(rd_kafka_consume_start_queue) F(rd_kafka_consume_stop)            \
  F(rd_kafka_consume_queue) F(rd_kafka_message_destroy)

#define POINTER(name) static __typeof__(name) *p_##name;
FUNCTIONS(POINTER)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool tried;
static void *library;
static char *problem;
static bool without_tls;

static void load(const char *file) {
  // Lazily: most of what OpenSSL brings along is never called.
  library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    problem = strdup(reason ? reason : "unknown reason");
    return;
  }
  if (!dlsym(library, "rd_kafka_version")) {
    problem = strdup("it is another library");
    return;
  }
#define LOOK_UP(name)                                                                                                  \
  if (!problem && !(p_##name = (__typeof__(p_##name))dlsym(library, #name)))                                           \
    problem = strdup("it is too old: it has no " #name);
  FUNCTIONS(LOOK_UP)
  if (without_tls) {
    // OPENSSL_INIT_NO_LOAD_CONFIG of <openssl/crypto.h>. A library without OpenSSL has no configuration to read either.
    int (*initialize)(uint64_t, const void *) = (int (*)(uint64_t, const void *))dlsym(library, "OPENSSL_init_crypto");
    if (initialize) initialize(0x80, NULL);
  }
}

const char *crdk_load(const char *file) {
  pthread_mutex_lock(&lock);
  if (!tried) load(file ? file : LIBRARY);
  tried = true;
  pthread_mutex_unlock(&lock);
  return problem;
}

void crdk_expect_no_tls(void) { without_tls = true; }

void *crdk_symbol(const char *name) { return library && !problem ? dlsym(library, name) : NULL; }

int crdk_version(void) { return p_rd_kafka_version(); }
const char *crdk_version_str(void) { return p_rd_kafka_version_str(); }
const char *crdk_err2str(rd_kafka_resp_err_t error) { return p_rd_kafka_err2str(error); }

rd_kafka_conf_t *crdk_conf_new(void) { return p_rd_kafka_conf_new(); }
void crdk_conf_destroy(rd_kafka_conf_t *conf) { p_rd_kafka_conf_destroy(conf); }

rd_kafka_conf_res_t crdk_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *text, size_t size) {
  return p_rd_kafka_conf_set(conf, name, value, text, size);
}

void crdk_conf_set_events(rd_kafka_conf_t *conf, int events) { p_rd_kafka_conf_set_events(conf, events); }

static void keep_silent(const rd_kafka_t *client, int level, const char *facility, const char *text) {
  (void)client, (void)level, (void)facility, (void)text;
}

void crdk_conf_silence(rd_kafka_conf_t *conf) { p_rd_kafka_conf_set_log_cb(conf, keep_silent); }

void crdk_conf_verify_certificates(rd_kafka_conf_t *conf, crdk_verify_callback callback, void *context) {
  p_rd_kafka_conf_set_opaque(conf, context);
  // A library without OpenSSL refuses it, and verifies none.
  (void)p_rd_kafka_conf_set_ssl_cert_verify_cb(conf, callback);
}

rd_kafka_t *crdk_new_producer(rd_kafka_conf_t *conf, char *text, size_t size) {
  return p_rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, size);
}

rd_kafka_t *crdk_new_consumer(rd_kafka_conf_t *conf, char *text, size_t size) {
  return p_rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, size);
}

rd_kafka_queue_t *crdk_queue_new(rd_kafka_t *client) { return p_rd_kafka_queue_new(client); }

rd_kafka_resp_err_t crdk_consume_start(rd_kafka_topic_t *topic, int32_t partition, rd_kafka_queue_t *queue) {
  return p_rd_kafka_consume_start_queue(topic, partition, RD_KAFKA_OFFSET_BEGINNING, queue) == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR
                                                                                               : RD_KAFKA_RESP_ERR__FAIL;
}

void crdk_consume_stop(rd_kafka_topic_t *topic, int32_t partition) { p_rd_kafka_consume_stop(topic, partition); }

rd_kafka_message_t *crdk_consume_queue(rd_kafka_queue_t *queue, int milliseconds) {
  return p_rd_kafka_consume_queue(queue, milliseconds);
}

void crdk_message_destroy(rd_kafka_message_t *message) { p_rd_kafka_message_destroy(message); }

void crdk_destroy(rd_kafka_t *client) { p_rd_kafka_destroy_flags(client, 0); }

rd_kafka_topic_t *crdk_topic_new(rd_kafka_t *client, const char *name) {
  return p_rd_kafka_topic_new(client, name, NULL);
}

void crdk_topic_destroy(rd_kafka_topic_t *topic) { p_rd_kafka_topic_destroy(topic); }

rd_kafka_resp_err_t crdk_produce_list(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition, const void *key,
                                      size_t key_size, const void *value, size_t value_size, rd_kafka_headers_t *list,
                                      int64_t timestamp, intptr_t opaque) {
  rd_kafka_vu_t parts[] = {
      {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
      {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
      {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
      {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)key, key_size}},
      {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)value, value_size}},
      {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = timestamp},
      {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)opaque},
      {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = list},
  };
  rd_kafka_error_t *error = p_rd_kafka_produceva(client, parts, sizeof parts / sizeof *parts);
  if (!error) return RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_resp_err_t code = p_rd_kafka_error_code(error);
  p_rd_kafka_error_destroy(error);
  p_rd_kafka_headers_destroy(list);
  return code;
}

rd_kafka_resp_err_t crdk_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const void *key, size_t key_size,
                                 const void *value, size_t value_size, const crdk_header *headers, size_t header_count,
                                 intptr_t opaque) {
  // Not as parts of type HEADER: where such a record is refused immediately, as after a denial, 2.0.2 and others free
  // its headers twice (https://github.com/confluentinc/librdkafka/issues/4627). A list stays ours until it is taken.
  rd_kafka_headers_t *list = p_rd_kafka_headers_new(header_count);
  for (size_t i = 0; i < header_count; i++)
    p_rd_kafka_header_add(list, headers[i].name, -1, headers[i].value, (ssize_t)headers[i].value_size);
  return crdk_produce_list(client, topic, RD_KAFKA_PARTITION_UA, key, key_size, value, value_size, list, 0, opaque);
}

rd_kafka_resp_err_t crdk_purge(rd_kafka_t *client) {
  // Not waiting for the broker threads: one that looks up a name may take ten seconds and more.
  return p_rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

int crdk_outq_len(rd_kafka_t *client) { return p_rd_kafka_outq_len(client); }

rd_kafka_resp_err_t crdk_fatal_error(rd_kafka_t *client, char *text, size_t size) {
  return p_rd_kafka_fatal_error(client, text, size);
}

rd_kafka_resp_err_t crdk_test_fatal_error(rd_kafka_t *client, rd_kafka_resp_err_t error, const char *reason) {
  return p_rd_kafka_test_fatal_error(client, error, reason);
}

bool crdk_has_metadata(rd_kafka_t *client) {
  char *cluster = p_rd_kafka_clusterid(client, 0);
  if (cluster) {
    p_rd_kafka_mem_free(client, cluster);
    return true;
  }
  // Not every broker that is not Apache Kafka names its cluster.
  return p_rd_kafka_controllerid(client, 0) >= 0;
}

rd_kafka_queue_t *crdk_queue_get_main(rd_kafka_t *client) { return p_rd_kafka_queue_get_main(client); }
void crdk_queue_destroy(rd_kafka_queue_t *queue) { p_rd_kafka_queue_destroy(queue); }

rd_kafka_event_t *crdk_queue_poll(rd_kafka_queue_t *queue, int milliseconds) {
  return p_rd_kafka_queue_poll(queue, milliseconds);
}

void crdk_queue_wake(rd_kafka_queue_t *queue, int descriptor, uint64_t message) {
  p_rd_kafka_queue_io_event_enable(queue, descriptor, &message, sizeof message);
}

rd_kafka_event_type_t crdk_event_type(const rd_kafka_event_t *event) { return p_rd_kafka_event_type(event); }

const rd_kafka_message_t *crdk_event_message_next(rd_kafka_event_t *event) {
  return p_rd_kafka_event_message_next(event);
}

rd_kafka_resp_err_t crdk_event_error(rd_kafka_event_t *event) { return p_rd_kafka_event_error(event); }
const char *crdk_event_error_string(rd_kafka_event_t *event) { return p_rd_kafka_event_error_string(event); }
void crdk_event_destroy(rd_kafka_event_t *event) { p_rd_kafka_event_destroy(event); }

rd_kafka_msg_status_t crdk_message_status(const rd_kafka_message_t *message) {
  return p_rd_kafka_message_status(message);
}

rd_kafka_resp_err_t crdk_metadata(rd_kafka_t *client, rd_kafka_topic_t *topic, int milliseconds,
                                  rd_kafka_resp_err_t *topic_error, int *partitions, int *brokers) {
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_resp_err_t error = p_rd_kafka_metadata(client, 0, topic, &metadata, milliseconds);
  if (error) return error;
  *brokers = metadata->broker_cnt;
  *partitions = metadata->topic_cnt > 0 ? metadata->topics[0].partition_cnt : 0;
  *topic_error = metadata->topic_cnt > 0 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
  p_rd_kafka_metadata_destroy(metadata);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}
