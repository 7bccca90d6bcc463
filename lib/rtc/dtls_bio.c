/* A BIO that keeps datagram borders: a read gives one whole datagram, a write takes one. Memory
 * BIOs would run them together. */
#include "rtc/dtls_private.h"

#include <stdlib.h>
#include <string.h>

static int bio_read(BIO *bio, char *out, size_t capacity, size_t *size)
{
    struct dtls_pipe *pipe = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (pipe->in.size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    size_t n = pipe->in.size < capacity ? pipe->in.size : capacity;
    memcpy(out, pipe->in.data, n);
    pipe->in = BYTES_NONE;
    *size = n;
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t size, size_t *written)
{
    BIO_clear_retry_flags(bio);
    *written = size;
    dtls_pipe_put(BIO_get_data(bio), bytes_of((const uint8_t *)data, size));
    return 1;
}

void dtls_pipe_put(struct dtls_pipe *pipe, struct bytes data)
{
    if (data.size > DTLS_DATAGRAM_BYTES_MAX || pipe->out_count == DTLS_OUT_MAX)
        return;
    struct dtls_datagram *datagram = malloc(sizeof *datagram + data.size);
    if (datagram == NULL)
        return;
    datagram->size = data.size;
    memcpy(datagram->data, data.data, data.size);
    pipe->out[(pipe->out_head + pipe->out_count++) % DTLS_OUT_MAX] = datagram;
}

const struct dtls_datagram *dtls_pipe_take(struct dtls_pipe *pipe)
{
    free(pipe->given);
    pipe->given = NULL;
    if (pipe->out_count == 0)
        return NULL;
    pipe->given = pipe->out[pipe->out_head];
    pipe->out_head = (pipe->out_head + 1) % DTLS_OUT_MAX;
    pipe->out_count--;
    return pipe->given;
}

void dtls_pipe_clear(struct dtls_pipe *pipe)
{
    while (dtls_pipe_take(pipe) != NULL) {
    }
}

/* Answers truthfully: a 1 to everything would claim kernel TLS, and OpenSSL would then write
 * without a buffer and crash. */
static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return DTLS_MTU;
    case BIO_CTRL_WPENDING:
    case BIO_CTRL_PENDING:
    default:
        return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *dtls_bio_method_create(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "amphi datagram");
    if (method == NULL)
        return NULL;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    BIO_meth_set_create(method, bio_create);
    return method;
}

BIO *dtls_bio_create(BIO_METHOD *method, struct dtls_pipe *pipe)
{
    BIO *bio = BIO_new(method);
    if (bio != NULL)
        BIO_set_data(bio, pipe);
    return bio;
}
