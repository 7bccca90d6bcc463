/* The library's client against our server; bytes pass between them in memory. A program includes
 * http2_bench.c. */
#pragma once

#include "signaling/shell/http2.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEXT(literal) bytes_of(literal, sizeof(literal) - 1)
#define NOW SECONDS(100)
#define ANSWERS_MAX 256
#define HEAD(status, length)                                                                       \
    TEXT("HTTP/1.1 " status " OK\r\nContent-Type: text/plain\r\nContent-Length: " length           \
         "\r\nX-Mixed: Yes\r\nConnection: keep-alive\r\n\r\n")

struct pair {
    struct http2 *server;
    nghttp2_session *client;
    usec_t now;
    bool closed;  /* the server gave the client up */
    bool reading; /* whether the client takes what the server writes */
    int status[ANSWERS_MAX];
    size_t body_bytes[ANSWERS_MAX];
    uint32_t reset[ANSWERS_MAX]; /* error + 1 */
    uint32_t goaway;             /* error + 1 */
    bool connection_field, small_letters;
    size_t upload_left;
};

/* A test with a pair of its own. */
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int set_up(void **state);
int set_up_for_pieces(void **state); /* the client opens windows only when it is told to */
int tear_down(void **state);

/* Where status, body_bytes and reset have the stream. */
size_t slot_of(int32_t stream);
/* A body of upload_left bytes; and one of which nothing comes. */
ssize_t give_upload(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
                    uint32_t *flags, nghttp2_data_source *source, void *user);
ssize_t give_nothing(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
                     uint32_t *flags, nghttp2_data_source *source, void *user);
/* Returns the stream. `extra` is the field `origin`; `upload` may be NULL. */
int32_t ask_with(struct pair *pair, const char *method, const char *path, const char *extra,
                 nghttp2_data_source_read_callback upload);
int32_t ask(struct pair *pair, const char *path);

void server_writes(struct pair *pair);
void client_writes(struct pair *pair);
/* Both, until all has passed. */
void run(struct pair *pair);

void answer(struct pair *pair, int32_t stream, struct bytes head, struct bytes body);
/* Whatever was asked; returns how many. */
size_t answer_all(struct pair *pair);
