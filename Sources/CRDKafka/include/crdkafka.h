// SPDX-License-Identifier: Apache-2.0
// librdkafka, loaded when it is needed and not before.
//
// Linking the library costs every start of algo-run about 4 ms, because OpenSSL and others come with it, and most runs
// never talk to a broker. So its types and constants are taken from its header when this is built, and its functions
// are looked up at run time: in the file that crdk_load() is given, else in the librdkafka.so.1 that the dynamic linker
// finds.
//
// Each function is the one of the same name without the `c`: see rdkafka.h. None may be called before crdk_load() has
// returned NULL.
#ifndef CRDKAFKA_H
#define CRDKAFKA_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/// Loads the library, once: the first call decides on the file, NULL being the dynamic linker's choice. Returns NULL
/// when it is there, else why not, as text that lives as long as the process.
const char *_Nullable crdk_load(const char *_Nullable file);
/// Declares that this process will never speak TLS. Before crdk_load() it spares the reading of OpenSSL's
/// configuration, half a millisecond; not for a process whose connection may be another one later.
void crdk_expect_no_tls(void);

int crdk_version(void);
const char *_Nonnull crdk_version_str(void);
const char *_Nonnull crdk_err2str(rd_kafka_resp_err_t error);

rd_kafka_conf_t *_Nonnull crdk_conf_new(void);
void crdk_conf_destroy(rd_kafka_conf_t *_Nonnull conf);
rd_kafka_conf_res_t crdk_conf_set(rd_kafka_conf_t *_Nonnull conf, const char *_Nonnull name,
                                  const char *_Nonnull value, char *_Nonnull text, size_t size);
void crdk_conf_set_events(rd_kafka_conf_t *_Nonnull conf, int events);
/// Keeps the library's own log lines off stderr: what matters of them comes as events.
void crdk_conf_silence(rd_kafka_conf_t *_Nonnull conf);

/// See rd_kafka_conf_set_ssl_cert_verify_cb.
typedef int (*crdk_verify_callback)(rd_kafka_t *_Nullable client, const char *_Nullable broker, int32_t broker_id,
                                    int *_Nullable code, int depth, const char *_Nullable der, size_t size,
                                    char *_Nullable text, size_t text_size, void *_Nullable context);
/// Has a callback decide on each certificate of a broker's chain.
void crdk_conf_verify_certificates(rd_kafka_conf_t *_Nonnull conf, crdk_verify_callback _Nonnull callback,
                                   void *_Nonnull context);

/// Takes over `conf` only if it succeeds.
rd_kafka_t *_Nullable crdk_new_producer(rd_kafka_conf_t *_Nonnull conf, char *_Nonnull text, size_t size);
/// Takes over `conf` only if it succeeds.
rd_kafka_t *_Nullable crdk_new_consumer(rd_kafka_conf_t *_Nonnull conf, char *_Nonnull text, size_t size);
rd_kafka_queue_t *_Nonnull crdk_queue_new(rd_kafka_t *_Nonnull client);
/// Begins to read a partition from its beginning, without a consumer group.
rd_kafka_resp_err_t crdk_consume_start(rd_kafka_topic_t *_Nonnull topic, int32_t partition,
                                       rd_kafka_queue_t *_Nonnull queue);
void crdk_consume_stop(rd_kafka_topic_t *_Nonnull topic, int32_t partition);
/// The next message, to be given to crdk_message_destroy(); NULL if none came in time.
rd_kafka_message_t *_Nullable crdk_consume_queue(rd_kafka_queue_t *_Nonnull queue, int milliseconds);
void crdk_message_destroy(rd_kafka_message_t *_Nonnull message);
/// Waits for the library's threads. Messages still in it are lost without a report: purge and poll first.
void crdk_destroy(rd_kafka_t *_Nonnull client);
rd_kafka_topic_t *_Nullable crdk_topic_new(rd_kafka_t *_Nonnull client, const char *_Nonnull name);
void crdk_topic_destroy(rd_kafka_topic_t *_Nonnull topic);

/// One header of a message to be.
typedef struct {
  const char *_Nonnull name;
  const char *_Nonnull value;
  size_t value_size;
} crdk_header;

/// Queues one message, copied, whose report will carry `opaque`. `list` is taken over, whatever comes of it. A partition
/// of -1 is chosen by the key, a timestamp of 0 is the present.
rd_kafka_resp_err_t crdk_produce_list(rd_kafka_t *_Nonnull client, rd_kafka_topic_t *_Nonnull topic, int32_t partition,
                                      const void *_Nullable key, size_t key_size, const void *_Nullable value,
                                      size_t value_size, rd_kafka_headers_t *_Nonnull list, int64_t timestamp,
                                      intptr_t opaque);

/// Queues one message in the same way, with these headers, to a partition by its key.
rd_kafka_resp_err_t crdk_produce(rd_kafka_t *_Nonnull client, rd_kafka_topic_t *_Nonnull topic,
                                 const void *_Nonnull key, size_t key_size, const void *_Nonnull value,
                                 size_t value_size, const crdk_header *_Nullable headers, size_t header_count,
                                 intptr_t opaque);
rd_kafka_resp_err_t crdk_purge(rd_kafka_t *_Nonnull client);
int crdk_outq_len(rd_kafka_t *_Nonnull client);
rd_kafka_resp_err_t crdk_fatal_error(rd_kafka_t *_Nonnull client, char *_Nonnull text, size_t size);
/// Makes a client behave as after a fatal error of the broker's; for tests.
rd_kafka_resp_err_t crdk_test_fatal_error(rd_kafka_t *_Nonnull client, rd_kafka_resp_err_t error,
                                          const char *_Nonnull reason);
/// Whether any broker has answered a metadata request. Never blocks.
bool crdk_has_metadata(rd_kafka_t *_Nonnull client);

rd_kafka_queue_t *_Nonnull crdk_queue_get_main(rd_kafka_t *_Nonnull client);
void crdk_queue_destroy(rd_kafka_queue_t *_Nonnull queue);
rd_kafka_event_t *_Nullable crdk_queue_poll(rd_kafka_queue_t *_Nonnull queue, int milliseconds);
/// Writes `message` to `descriptor`, which must not block, whenever the queue stops being empty; -1 ends that.
void crdk_queue_wake(rd_kafka_queue_t *_Nonnull queue, int descriptor, uint64_t message);
rd_kafka_event_type_t crdk_event_type(const rd_kafka_event_t *_Nonnull event);
const rd_kafka_message_t *_Nullable crdk_event_message_next(rd_kafka_event_t *_Nonnull event);
rd_kafka_resp_err_t crdk_event_error(rd_kafka_event_t *_Nonnull event);
const char *_Nullable crdk_event_error_string(rd_kafka_event_t *_Nonnull event);
void crdk_event_destroy(rd_kafka_event_t *_Nonnull event);
rd_kafka_msg_status_t crdk_message_status(const rd_kafka_message_t *_Nonnull message);

/// Asks for the topic's metadata. On success `topic_error` is the broker's error for the topic, `partitions` and
/// `brokers` are counts.
rd_kafka_resp_err_t crdk_metadata(rd_kafka_t *_Nonnull client, rd_kafka_topic_t *_Nonnull topic, int milliseconds,
                                  rd_kafka_resp_err_t *_Nonnull topic_error, int *_Nonnull partitions,
                                  int *_Nonnull brokers);

/// Looks up any other symbol of the loaded library; for tests that drive its mock cluster.
void *_Nullable crdk_symbol(const char *_Nonnull name);

#endif
