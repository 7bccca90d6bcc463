/* HTTP API: the log of events and the webhook. */
#include "signaling/core/api_internal.h"
#include "signaling/core/event_log.h"
#include "signaling/core/strict_json.h"

/* `after=N` of the query; 0 when it is missing. False when it is no number. */
static bool read_after(const char *query, uint64_t *out)
{
    *out = 0;
    for (const char *at = query; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, "&");
        if (size > 6 && strncmp(at, "after=", 6) == 0) {
            char number[24];
            if (!bytes_to_string(bytes_of(at + 6, size - 6), number, sizeof number) ||
                number[strspn(number, "0123456789")] != '\0' || strlen(number) > 18)
                return false;
            *out = strtoull(number, NULL, 10);
        } else if (size >= 5 && strncmp(at, "after", 5) == 0 && (size == 5 || at[5] == '=')) {
            return false;
        }
        at += size + (at[size] == '&');
    }
    return true;
}

static bool write_event(void *context, const struct store_event *event)
{
    event_log_write(event, NULL, context);
    return true;
}

void api_list_events(struct api_call *call)
{
    struct text_json text = {0};
    uint64_t after, last = 0;
    if (!read_after(call->request->query, &after)) {
        api_fail(call, CLIENT_BAD_MESSAGE);
        return;
    }
    text_json_open(&text, NULL, '{');
    text_json_open(&text, "events", '[');
    enum status status =
        store_each_event(call->service->store, after, LIMIT_EVENTS_LISTED, write_event, &text);
    text_json_close(&text, ']');
    if (status == STATUS_OK)
        status = store_last_event(call->service->store, &last);
    text_json_uint(&text, "last", last);
    text_json_close(&text, '}');
    if (status == STATUS_OK) {
        api_send_json(call, 200, &text);
        return;
    }
    text_json_destroy(&text);
    api_fail(call, CLIENT_INTERNAL);
}

/* --- Webhook */

static void send_webhook(struct api_call *call)
{
    const struct webhook *webhook = &call->service->webhook;
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_string(&text, "url", webhook->record.url);
    text_json_uint(&text, "delivered", webhook->record.delivered);
    text_json_uint(&text, "last", webhook->last);
    text_json_uint(&text, "failed_attempts", webhook->attempts);
    text_json_int(&text, "last_status", webhook->last_status);
    text_json_close(&text, '}');
    api_send_json(call, 200, &text);
}

void api_get_webhook(struct api_call *call)
{
    if (call->service->webhook.set)
        send_webhook(call);
    else
        api_fail(call, CLIENT_NOT_FOUND);
}

static enum client_error read_webhook(struct api_call *call, const json_t *body,
                                      struct store_webhook *out)
{
    const char *url = NULL, *secret = NULL;
    if (!strict_json_get_string(body, "url", true, &url) ||
        !strict_json_get_string(body, "secret", true, &secret) || !webhook_is_url(url) ||
        secret[0] == '\0' || strlen(secret) >= WEBHOOK_SECRET_BYTES)
        return CLIENT_BAD_MESSAGE;
    *out = (struct store_webhook){0};
    snprintf(out->url, sizeof out->url, "%s", url);
    snprintf(out->secret, sizeof out->secret, "%s", secret);
    /* The same address goes on where it was; a new one hears of what happens from now on. */
    const struct webhook *webhook = &call->service->webhook;
    if (webhook->set && strcmp(webhook->record.url, url) == 0) {
        out->delivered = webhook->record.delivered;
        return CLIENT_OK;
    }
    return store_last_event(call->service->store, &out->delivered) == STATUS_OK ? CLIENT_OK
                                                                                : CLIENT_INTERNAL;
}

void api_set_webhook(struct api_call *call)
{
    struct store_webhook record;
    json_t *body = api_read_body(call);
    if (body == NULL)
        return;
    enum client_error error = read_webhook(call, body, &record);
    json_decref(body);
    if (error == CLIENT_OK && store_set_webhook(call->service->store, &record) != STATUS_OK)
        error = CLIENT_INTERNAL;
    if (error != CLIENT_OK) {
        api_fail(call, error);
        return;
    }
    webhook_change(&call->service->webhook, call->at.now, &record);
    send_webhook(call);
}

void api_remove_webhook(struct api_call *call)
{
    if (store_remove_webhook(call->service->store) != STATUS_OK) {
        api_fail(call, CLIENT_INTERNAL);
        return;
    }
    webhook_change(&call->service->webhook, call->at.now, NULL);
    http_reply_empty(call->service, call->request->exchange, 204);
}
