#include "rtc/dtls_private.h"

#include "base/wipe.h"
#include "rtc/dtls_alert.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/time.h>

#define RETRANSMIT_FIRST_US 100000u
#define RETRANSMIT_LAST_US 8000000u
#define LAST_FLIGHT_BYTES_MAX 128      /* ChangeCipherSpec and Finished are 75 */
#define PEER_KEY_SECURITY_BITS_MIN 112 /* P-256 has 128, RSA of 2048 bits 112 */

struct dtls {
    struct dtls_context *context;
    SSL *ssl;                        /* one attempt's; NULL at rest */
    struct dtls_alert_reader alerts; /* at rest */
    /* What a peer that lost it asks for by repeating its own. A client's last word is heard, since
     * the server's answer to it is what connects. */
    uint8_t last_flight[LAST_FLIGHT_BYTES_MAX];
    size_t last_flight_bytes; /* 0: not kept */
    struct dtls_pipe pipe;
    enum dtls_state state;
    enum dtls_role role;
    const char *reason;
    uint8_t expected[FINGERPRINT_BYTES];
    usec_t deadline;
    unsigned failed_attempts;
    uint64_t clear_count; /* records in clear that OpenSSL was given */
    size_t handshake_bytes, handshake_datagrams;
    struct log log;
};

