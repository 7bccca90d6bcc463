#include "unit/signaling/harness.h"

char *json_offer(const char *sdp)
{
    json_t *string = json_string(sdp);
    char *text = json_dumps(string, JSON_ENCODE_ANY);
    json_decref(string);
    return text;
}

static void harness_note_headers(struct seen *seen, const struct http_response *response)
{
    for (size_t i = 0; i < response->header_count; i++) {
        const char *name = response->headers[i].name, *value = response->headers[i].value;
        if (strcmp(name, "Location") == 0)
            snprintf(seen->location, sizeof seen->location, "%s", value);
        if (strcmp(name, "ETag") == 0)
            snprintf(seen->etag, sizeof seen->etag, "%s", value);
        if (strcmp(name, "Allow") == 0)
            snprintf(seen->allow, sizeof seen->allow, "%s", value);
        if (strcmp(name, "Accept-Post") == 0)
            snprintf(seen->accept_post, sizeof seen->accept_post, "%s", value);
    }
    if (response->content_type != NULL)
        snprintf(seen->content_type, sizeof seen->content_type, "%s", response->content_type);
}

char *copy_bytes(struct bytes bytes)
{
    char *text = calloc(1, bytes.size + 1);
    assert_non_null(text);
    if (bytes.size > 0)
        memcpy(text, bytes.data, bytes.size);
    return text;
}

static struct seen *harness_keep(struct harness *h, const struct service_output *output)
{
    if (h->seen_count == h->seen_capacity) {
        h->seen_capacity = h->seen_capacity == 0 ? 256 : h->seen_capacity * 2;
        h->seen = realloc(h->seen, h->seen_capacity * sizeof *h->seen);
        assert_non_null(h->seen);
    }
    struct seen *seen = &h->seen[h->seen_count++];
    *seen = (struct seen){.type = output->type};
    switch (output->type) {
    case SERVICE_SEND:
        seen->number = output->connection;
        seen->text = copy_bytes(output->text);
        break;
    case SERVICE_CLOSE:
        seen->number = output->connection;
        seen->close_code = output->code;
        break;
    case SERVICE_RESPONSE:
        seen->number = output->exchange;
        seen->status = output->response.status;
        seen->text = copy_bytes(output->response.body);
        harness_note_headers(seen, &output->response);
        break;
    case SERVICE_RELAY:
        seen->number = output->relay;
        seen->message = malloc(sizeof *seen->message);
        assert_non_null(seen->message);
        *seen->message = *output->message;
        break;
    }
    return seen;
}

void harness_relay_answers(struct harness *h, uint32_t to)
{
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_PARTICIPANT_ADDED;
    message->to = to;
    snprintf(message->participant_added.local_ice.ufrag, ICE_UFRAG_BYTES, "relay%u", to);
    snprintf(message->participant_added.local_ice.pwd, ICE_PWD_BYTES, "relaypasswordrelaypass%u",
             to);
    message->participant_added.candidate_count = 1;
    struct control_candidate *candidate = &message->participant_added.candidates[0];
    candidate->addr = (struct net_addr){.ip = {127, 0, 0, 1}, .port = 40000, .family = 4};
    candidate->priority = 1;
    harness_relay_says(h, message);
    free(message);
}

void harness_drain(struct harness *h)
{
    struct service_output output;
    uint32_t answers[64];
    size_t answer_count = 0;
    while (service_poll_output(h->service, &output)) {
        const struct seen *seen = harness_keep(h, &output);
        bool asks = seen->message != NULL && (seen->message->type == CONTROL_PARTICIPANT_ADD ||
                                              seen->message->type == CONTROL_ICE_RESTART);
        if (asks && h->relay_answers && answer_count < 64)
            answers[answer_count++] = seen->message->id;
    }
    for (size_t i = 0; i < answer_count; i++)
        harness_relay_answers(h, answers[i]);
}

void harness_relay_says(struct harness *h, const struct control_message *message)
{
    service_handle_relay_message(h->service, h->at, RELAY, message);
    harness_drain(h);
}

struct service_config harness_config(const struct harness *h)
{
    struct service_config config = service_config_default();
    config.base_url = "https://classe.example.org";
    config.api_key = API_KEY;
    config.openapi_json = "{\"openapi\":\"3.0.3\"}";
    memset(config.token_key, 7, sizeof config.token_key);
    if (h->participants_max != 0)
        config.participants_per_class_max = h->participants_max;
    return config;
}

