/* The HTTP side: method, path, headers and body from the input, by integrators with and without a
 * key and by WHIP clients with a real token. */
#include "signaling/core/access_token.h"
#include "signaling/core/service.h"
#include "signaling/core/store.h"

#include <stdlib.h>

#define API_KEY "0123456789abcdef0123456789abcdef"
#define UNIX_S INT64_C(1795449600)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill_store(struct store *store)
{
    struct store_class class = {.id = "c", .title = "t"};
    struct store_invite invite = {
        .id = "i", .class_id = "c", .role = ROLE_TRAINER, .expires_ms = INT64_MAX / 2};
    if (store_add_class(store, &class) != STATUS_OK ||
        store_add_invite(store, &invite) != STATUS_OK || store_commit(store) != STATUS_OK)
        abort();
}

static void make_bearer(const uint8_t *key, char *out, size_t capacity)
{
    struct access_claims claims = {
        .class_id = "c", .invite_id = "i", .role = ROLE_TRAINER, .expires_s = UNIX_S + 3600};
    char token[LIMIT_TOKEN_BYTES];
    if (access_token_sign(&claims, key, token, sizeof token) != STATUS_OK)
        abort();
    snprintf(out, capacity, "Bearer %s", token);
}

/* Takes the next line as a string; NULL for an empty one. */
static char *take_line(struct bytes *input)
{
    const uint8_t *stop = input->size > 0 ? memchr(input->data, '\n', input->size) : NULL;
    size_t size = stop != NULL ? (size_t)(stop - input->data) : input->size;
    char *line = size > 0 ? calloc(1, size + 1) : NULL;
    if (line != NULL)
        memcpy(line, input->data, size);
    input->data += stop != NULL ? size + 1 : size;
    input->size -= stop != NULL ? size + 1 : size;
    return line;
}

static void relay_says(struct service *service, struct instant at, enum control_type type,
                       uint32_t to)
{
    struct control_message *message = calloc(1, sizeof *message);
    if (message == NULL)
        return;
    message->type = type;
    message->to = to;
    service_handle_relay_message(service, at, 0, message);
    free(message);
}

/* The relay answers every offer. */
static void drain(struct service *service, struct instant at)
{
    struct service_output output;
    uint32_t asked = 0;
    while (service_poll_output(service, &output)) {
        if (output.type == SERVICE_RESPONSE &&
            (output.response.status < 200 || output.response.status > 599))
            abort();
        if (output.type == SERVICE_RELAY && output.message->id != 0)
            asked = output.message->id;
    }
    if (asked == 0)
        return;
    relay_says(service, at, CONTROL_PARTICIPANT_ADDED, asked);
    while (service_poll_output(service, &output)) {
    }
}

static void run(struct service *service, struct instant at, const char *bearer, struct bytes input)
{
    for (uint64_t exchange = 1; exchange <= 8 && input.size > 1; exchange++) {
        uint8_t control = input.data[0];
        input.data++, input.size--;
        char *path = take_line(&input), *type = take_line(&input), *match = take_line(&input);
        char *body = take_line(&input), *own = take_line(&input);
        struct http_request request = {.exchange = exchange,
                                       .method = (enum http_method)(control % 8),
                                       .path = path != NULL ? path : "/",
                                       .authorization = control & 0x10   ? own
                                                        : control & 0x20 ? bearer
                                                                         : "Bearer " API_KEY,
                                       .content_type = type,
                                       .if_match = match,
                                       .remote_ip = "192.0.2.1",
                                       .body = body != NULL ? bytes_of_string(body) : BYTES_NONE};
        service_handle_http(service, at, &request);
        drain(service, at);
        if (control & 0x40)
            service_handle_http_aborted(service, at, exchange);
        free(path);
        free(type);
        free(match);
        free(body);
        free(own);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store *store = NULL;
    struct service *service = NULL;
    struct instant at = {SECONDS(10), UNIX_S * 1000000};
    struct service_config config = service_config_default();
    char bearer[LIMIT_TOKEN_BYTES + 16];
    config.base_url = "https://c.example";
    config.api_key = API_KEY;
    if (store_open(&store, ":memory:", NULL) != STATUS_OK)
        abort();
    fill_store(store);
    if (service_create(&service, at, &config, store, NULL) != STATUS_OK)
        abort();
    service_handle_relay_connected(service, at, 0);
    relay_says(service, at, CONTROL_SYNC_END, 0);
    drain(service, at);
    make_bearer(config.token_key, bearer, sizeof bearer);
    run(service, at, bearer, bytes_of(data, size));
    at.now += SECONDS(6);
    service_handle_timeout(service, at);
    drain(service, at);
    service_free(service);
    store_close(store);
    return 0;
}
