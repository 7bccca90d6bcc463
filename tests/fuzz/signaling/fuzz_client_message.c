/* The whole dispatcher: lines of the input are messages, in turn from a stranger and from three
 * people in a class; a line of the form "!n" is what the world does meanwhile. */
#include "signaling/core/service.h"
#include "signaling/core/store.h"

#include <stdlib.h>

#define API_KEY "0123456789abcdef0123456789abcdef"
#define CONNECTIONS 4
#define MESSAGES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct store *store;
    struct service *service;
    struct instant at;
    char class_id[64], token[4096];
    uint32_t request; /* the last that the relay has to answer */
};

/* The text between `from` and the next quote. */
static void copy_between(struct bytes text, const char *from, char *out, size_t capacity)
{
    size_t length = strlen(from);
    for (size_t i = 0; i + length <= text.size; i++) {
        if (memcmp(text.data + i, from, length) != 0)
            continue;
        const uint8_t *start = text.data + i + length;
        const uint8_t *end = memchr(start, '"', text.size - i - length);
        if (end != NULL)
            (void)bytes_to_string(bytes_of(start, (size_t)(end - start)), out, capacity);
        return;
    }
}

static void drain(struct world *w)
{
    struct service_output output;
    while (service_poll_output(w->service, &output)) {
        if (output.type == SERVICE_RESPONSE) {
            copy_between(output.response.body, "\"class_id\":\"", w->class_id, sizeof w->class_id);
            copy_between(output.response.body, "\"token\":\"", w->token, sizeof w->token);
        }
        if (output.type == SERVICE_RELAY && output.message->type == CONTROL_PARTICIPANT_ADD)
            w->request = output.message->id;
    }
}

static void request(struct world *w, const char *path, const char *body)
{
    struct http_request http = {.exchange = 1,
                                .method = HTTP_POST,
                                .path = path,
                                .authorization = "Bearer " API_KEY,
                                .content_type = "application/json",
                                .remote_ip = "192.0.2.1",
                                .body = bytes_of_string(body)};
    service_handle_http(w->service, w->at, &http);
    drain(w);
}

static void join(struct world *w, uint64_t connection, const char *role)
{
    char path[160], body[64], hello[4400];
    service_handle_connected(w->service, w->at, connection, "192.0.2.1");
    if (role == NULL)
        return;
    snprintf(path, sizeof path, "/api/v1/classes/%s/invites", w->class_id);
    snprintf(body, sizeof body, "{\"role\":\"%s\"}", role);
    request(w, path, body);
    snprintf(hello, sizeof hello, "{\"type\":\"hello\",\"id\":1,\"version\":1,\"token\":\"%s\"}",
             w->token);
    service_handle_message(w->service, w->at, connection, bytes_of_string(hello));
    drain(w);
}

static bool open_world(struct world *w)
{
    *w = (struct world){.at = {SECONDS(10), SECONDS(1795449600)}};
    struct service_config config = service_config_default();
    config.base_url = "https://c.example";
    config.api_key = API_KEY;
    if (store_open(&w->store, ":memory:", NULL) != STATUS_OK)
        return false;
    if (service_create(&w->service, w->at, &config, w->store, NULL) != STATUS_OK)
        return false;
    request(w, "/api/v1/classes", "{\"title\":\"t\"}");
    static const char *const roles[CONNECTIONS] = {NULL, "trainer", "learner", "operator"};
    for (uint64_t i = 0; i < CONNECTIONS; i++)
        join(w, i + 1, roles[i]);
    return true;
}

static void relay_says(struct world *w, enum control_type type, uint32_t to)
{
    struct control_message *message = calloc(1, sizeof *message);
    if (message == NULL)
        return;
    message->type = type;
    message->to = to;
    service_handle_relay_message(w->service, w->at, 0, message);
    free(message);
}

static void happen(struct world *w, uint8_t what)
{
    switch (what % 6) {
    case 0:
        service_handle_relay_connected(w->service, w->at, 0);
        relay_says(w, CONTROL_SYNC_END, 0);
        break;
    case 1:
        service_handle_relay_disconnected(w->service, w->at, 0);
        break;
    case 2:
        relay_says(w, what % 2 == 0 ? CONTROL_PARTICIPANT_ADDED : CONTROL_ERROR, w->request);
        break;
    case 3:
        service_handle_disconnected(w->service, w->at, 1 + what % CONNECTIONS);
        break;
    case 4:
        service_handle_connected(w->service, w->at, 1 + what % CONNECTIONS, "192.0.2.1");
        break;
    default:
        w->at.now += SECONDS(what % 80);
        w->at.unix_us += SECONDS(what % 80);
        service_handle_timeout(w->service, w->at);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w;
    if (!open_world(&w))
        abort();
    const uint8_t *end = data + size;
    for (uint64_t turn = 0; turn < MESSAGES_MAX && data < end; turn++) {
        const uint8_t *stop = memchr(data, '\n', (size_t)(end - data));
        struct bytes line = {data, (size_t)((stop != NULL ? stop : end) - data)};
        if (line.size > 1 && line.data[0] == '!')
            happen(&w, line.data[1]);
        else
            service_handle_message(w.service, w.at, 1 + turn % CONNECTIONS, line);
        drain(&w);
        data = stop != NULL ? stop + 1 : end;
    }
    service_free(w.service);
    store_close(w.store);
    return 0;
}