void harness_start_service(struct harness *h)
{
    struct service_config config = harness_config(h);
    assert_int_equal(service_create(&h->service, h->at, &config, h->store, NULL), STATUS_OK);
}

void harness_restart_service(struct harness *h)
{
    service_free(h->service);
    harness_start_service(h);
}

void harness_relay_hello(struct harness *h, const char *boot_id)
{
    struct control_message *hello = calloc(1, sizeof *hello);
    assert_non_null(hello);
    hello->type = CONTROL_HELLO;
    hello->hello.version = CONTROL_VERSION;
    hello->hello.capacity = 2000;
    snprintf(hello->hello.boot_id, sizeof hello->hello.boot_id, "%s", boot_id);
    service_handle_relay_connected(h->service, h->at, RELAY);
    harness_relay_says(h, hello);
    free(hello);
}

void harness_relay_sync_end(struct harness *h)
{
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_SYNC_END;
    harness_relay_says(h, message);
    free(message);
}

void harness_relay_holds(struct harness *h, uint64_t room, uint64_t participant, uint32_t session)
{
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_SYNC_PARTICIPANT;
    message->sync_participant = (struct control_sync_participant){.room = room,
                                                                  .participant = participant,
                                                                  .session = session,
                                                                  .state = CONTROL_MEDIA_CONNECTED};
    harness_relay_says(h, message);
    free(message);
}

void harness_relay_state(struct harness *h, uint64_t participant, uint32_t session,
                         enum control_media_state state)
{
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_PARTICIPANT_STATE;
    message->participant_state.participant = participant;
    message->participant_state.session = session;
    message->participant_state.state = state;
    harness_relay_says(h, message);
    free(message);
}

void harness_relay_up(struct harness *h)
{
    harness_relay_hello(h, "boot-1");
    harness_relay_sync_end(h);
}

void harness_relay_down(struct harness *h)
{
    service_handle_relay_disconnected(h->service, h->at, RELAY);
    harness_drain(h);
}

void harness_run_for(struct harness *h, usec_t duration)
{
    usec_t end = h->at.now + duration;
    usec_t next;
    while ((next = service_next_timeout(h->service)) <= end) {
        usec_t step = usec_max(next - h->at.now, 0);
        h->at.now += step;
        h->at.unix_us += step;
        service_handle_timeout(h->service, h->at);
        harness_drain(h);
        assert_true(service_next_timeout(h->service) > h->at.now); /* no timer spins */
    }
    h->at.unix_us += end - h->at.now;
    h->at.now = end;
}

uint64_t harness_connect(struct harness *h)
{
    uint64_t connection = ++h->next_connection;
    service_handle_connected(h->service, h->at, connection, h->remote_ip);
    harness_drain(h);
    return connection;
}

void harness_disconnect(struct harness *h, uint64_t connection)
{
    service_handle_disconnected(h->service, h->at, connection);
    harness_drain(h);
}

void harness_send_bytes(struct harness *h, uint64_t connection, struct bytes text)
{
    service_handle_message(h->service, h->at, connection, text);
    harness_drain(h);
}

void harness_send(struct harness *h, uint64_t connection, const char *format, ...)
{
    static char text[100000];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_true(size > 0 && (size_t)size < sizeof text);
    harness_send_bytes(h, connection, bytes_of(text, (size_t)size));
}

void harness_forget(struct harness *h)
{
    h->mark = h->seen_count;
}

size_t harness_place(const struct harness *h, uint64_t connection, const char *part)
{
    for (size_t i = h->mark; i < h->seen_count; i++) {
        if (h->seen[i].type == SERVICE_SEND && h->seen[i].number == connection &&
            strstr(h->seen[i].text, part) != NULL)
            return i;
    }
    return SIZE_MAX;
}

bool harness_got(const struct harness *h, uint64_t connection, const char *part)
{
    return harness_place(h, connection, part) != SIZE_MAX;
}

size_t harness_count(const struct harness *h, uint64_t connection, const char *part)
{
    size_t count = 0;
    for (size_t i = h->mark; i < h->seen_count; i++)
        count += h->seen[i].type == SERVICE_SEND && h->seen[i].number == connection &&
                 strstr(h->seen[i].text, part) != NULL;
    return count;
}

