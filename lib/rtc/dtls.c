#include "rtc/dtls_private.h"

#include "base/wipe.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/time.h>

#define RETRANSMIT_FIRST_US 100000u
#define RETRANSMIT_LAST_US 4000000u
#define RECORD_TYPE_FIRST 20 /* change_cipher_spec, alert, handshake, application_data */
#define RECORD_TYPE_LAST 23

struct dtls {
    SSL *ssl;
    struct dtls_pipe pipe;
    enum dtls_state state;
    enum dtls_role role;
    const char *reason;
    uint8_t expected[FINGERPRINT_BYTES];
    usec_t deadline;
    usec_t started_at;
    size_t handshake_bytes, handshake_datagrams;
    struct log log;
};

const char *media_profile_get_name(enum media_profile profile)
{
    static const char *const names[] = {"", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"};
    return names[profile];
}

/* RFC 6347 4.2.4.1 starts at 1 s; a lost handshake packet would be heard as a slow join. */
static unsigned next_retransmission(SSL *ssl, unsigned previous_us)
{
    (void)ssl;
    if (previous_us == 0)
        return RETRANSMIT_FIRST_US;
    return previous_us * 2 > RETRANSMIT_LAST_US ? RETRANSMIT_LAST_US : previous_us * 2;
}

enum status dtls_create(struct dtls **out, usec_t now, struct dtls_context *context,
                        enum dtls_role role, const uint8_t expected[FINGERPRINT_BYTES],
                        const struct log *log)
{
    struct dtls *d = calloc(1, sizeof *d);
    if (d == NULL)
        return STATUS_NO_MEMORY;
    d->role = role;
    d->reason = "";
    d->deadline = now + DTLS_HANDSHAKE_US;
    d->log = *log;
    memcpy(d->expected, expected, FINGERPRINT_BYTES);
    d->ssl = SSL_new(context->ssl);
    BIO *bio = d->ssl != NULL ? dtls_bio_create(context->bio_method, &d->pipe) : NULL;
    if (bio == NULL) {
        dtls_free(d);
        return STATUS_NO_MEMORY;
    }
    SSL_set_bio(d->ssl, bio, bio);
    SSL_set_mtu(d->ssl, DTLS_MTU);
    DTLS_set_link_mtu(d->ssl, DTLS_MTU);
    DTLS_set_timer_cb(d->ssl, next_retransmission);
    if (role == DTLS_ROLE_CLIENT)
        SSL_set_connect_state(d->ssl);
    else
        SSL_set_accept_state(d->ssl);
    *out = d;
    return STATUS_OK;
}

void dtls_free(struct dtls *d)
{
    if (d == NULL)
        return;
    SSL_free(d->ssl);
    free(d);
}

/* new -> handshaking -> connected -> closed; failed from anywhere but closed. */
static void set_state(struct dtls *d, enum dtls_state next, const char *reason)
{
    static const char *const names[] = {"new", "handshaking", "connected", "failed", "closed"};
    if (d->state == next)
        return;
    CHECK(d->state != DTLS_FAILED && d->state != DTLS_CLOSED);
    log_debug(&d->log, "dtls_state", "from=%s to=%s reason=%s", names[d->state], names[next],
              reason);
    d->state = next;
    d->reason = reason;
}

static bool is_over(const struct dtls *d)
{
    return d->state == DTLS_FAILED || d->state == DTLS_CLOSED;
}

static bool has_expected_certificate(struct dtls *d)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509 *peer = SSL_get1_peer_certificate(d->ssl);
    bool same = peer != NULL && X509_digest(peer, EVP_sha256(), digest, &size) == 1 &&
                size == FINGERPRINT_BYTES &&
                CRYPTO_memcmp(digest, d->expected, FINGERPRINT_BYTES) == 0;
    X509_free(peer);
    return same;
}

/* The peer is told at once rather than by silence. Nothing it could use has been given away. */
static void refuse(struct dtls *d, const char *reason)
{
    SSL_set_quiet_shutdown(d->ssl, 0);
    (void)SSL_shutdown(d->ssl);
    set_state(d, DTLS_FAILED, reason);
}

/* Extended master secret (RFC 7627): without it a man in the middle can make two sessions share
 * one. */
static bool has_bound_secret(struct dtls *d)
{
    return SSL_get_extms_support(d->ssl) == 1;
}