const char *media_profile_get_name(enum media_profile profile)
{
    static const char *const names[] = {"", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"};
    return names[profile];
}

/* RFC 6347 4.2.4.1 starts at 1 s and doubles; a lost handshake packet would be heard as a slow
 * join, and a flight lost again and again more so: each wait is half as long again. OpenSSL gives
 * up after twelve, which so lie within DTLS_HANDSHAKE_US. */
static unsigned next_retransmission(SSL *ssl, unsigned previous_us)
{
    (void)ssl;
    if (previous_us == 0)
        return RETRANSMIT_FIRST_US;
    unsigned next_us = previous_us + previous_us / 2;
    return next_us > RETRANSMIT_LAST_US ? RETRANSMIT_LAST_US : next_us;
}

/* A handshake from its beginning, in place of the one that was. */
static enum status begin_attempt(struct dtls *d)
{
    SSL *ssl = SSL_new(d->context->ssl);
    BIO *bio = ssl != NULL ? dtls_bio_create(d->context->bio_method, &d->pipe) : NULL;
    if (bio == NULL) {
        SSL_free(ssl);
        return STATUS_NO_MEMORY;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, DTLS_MTU);
    DTLS_set_link_mtu(ssl, DTLS_MTU);
    DTLS_set_timer_cb(ssl, next_retransmission);
    if (d->role == DTLS_ROLE_CLIENT)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    SSL_free(d->ssl);
    d->ssl = ssl;
    return STATUS_OK;
}

enum status dtls_create(struct dtls **out, usec_t now, struct dtls_context *context,
                        enum dtls_role role, const uint8_t expected[FINGERPRINT_BYTES],
                        const struct log *log)
{
    struct dtls *d = calloc(1, sizeof *d);
    if (d == NULL)
        return STATUS_NO_MEMORY;
    d->context = context;
    d->role = role;
    d->reason = "";
    d->deadline = now + DTLS_HANDSHAKE_US;
    d->log = *log;
    memcpy(d->expected, expected, FINGERPRINT_BYTES);
    if (begin_attempt(d) != STATUS_OK) {
        dtls_free(d);
        return STATUS_NO_MEMORY;
    }
    *out = d;
    return STATUS_OK;
}

void dtls_free(struct dtls *d)
{
    if (d == NULL)
        return;
    SSL_free(d->ssl);
    dtls_pipe_clear(&d->pipe);
    memory_wipe(&d->alerts, sizeof d->alerts);
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

/* A key that can be forged proves nothing. OpenSSL looks at its size as well, but says so through
 * the verify callback, which accepts any chain. */
static bool has_strong_certificate(struct dtls *d)
{
    X509 *peer = SSL_get0_peer_certificate(d->ssl);
    EVP_PKEY *key = peer != NULL ? X509_get0_pubkey(peer) : NULL;
    return key != NULL && EVP_PKEY_get_security_bits(key) >= PEER_KEY_SECURITY_BITS_MIN;
}

/* Extended master secret (RFC 7627): without it a man in the middle can make two sessions share
 * one. */
static bool has_bound_secret(struct dtls *d)
{
    return SSL_get_extms_support(d->ssl) == 1;
}

static enum status finish_handshake(struct dtls *d)
{
    if (!has_expected_certificate(d))
        refuse(d, "fingerprint");
    else if (!has_strong_certificate(d) || SSL_get_selected_srtp_profile(d->ssl) == NULL ||
             !has_bound_secret(d))
        refuse(d, "dtls_failed");
    else
        set_state(d, DTLS_CONNECTED, "");
    if (d->state != DTLS_CONNECTED)
        return STATUS_AUTH;
    (void)SSL_free_buffers(d->ssl);
    return STATUS_OK;
}

/* OpenSSL broke off. Nobody has proved yet who it is, so it may be a stranger's doing: the alert is
 * not sent, as the peer would believe it, and the peer's next flight meets a fresh beginning. */
static void begin_again(struct dtls *d)
{
    char text[160];
    ERR_error_string_n(ERR_peek_error(), text, sizeof text);
    log_info(&d->log, "dtls_failed", "attempt=%u error=%s", d->failed_attempts + 1, text);
    ERR_clear_error();
    if (++d->failed_attempts == DTLS_ATTEMPTS_MAX) {
        set_state(d, DTLS_FAILED, "dtls_failed");
        return;
    }
    dtls_pipe_clear(&d->pipe);
    if (begin_attempt(d) != STATUS_OK)
        set_state(d, DTLS_FAILED, "dtls_failed");
    else if (d->role == DTLS_ROLE_CLIENT)
        (void)SSL_do_handshake(d->ssl); /* its first flight; there is nothing to read */
    ERR_clear_error();
}

/* Those datagrams that OpenSSL wrote behind the first `before`; they may travel as one. */
static void keep_last_flight(struct dtls *d, size_t before)
{
    const struct dtls_pipe *pipe = &d->pipe;
    size_t bytes = 0;
    d->last_flight_bytes = 0;
    if (d->role != DTLS_ROLE_SERVER || pipe->out_count == DTLS_OUT_MAX) /* some may be lost */
        return;
    for (size_t i = before; i < pipe->out_count; i++) {
        const struct dtls_datagram *datagram = pipe->out[(pipe->out_head + i) % DTLS_OUT_MAX];
        if (bytes + datagram->size > sizeof d->last_flight)
            return;
        memcpy(d->last_flight + bytes, datagram->data, datagram->size);
        bytes += datagram->size;
    }
    d->last_flight_bytes = bytes;
}

/* Goes on with the handshake as far as what has come allows. */
static enum status continue_handshake(struct dtls *d)
{
    if (d->state == DTLS_NEW)
        set_state(d, DTLS_HANDSHAKING, "");
    ERR_clear_error();
    size_t before = d->pipe.out_count;
    int result = SSL_do_handshake(d->ssl);
    if (result == 1) {
        keep_last_flight(d, before);
        return finish_handshake(d);
    }
    int error = SSL_get_error(d->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return STATUS_OK;
    d->pipe.in = BYTES_NONE;
    begin_again(d);
    return STATUS_AUTH;
}

static void read_at_rest(struct dtls *d)
{
    enum dtls_alert said = dtls_alert_read(&d->alerts, d->pipe.in);
    if (said == DTLS_ALERT_END)
        set_state(d, DTLS_CLOSED, "closed_by_peer");
    else if (said == DTLS_ALERT_UNFINISHED && d->last_flight_bytes > 0)
        dtls_pipe_put(&d->pipe, bytes_of(d->last_flight, d->last_flight_bytes));
}

/* After the handshake, with a cipher suite that does not let us rest: retransmitted flights are
 * answered by OpenSSL itself, alerts noticed. Its buffers (34 kB) are there only meanwhile. */
static enum status read_records(struct dtls *d)
{
    uint8_t data[DTLS_DATAGRAM_BYTES_MAX];
    size_t size;
    ERR_clear_error();
    if (d->ssl == NULL) {
        read_at_rest(d);
        return STATUS_OK;
    }
    if (SSL_alloc_buffers(d->ssl) != 1)
        return STATUS_NO_MEMORY;
    while (SSL_read_ex(d->ssl, data, sizeof data, &size) == 1) {
        /* Application data has no meaning here. */
    }
    if ((SSL_get_shutdown(d->ssl) & SSL_RECEIVED_SHUTDOWN) != 0)
        set_state(d, DTLS_CLOSED, "closed_by_peer");
    (void)SSL_free_buffers(d->ssl); /* kept when something is left in them */
    ERR_clear_error();
    return STATUS_OK;
}

void dtls_start(struct dtls *d, usec_t now)
{
    (void)now;
    if (d->role == DTLS_ROLE_CLIENT && d->state == DTLS_NEW)
        (void)!continue_handshake(d); /* a failure shows in the state */
}

static enum dtls_phase phase_of(const struct dtls *d)
{
    if (d->state == DTLS_CONNECTED)
        return DTLS_PHASE_CONNECTED;
    return d->role == DTLS_ROLE_SERVER && SSL_in_before(d->ssl) ? DTLS_PHASE_FIRST
                                                                : DTLS_PHASE_HANDSHAKE;
}

enum status dtls_handle_datagram(struct dtls *d, usec_t now, struct bytes datagram)
{
    uint8_t screened[DTLS_DATAGRAM_BYTES_MAX];
    struct writer w = writer_of((struct bytes_mut){screened, sizeof screened});
    bool connected = d->state == DTLS_CONNECTED;
    (void)now;
    if (is_over(d))
        return STATUS_OK;
    if (datagram.size > DTLS_DATAGRAM_BYTES_MAX ||
        !dtls_screen_records(datagram, d->role, phase_of(d), &d->clear_count, &w) ||
        writer_size(&w) == 0)
        return STATUS_MALFORMED;
    if (!connected) {
        d->handshake_bytes += writer_size(&w);
        d->handshake_datagrams++;
        if (d->handshake_bytes > DTLS_HANDSHAKE_BYTES_MAX ||
            d->handshake_datagrams > DTLS_HANDSHAKE_DATAGRAMS_MAX) {
            set_state(d, DTLS_FAILED, "too_large");
            return STATUS_LIMIT;
        }
    }
    d->pipe.in = bytes_const(writer_written(&w));
    enum status status = connected ? read_records(d) : continue_handshake(d);
    d->pipe.in = BYTES_NONE; /* what OpenSSL did not read is dropped, not kept */
    return status;
}

void dtls_rest(struct dtls *d)
{
    if (d->state != DTLS_CONNECTED || d->ssl == NULL ||
        (d->role == DTLS_ROLE_SERVER && d->last_flight_bytes == 0) ||
        !dtls_alert_reader_init(&d->alerts, d->ssl, d->role))
        return;
    SSL_free(d->ssl);
    d->ssl = NULL;
    ERR_clear_error();
}

void dtls_handle_timeout(struct dtls *d, usec_t now)
{
    if (is_over(d) || d->state == DTLS_CONNECTED)
        return;
    if (now >= d->deadline) {
        /* What it failed of says more than that time ran out. */
        set_state(d, DTLS_FAILED, d->failed_attempts > 0 ? "dtls_failed" : "deadline");
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
    const struct dtls_datagram *datagram = dtls_pipe_take(&d->pipe);
    if (datagram == NULL)
        return false;
    *out = bytes_of(datagram->data, datagram->size);
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
    if (d->state != DTLS_CONNECTED || d->ssl == NULL)
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