uint16_t harness_close_code(const struct harness *h, uint64_t connection)
{
    for (size_t i = h->mark; i < h->seen_count; i++) {
        if (h->seen[i].type == SERVICE_CLOSE && h->seen[i].number == connection)
            return h->seen[i].close_code;
    }
    return 0;
}

size_t harness_relay_place(const struct harness *h, enum control_type type, uint64_t participant)
{
    for (size_t i = h->mark; i < h->seen_count; i++) {
        const struct control_message *message = h->seen[i].message;
        if (message == NULL || message->type != type)
            continue;
        uint64_t about = type == CONTROL_GRANT             ? message->grant.participant
                         : type == CONTROL_BIND            ? message->bind.participant
                         : type == CONTROL_PARTICIPANT_ADD ? message->participant_add.participant
                         : type == CONTROL_PARTICIPANT_REMOVE
                             ? message->participant_remove.participant
                         : type == CONTROL_ICE_RESTART ? message->ice_restart.participant
                         : type == CONTROL_ROOM_CLOSE  ? message->room_close
                                                       : 0;
        if (about == participant)
            return i;
    }
    return SIZE_MAX;
}

void assert_before(size_t first, size_t second)
{
    assert_int_not_equal(first, SIZE_MAX);
    assert_int_not_equal(second, SIZE_MAX);
    assert_true(first < second);
}

int harness_grant(const struct harness *h, uint64_t participant, enum send_slot slot)
{
    int open = -1;
    for (size_t i = 0; i < h->seen_count; i++) {
        const struct control_message *message = h->seen[i].message;
        if (message != NULL && message->type == CONTROL_GRANT &&
            message->grant.participant == participant && message->grant.slot == slot)
            open = message->grant.open;
        if (message != NULL && message->type == CONTROL_PARTICIPANT_ADD &&
            message->participant_add.participant == participant)
            open = -1;
    }
    return open;
}

uint64_t harness_bound(const struct harness *h, enum room_slot slot)
{
    uint64_t participant = 0;
    for (size_t i = 0; i < h->seen_count; i++) {
        const struct control_message *message = h->seen[i].message;
        if (message != NULL && message->type == CONTROL_BIND && message->bind.slot == slot)
            participant = message->bind.participant;
    }
    return participant;
}

