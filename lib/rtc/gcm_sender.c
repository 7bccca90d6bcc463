#include "rtc/gcm_sender.h"

#include "base/wipe.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define LABEL_RTP_KEY 0x00
#define LABEL_RTP_SALT 0x02
#define RTP_HEADER_BYTES 12
#define WORDS (GCM_SENDER_WINDOW / 64)

struct gcm_stream {
    uint32_t ssrc;
    bool used;
    uint64_t highest; /* roll-over count and sequence number, 48 bits */
    uint64_t seen[WORDS];
};

struct gcm_sender {
    EVP_CIPHER_CTX *context; /* keyed; each packet sets its nonce */
    uint8_t salt[GCM_SENDER_SALT_BYTES];
    struct gcm_stream streams[GCM_SENDER_SSRCS_MAX];
};

/* RFC 3711 4.3.1 and 4.3.3: AES in counter mode over the master salt (as 14 octets, RFC 7714 11)
 * with the label in its seventh from the right; no key derivation rate. */
static enum status derive(const uint8_t *master, uint8_t label, uint8_t *out, size_t size)
{
    uint8_t iv[16] = {0};
    uint8_t zeros[16] = {0};
    uint8_t stream[16];
    int length = 0;
    memcpy(iv, master + GCM_SENDER_KEY_BYTES, GCM_SENDER_SALT_BYTES);
    iv[7] ^= label;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context != NULL &&
                EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), NULL, master, iv) == 1 &&
                EVP_EncryptUpdate(context, stream, &length, zeros, sizeof zeros) == 1;
    EVP_CIPHER_CTX_free(context);
    memcpy(out, stream, size);
    memory_wipe(stream, sizeof stream);
    memory_wipe(iv, sizeof iv);
    return done ? STATUS_OK : STATUS_SYSTEM;
}

enum status gcm_sender_create(struct gcm_sender **out,
                              const uint8_t master[GCM_SENDER_KEY_BYTES + GCM_SENDER_SALT_BYTES])
{
    uint8_t key[GCM_SENDER_KEY_BYTES];
    struct gcm_sender *g = calloc(1, sizeof *g);
    if (g == NULL)
        return STATUS_NO_MEMORY;
    enum status status = derive(master, LABEL_RTP_KEY, key, sizeof key);
    if (status == STATUS_OK)
        status = derive(master, LABEL_RTP_SALT, g->salt, sizeof g->salt);
    g->context = EVP_CIPHER_CTX_new();
    if (status == STATUS_OK &&
        (g->context == NULL ||
         EVP_EncryptInit_ex(g->context, EVP_aes_128_gcm(), NULL, key, NULL) != 1))
        status = STATUS_SYSTEM;
    memory_wipe(key, sizeof key);
    if (status != STATUS_OK) {
        gcm_sender_free(g);
        return status;
    }
    *out = g;
    return STATUS_OK;
}

void gcm_sender_free(struct gcm_sender *g)
{
    if (g == NULL)
        return;
    EVP_CIPHER_CTX_free(g->context);
    memory_wipe(g, sizeof *g);
    free(g);
}

/* The stream of an SSRC; a new one where there is room. */
static struct gcm_stream *stream_of(struct gcm_sender *g, uint32_t ssrc)
{
    for (size_t i = 0; i < GCM_SENDER_SSRCS_MAX; i++) {
        struct gcm_stream *s = &g->streams[i];
        if (s->used && s->ssrc == ssrc)
            return s;
        if (!s->used) {
            s->ssrc = ssrc;
            return s;
        }
    }
    return NULL;
}

/* RFC 3711 3.3.1: the index nearest to the highest sent. A stream begins without a roll-over, so
 * what would lie before index 0 is far ahead instead: receivers guess the same. */
static uint64_t index_of(const struct gcm_stream *s, uint16_t seq)
{
    if (!s->used)
        return seq;
    int16_t delta = (int16_t)(uint16_t)(seq - (uint16_t)s->highest);
    return delta < 0 && (uint64_t)-delta > s->highest ? seq : s->highest + (uint64_t)(int64_t)delta;
}

static bool take_number(struct gcm_stream *s, uint64_t index)
{
    if (!s->used) {
        s->used = true;
        s->highest = index;
    } else if (index > s->highest) {
        uint64_t from = index - s->highest >= GCM_SENDER_WINDOW ? index - GCM_SENDER_WINDOW + 1
                                                                : s->highest + 1;
        for (uint64_t i = from; i <= index; i++)
            s->seen[i % GCM_SENDER_WINDOW / 64] &= ~((uint64_t)1 << (i % 64));
        s->highest = index;
    } else if (s->highest - index >= GCM_SENDER_WINDOW) {
        return false;
    }
    uint64_t bit = (uint64_t)1 << (index % 64);
    uint64_t *word = &s->seen[index % GCM_SENDER_WINDOW / 64];
    if ((*word & bit) != 0)
        return false;
    *word |= bit;
    return true;
}

/* Bytes before the payload: fixed header, CSRCs, extension. 0 when they do not fit. */
static size_t header_bytes(const uint8_t *packet, size_t size)
{
    size_t bytes = RTP_HEADER_BYTES + 4u * (packet[0] & 0x0f);
    if ((packet[0] & 0x10) == 0)
        return bytes <= size ? bytes : 0;
    if (bytes + 4 > size)
        return 0;
    bytes += 4 + 4u * load_u16(packet + bytes + 2);
    return bytes <= size ? bytes : 0;
}

/* RFC 7714 8.1: two zero octets, SSRC, roll-over counter, sequence number, all under the salt. */
static void write_nonce(const struct gcm_sender *g, uint32_t ssrc, uint64_t index, uint8_t *nonce)
{
    store_u16(nonce, 0);
    store_u32(nonce + 2, ssrc);
    store_u32(nonce + 6, (uint32_t)(index >> 16));
    store_u16(nonce + 10, (uint16_t)index);
    for (size_t i = 0; i < GCM_SENDER_SALT_BYTES; i++)
        nonce[i] ^= g->salt[i];
}

enum status gcm_sender_protect(struct gcm_sender *g, uint8_t *packet, size_t *size)
{
    size_t header = *size >= RTP_HEADER_BYTES ? header_bytes(packet, *size) : 0;
    if (header == 0)
        return STATUS_MALFORMED;
    uint32_t ssrc = load_u32(packet + 8);
    struct gcm_stream *s = stream_of(g, ssrc);
    if (s == NULL)
        return STATUS_LIMIT;
    uint64_t index = index_of(s, load_u16(packet + 2));
    if (!take_number(s, index))
        return STATUS_REPLAYED;
    uint8_t nonce[GCM_SENDER_SALT_BYTES];
    write_nonce(g, ssrc, index, nonce);
    int length = 0;
    uint8_t *payload = packet + header;
    int payload_bytes = (int)(*size - header);
    /* The key stays in the context: passing it again would double the cost. */
    if (EVP_EncryptInit_ex(g->context, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(g->context, NULL, &length, packet, (int)header) != 1 ||
        EVP_EncryptUpdate(g->context, payload, &length, payload, payload_bytes) != 1 ||
        EVP_EncryptFinal_ex(g->context, payload + payload_bytes, &length) != 1 ||
        EVP_CIPHER_CTX_ctrl(g->context, EVP_CTRL_GCM_GET_TAG, GCM_SENDER_TAG_BYTES,
                            packet + *size) != 1)
        return STATUS_SYSTEM;
    *size += GCM_SENDER_TAG_BYTES;
    return STATUS_OK;
}
