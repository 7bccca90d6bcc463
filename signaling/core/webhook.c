#include "signaling/core/webhook.h"

#include "base/usec.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void webhook_init(struct webhook *webhook, const struct store_webhook *record, uint64_t last)
{
    *webhook = (struct webhook){.last = last, .due = USEC_NEVER};
    if (record == NULL)
        return;
    webhook->set = true;
    webhook->record = *record;
    webhook->due = last > record->delivered ? 0 : USEC_NEVER;
}

void webhook_change(struct webhook *webhook, usec_t now, const struct store_webhook *record)
{
    webhook->set = record != NULL;
    webhook->record = record != NULL ? *record : (struct store_webhook){0};
    webhook->in_flight = 0;
    webhook->attempts = 0;
    webhook->last_status = 0;
    webhook->ready = false;
    webhook->due = webhook->set && webhook->last > webhook->record.delivered ? now : USEC_NEVER;
}

void webhook_note_event(struct webhook *webhook, uint64_t seq)
{
    webhook->last = seq;
    if (webhook->set && webhook->in_flight == 0 && webhook->attempts == 0 && !webhook->ready)
        webhook->due = 0;
}

void webhook_handle_timeout(struct webhook *webhook, usec_t now)
{
    if (webhook->due > now)
        return;
    webhook->due = USEC_NEVER;
    webhook->ready = true;
}

bool webhook_is_ready(const struct webhook *webhook, uint64_t *after)
{
    *after = webhook->record.delivered;
    return webhook->ready;
}

uint64_t webhook_start(struct webhook *webhook, uint64_t seq)
{
    webhook->in_flight = seq;
    webhook->due = USEC_NEVER;
    webhook->ready = false;
    return ++webhook->number;
}

void webhook_rest(struct webhook *webhook)
{
    webhook->due = USEC_NEVER;
    webhook->ready = false;
}

static usec_t wait_after(unsigned attempts)
{
    usec_t wait = WEBHOOK_WAIT_MIN_US;
    while (--attempts > 0 && wait < WEBHOOK_WAIT_MAX_US)
        wait *= 2;
    return usec_min(wait, WEBHOOK_WAIT_MAX_US);
}

bool webhook_handle_result(struct webhook *webhook, usec_t now, uint64_t number, int status)
{
    if (webhook->in_flight == 0 || number != webhook->number)
        return false; /* meanwhile it goes elsewhere */
    bool done = status >= 200 && status < 300;
    webhook->last_status = status;
    webhook->attempts = done ? 0 : webhook->attempts + 1;
    if (done)
        webhook->record.delivered = webhook->in_flight;
    webhook->in_flight = 0;
    if (!done)
        webhook->due = now + wait_after(webhook->attempts);
    else if (webhook->last > webhook->record.delivered)
        webhook->due = now;
    return done;
}

bool webhook_is_url(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    if (scheme == 0 || strlen(url) >= WEBHOOK_URL_BYTES)
        return false;
    for (const char *at = url; *at != '\0'; at++) {
        if (*at <= ' ' || *at == 0x7f || strchr("\"<>\\^`{|}", *at) != NULL)
            return false; /* characters above 127 are negative, or belong escaped */
    }
    size_t authority = strcspn(url + scheme, "/?#");
    return authority > 0 && url[scheme] != ':' && memchr(url + scheme, '@', authority) == NULL &&
           strchr(url, '#') == NULL;
}

enum status webhook_sign(const char *secret, int64_t unix_s, struct bytes body,
                         char out[WEBHOOK_SIGNATURE_BYTES])
{
    char head[32];
    int head_size = snprintf(head, sizeof head, "%" PRId64 ".", unix_s);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    size_t size = (size_t)head_size + body.size;
    unsigned char *signed_text = malloc(size);
    if (signed_text == NULL)
        return STATUS_NO_MEMORY;
    memcpy(signed_text, head, (size_t)head_size);
    memcpy(signed_text + head_size, body.data, body.size);
    bool done = HMAC(EVP_sha256(), secret, (int)strlen(secret), signed_text, size, digest,
                     &digest_size) != NULL;
    free(signed_text);
    if (!done)
        return STATUS_SYSTEM;
    int used = snprintf(out, WEBHOOK_SIGNATURE_BYTES, "t=%" PRId64 ",v1=", unix_s);
    for (unsigned i = 0; i < digest_size; i++)
        used += snprintf(out + used, (size_t)(WEBHOOK_SIGNATURE_BYTES - used), "%02x", digest[i]);
    return STATUS_OK;
}