char *harness_value(const struct harness *h, uint64_t connection, const char *type,
                    const char *outer, const char *key)
{
    char *value = NULL;
    for (size_t i = h->mark; i < h->seen_count; i++) {
        if (h->seen[i].type != SERVICE_SEND || h->seen[i].number != connection)
            continue;
        json_t *tree = json_loads(h->seen[i].text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(tree); /* whatever we send is JSON */
        const char *found = json_string_value(json_object_get(tree, "type"));
        if (found != NULL && strcmp(found, type) == 0) {
            const json_t *object = outer != NULL ? json_object_get(tree, outer) : tree;
            const char *text = json_string_value(json_object_get(object, key));
            free(value);
            value = text != NULL ? copy_bytes(bytes_of_string(text)) : NULL;
        }
        json_decref(tree);
    }
    return value;
}

const struct seen *harness_response(const struct harness *h, uint64_t exchange)
{
    for (size_t i = h->seen_count; i > 0; i--) {
        if (h->seen[i - 1].type == SERVICE_RESPONSE && h->seen[i - 1].number == exchange)
            return &h->seen[i - 1];
    }
    return NULL;
}

uint64_t harness_http(struct harness *h, enum http_method method, const char *path,
                      const char *bearer, const char *content_type, const char *if_match,
                      const char *body)
{
    char authorization[6000];
    snprintf(authorization, sizeof authorization, "Bearer %s", bearer != NULL ? bearer : "");
    struct http_request request = {.exchange = ++h->next_exchange,
                                   .method = method,
                                   .path = path,
                                   .authorization = bearer != NULL ? authorization : NULL,
                                   .content_type = content_type,
                                   .if_match = if_match,
                                   .remote_ip = h->remote_ip,
                                   .body = body != NULL ? bytes_of_string(body) : BYTES_NONE};
    service_handle_http(h->service, h->at, &request);
    harness_drain(h);
    return request.exchange;
}

const struct seen *harness_api(struct harness *h, enum http_method method, const char *path,
                               const char *body)
{
    uint64_t exchange = harness_http(h, method, path, API_KEY,
                                     body != NULL ? "application/json" : NULL, NULL, body);
    const struct seen *response = harness_response(h, exchange);
    assert_non_null(response);
    return response;
}

char *body_value(const struct seen *response, const char *key)
{
    json_t *tree = json_loads(response->text, 0, NULL);
    assert_non_null(tree);
    const char *text = json_string_value(json_object_get(tree, key));
    char *value = text != NULL ? copy_bytes(bytes_of_string(text)) : NULL;
    json_decref(tree);
    return value;
}

void harness_new_class(struct harness *h, const char *title, char *class_id)
{
    char body[200];
    snprintf(body, sizeof body, "{\"title\":\"%s\"}", title);
    const struct seen *response = harness_api(h, HTTP_POST, "/api/v1/classes", body);
    assert_int_equal(response->status, 201);
    char *id = body_value(response, "class_id");
    assert_non_null(id);
    snprintf(class_id, 64, "%s", id);
    free(id);
}

char *harness_invite_to(struct harness *h, const char *class_id, const char *role, const char *name,
                        const char *more)
{
    char path[200], body[400];
    snprintf(path, sizeof path, "/api/v1/classes/%s/invites", class_id);
    snprintf(body, sizeof body, "{\"role\":\"%s\",\"name\":\"%s\"%s}", role, name, more);
    const struct seen *response = harness_api(h, HTTP_POST, path, body);
    assert_int_equal(response->status, 201);
    return body_value(response, "token");
}

char *harness_invite(struct harness *h, const char *role, const char *name)
{
    return harness_invite_to(h, h->class_id, role, name, "");
}

void harness_hello(struct harness *h, uint64_t connection, const char *token)
{
    harness_send(h, connection, "{\"type\":\"hello\",\"id\":1,\"version\":1,\"token\":\"%s\"}",
                 token);
}

void harness_resume(struct harness *h, uint64_t connection, const char *token)
{
    harness_send(h, connection, "{\"type\":\"hello\",\"id\":1,\"version\":1,\"resume\":\"%s\"}",
                 token);
}

void harness_read_welcome(struct harness *h, struct person *person)
{
    char *id = harness_value(h, person->connection, "welcome", "participant", "id");
    char *resume = harness_value(h, person->connection, "welcome", NULL, "resume_token");
    assert_non_null(id);
    assert_non_null(resume);
    person->id = strtoull(id, NULL, 10);
    snprintf(person->resume, sizeof person->resume, "%s", resume);
    free(id);
    free(resume);
}

struct person harness_join_with(struct harness *h, const char *token)
{
    struct person person = {.connection = harness_connect(h)};
    harness_hello(h, person.connection, token);
    harness_read_welcome(h, &person);
    return person;
}

struct person harness_join(struct harness *h, const char *role, const char *name)
{
    char *token = harness_invite(h, role, name);
    struct person person = harness_join_with(h, token);
    free(token);
    return person;
}

void harness_offer(struct harness *h, const struct person *person)
{
    char *sdp = json_offer(OFFER);
    harness_send(h, person->connection, "{\"type\":\"offer\",\"id\":50,\"sdp\":%s}", sdp);
    free(sdp);
}

void ask(struct harness *h, const struct person *who, const char *type, const char *format, ...)
{
    char more[400];
    va_list args;
    va_start(args, format);
    vsnprintf(more, sizeof more, format, args);
    va_end(args);
    harness_run_for(h, MILLISECONDS(300)); /* whatever was gathering is out */
    harness_send(h, who->connection, "{\"type\":\"%s\",\"id\":77%s}", type, more);
}

void ask_about(struct harness *h, const struct person *who, const char *type,
               const struct person *about)
{
    ask(h, who, type, ",\"participant\":\"%d\"", (int)about->id);
}

int harness_setup(void **state)
{
    struct harness *h = calloc(1, sizeof *h);
    if (h == NULL || store_open(&h->store, ":memory:", NULL) != STATUS_OK)
        return -1;
    h->at = (struct instant){.now = SECONDS(1000), .unix_us = START_UNIX_US};
    h->relay_answers = true;
    h->remote_ip = "127.0.0.1";
    harness_start_service(h);
    harness_new_class(h, "Anglais", h->class_id);
    *state = h;
    return 0;
}

int harness_teardown(void **state)
{
    struct harness *h = *state;
    service_free(h->service);
    store_close(h->store);
    for (size_t i = 0; i < h->seen_count; i++) {
        free(h->seen[i].text);
        free(h->seen[i].message);
    }
    free(h->seen);
    free(h);
    return 0;
}
