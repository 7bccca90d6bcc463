#include "signaling/shell/tls_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20" /* of TLS 1.2: RFC 9325 section 4.2 */
/* A record can be read when it is whole: on a line of 1.6 Mbit/s 16 KiB would take 80 ms. */
#define TLS_RECORD_BYTES 4096

struct tls_server {
    SSL_CTX *context;
    const char *cert, *key;
    const struct log *log;
};

/* In the server's order, whatever the client's. None in common: go on without (RFC 7301 asks for an
 * alert; programs that name no HTTP at all are spoken to in HTTP/1.1, as ever). */
static int choose_protocol(SSL *ssl, const uint8_t **out, uint8_t *out_size, const uint8_t *offered,
                           unsigned offered_size, void *user)
{
    static const uint8_t ours[] = "\x02h2\x08http/1.1";
    uint8_t *chosen = NULL;
    (void)ssl;
    (void)user;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void set_rules(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets need none */
    SSL_CTX_set_max_send_fragment(context, TLS_RECORD_BYTES);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
}

static enum status load(const struct tls_server *server, SSL_CTX **out)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    const char *wrong = NULL;
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, TLS_CIPHERS) != 1) {
        SSL_CTX_free(context);
        return STATUS_NO_MEMORY;
    }
    errno = 0;
    if (SSL_CTX_use_certificate_chain_file(context, server->cert) != 1)
        wrong = server->cert;
    else if (SSL_CTX_use_PrivateKey_file(context, server->key, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(context) != 1)
        wrong = server->key;
    if (wrong != NULL) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        log_error(server->log, "certificate_unusable", "file=%s reason=\"%s\"", wrong,
                  reason != NULL ? reason : strerror(errno));
        ERR_clear_error();
        SSL_CTX_free(context);
        return STATUS_CONFIG;
    }
    set_rules(context);
    *out = context;
    return STATUS_OK;
}

enum status tls_server_create(struct tls_server **out, const char *cert, const char *key,
                              const struct log *log)
{
    struct tls_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return STATUS_NO_MEMORY;
    *server = (struct tls_server){.cert = cert, .key = key, .log = log};
    enum status status = load(server, &server->context);
    if (status != STATUS_OK) {
        free(server);
        return status;
    }
    *out = server;
    return STATUS_OK;
}

void tls_server_free(struct tls_server *server)
{
    if (server == NULL)
        return;
    SSL_CTX_free(server->context);
    free(server);
}

enum status tls_server_reload(struct tls_server *server)
{
    SSL_CTX *fresh = NULL;
    enum status status = load(server, &fresh);
    if (status != STATUS_OK)
        return status;
    SSL_CTX_free(server->context); /* connections hold on to the one that they began with */
    server->context = fresh;
    return STATUS_OK;
}

enum status tls_stream_init(struct tls_stream *tls, const struct tls_server *server)
{
    SSL *ssl = SSL_new(server->context);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    if (ssl == NULL || in == NULL || out == NULL) {
        SSL_free(ssl);
        BIO_free(in);
        BIO_free(out);
        return STATUS_NO_MEMORY;
    }
    SSL_set_bio(ssl, in, out); /* which it frees */
    SSL_set_accept_state(ssl);
    *tls = (struct tls_stream){.ssl = ssl};
    return STATUS_OK;
}

void tls_stream_destroy(struct tls_stream *tls)
{
    SSL_free(tls->ssl);
    *tls = (struct tls_stream){0};
}

enum status tls_stream_feed(struct tls_stream *tls, struct bytes ciphertext)
{
    int size = (int)ciphertext.size;
    if (tls->ended || tls->failed)
        return STATUS_OK; /* nobody would read it */
    return BIO_write(SSL_get_rbio(tls->ssl), ciphertext.data, size) == size ? STATUS_OK
                                                                            : STATUS_NO_MEMORY;
}

size_t tls_stream_read(struct tls_stream *tls, struct bytes_mut room)
{
    size_t size = 0;
    if (tls->failed || tls->ended)
        return 0;
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, room.data, room.size, &size);
    if (result == 1)
        return size;
    int error = SSL_get_error(tls->ssl, result);
    tls->ended = error == SSL_ERROR_ZERO_RETURN;
    tls->failed = error != SSL_ERROR_WANT_READ && !tls->ended;
    if (tls->ended || tls->failed)
        (void)BIO_reset(SSL_get_rbio(tls->ssl));
    ERR_clear_error();
    return 0;
}

bool tls_stream_is_established(const struct tls_stream *tls)
{
    return SSL_is_init_finished(tls->ssl) == 1;
}

bool tls_stream_has_chosen_http2(const struct tls_stream *tls)
{
    const uint8_t *name = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls->ssl, &name, &size);
    return size == 2 && memcmp(name, "h2", 2) == 0;
}

enum status tls_stream_write(struct tls_stream *tls, struct bytes plain)
{
    size_t written = 0;
    ERR_clear_error();
    if (tls->failed || SSL_write_ex(tls->ssl, plain.data, plain.size, &written) != 1) {
        ERR_clear_error();
        tls->failed = true;
        return STATUS_NO_MEMORY;
    }
    CHECK(written == plain.size); /* no partial writes without their mode */
    return STATUS_OK;
}

void tls_stream_close(struct tls_stream *tls)
{
    if (!tls->failed && tls_stream_is_established(tls))
        (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

size_t tls_stream_take(struct tls_stream *tls, struct bytes_mut out)
{
    int size = BIO_read(SSL_get_wbio(tls->ssl), out.data, (int)out.size);
    return size > 0 ? (size_t)size : 0;
}

bool tls_stream_has_output(const struct tls_stream *tls)
{
    return BIO_ctrl_pending(SSL_get_wbio(tls->ssl)) > 0;
}