/* Goes on with the handshake as far as what has come allows. */
static enum status continue_handshake(struct dtls *d)
{
    if (d->state == DTLS_NEW)
        set_state(d, DTLS_HANDSHAKING, "");
    ERR_clear_error();
    int result = SSL_do_handshake(d->ssl);
    if (result == 1) {
        if (!has_expected_certificate(d))
            refuse(d, "fingerprint");
        else if (SSL_get_selected_srtp_profile(d->ssl) == NULL || !has_bound_secret(d))
            refuse(d, "dtls_failed");
        else
            set_state(d, DTLS_CONNECTED, "");
        return d->state == DTLS_CONNECTED ? STATUS_OK : STATUS_AUTH;
    }
    int error = SSL_get_error(d->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return STATUS_OK;
    char text[160];
    ERR_error_string_n(ERR_peek_error(), text, sizeof text);
    log_info(&d->log, "dtls_failed", "error=%s", text);
    set_state(d, DTLS_FAILED, "dtls_failed");
    ERR_clear_error();
    return STATUS_AUTH;
}

/* After the handshake: retransmitted flights are answered by OpenSSL itself, alerts noticed. */
static enum status read_records(struct dtls *d)
{
    uint8_t data[DTLS_DATAGRAM_BYTES_MAX];
    size_t size;
    ERR_clear_error();
    while (SSL_read_ex(d->ssl, data, sizeof data, &size) == 1) {
        /* Application data has no meaning here. */
    }
    if ((SSL_get_shutdown(d->ssl) & SSL_RECEIVED_SHUTDOWN) != 0)
        set_state(d, DTLS_CLOSED, "closed_by_peer");
    ERR_clear_error();
    return STATUS_OK;
}

/* Whole records of DTLS's own kinds and nothing else: everything less is refused here, before it
 * counts against the handshake or reaches OpenSSL (RFC 6347 4.1). */
static bool has_whole_records(struct bytes datagram)
{
    struct reader r = reader_of(datagram);
    while (reader_left(&r) > 0 && !r.failed) {
        uint8_t type = read_u8(&r);
        uint8_t version = read_u8(&r); /* 0xfe: DTLS 1.0 in a first ClientHello, then 1.2 */
        read_bytes(&r, 1 + 8);         /* minor version; epoch and sequence number */
        read_bytes(&r, read_u16(&r));
        if (type < RECORD_TYPE_FIRST || type > RECORD_TYPE_LAST || version != 0xfe)
            return false;
    }
    return datagram.size > 0 && !r.failed;
}

void dtls_start(struct dtls *d, usec_t now)
{
    (void)now;
    if (d->role == DTLS_ROLE_CLIENT && d->state == DTLS_NEW)
        (void)!continue_handshake(d); /* a failure shows in the state */
}

enum status dtls_handle_datagram(struct dtls *d, usec_t now, struct bytes datagram)
{
    (void)now;
    if (is_over(d))
        return STATUS_OK;
    if (datagram.size > DTLS_DATAGRAM_BYTES_MAX || !has_whole_records(datagram))
        return STATUS_MALFORMED;
    if (d->state != DTLS_CONNECTED) {
        d->handshake_bytes += datagram.size;
        d->handshake_datagrams++;
        if (d->handshake_bytes > DTLS_HANDSHAKE_BYTES_MAX ||
            d->handshake_datagrams > DTLS_HANDSHAKE_DATAGRAMS_MAX) {
            set_state(d, DTLS_FAILED, "too_large");
            return STATUS_LIMIT;
        }
    }
    d->pipe.in = datagram;
    enum status status = d->state == DTLS_CONNECTED ? read_records(d) : continue_handshake(d);
    d->pipe.in = BYTES_NONE; /* what OpenSSL did not read is dropped, not kept */
    return status;
}

void dtls_handle_timeout(struct dtls *d, usec_t now)
{
    if (is_over(d) || d->state == DTLS_CONNECTED)
        return;
    if (now >= d->deadline) {
        set_state(d, DTLS_FAILED, "deadline");
        return;
    }
    struct timeval left;
    if (d->state == DTLS_HANDSHAKING && DTLSv1_get_timeout(d->ssl, &left) == 1 &&
        left.tv_sec == 0 && left.tv_usec == 0) {
        ERR_clear_error();
        if (DTLSv1_handle_timeout(d->ssl) < 0)
            set_state(d, DTLS_FAILED, "dtls_failed");
        ERR_clear_error();
    }
}

usec_t dtls_next_timeout(const struct dtls *d, usec_t now)
{
    if (is_over(d) || d->state == DTLS_CONNECTED)
        return USEC_NEVER;
    struct timeval left;
    if (d->state == DTLS_HANDSHAKING && DTLSv1_get_timeout(d->ssl, &left) == 1)
        return usec_min(d->deadline, now + SECONDS(left.tv_sec) + left.tv_usec);
    return d->deadline;
}

bool dtls_poll_datagram(struct dtls *d, struct bytes *out)
{
    struct dtls_pipe *pipe = &d->pipe;
    if (pipe->out_count == 0)
        return false;
    *out = bytes_of(pipe->out[pipe->out_head].data, pipe->out[pipe->out_head].size);
    pipe->out_head = (pipe->out_head + 1) % DTLS_OUT_MAX;
    pipe->out_count--;
    return true;
}

enum dtls_state dtls_get_state(const struct dtls *d)
{
    return d->state;
}

const char *dtls_get_reason(const struct dtls *d)
{
    return d->reason;
}

enum status dtls_export_keys(struct dtls *d, struct media_keys *out)
{
    static const char label[] = "EXTRACTOR-dtls_srtp"; /* RFC 5764 4.2 */
    uint8_t material[2 * MEDIA_MASTER_BYTES_MAX];
    if (d->state != DTLS_CONNECTED)
        return STATUS_STATE;
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(d->ssl);
    struct media_keys keys = {.profile = profile->id == SRTP_AEAD_AES_128_GCM
                                             ? MEDIA_PROFILE_GCM_128
                                             : MEDIA_PROFILE_CM_80};
    size_t salt = keys.profile == MEDIA_PROFILE_GCM_128 ? 12 : 14;
    keys.bytes = 16 + salt;
    if (SSL_export_keying_material(d->ssl, material, 2 * keys.bytes, label, sizeof label - 1, NULL,
                                   0, 0) != 1)
        return STATUS_SYSTEM;
    /* Client key, server key, client salt, server salt. */
    bool is_client = d->role == DTLS_ROLE_CLIENT;
    uint8_t *client = is_client ? keys.local : keys.remote;
    uint8_t *server = is_client ? keys.remote : keys.local;
    memcpy(client, material, 16);
    memcpy(server, material + 16, 16);
    memcpy(client + 16, material + 32, salt);
    memcpy(server + 16, material + 32 + salt, salt);
    memory_wipe(material, sizeof material);
    *out = keys;
    memory_wipe(&keys, sizeof keys);
    return STATUS_OK;
}
