#include "client-demo/headless/client_socket.h"

#include <libwebsockets.h>

#define PROTOCOL "amphi.v1"

struct queued_text {
    struct queued_text *next;
    size_t size;
    uint8_t data[]; /* LWS_PRE bytes of room, then the text */
};

struct client_socket {
    struct client_sockets *sockets;
    struct lws *wsi;
    void *owner;
    struct queued_text *first, **last;
    size_t queued;
    uint8_t *received;
    size_t received_bytes, received_capacity;
    bool closing;
};

struct client_sockets {
    struct lws_context *context;
    struct client_socket_events events;
};

static bool parse_authority(struct bytes authority, bool tls, struct client_url *out)
{
    size_t host_end = authority.size;
    uint32_t port = tls ? 443 : 80;
    const uint8_t *colon = NULL;
    for (size_t i = authority.size; i > 0 && colon == NULL && authority.data[i - 1] != ']'; i--) {
        if (authority.data[i - 1] == ':')
            colon = authority.data + i - 1;
    }
    if (colon != NULL) {
        host_end = (size_t)(colon - authority.data);
        port = 0;
        for (size_t i = host_end + 1; i < authority.size && port < 65536; i++) {
            if (authority.data[i] < '0' || authority.data[i] > '9')
                return false;
            port = port * 10 + (uint32_t)(authority.data[i] - '0');
        }
    }
    struct bytes host = {authority.data, host_end};
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
        host = bytes_of(host.data + 1, host.size - 2);
    out->port = (uint16_t)port;
    return port > 0 && port < 65536 && host.size > 0 &&
           bytes_to_string(host, out->host, sizeof out->host);
}

enum status client_url_parse(const char *text, struct client_url *out)
{
    static const struct {
        const char *scheme;
        bool tls;
    } schemes[] = {{"https://", true}, {"http://", false}, {"wss://", true}, {"ws://", false}};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t length = strlen(schemes[i].scheme);
        if (strncmp(text, schemes[i].scheme, length) != 0)
            continue;
        struct client_url url = {.tls = schemes[i].tls};
        const char *authority = text + length;
        size_t authority_bytes = strcspn(authority, "/?#");
        const char *fragment = strchr(authority, '#');
        if (!parse_authority(bytes_of(authority, authority_bytes), url.tls, &url))
            return STATUS_MALFORMED;
        if (fragment != NULL &&
            !bytes_to_string(bytes_of_string(fragment + 1), url.token, sizeof url.token))
            return STATUS_MALFORMED;
        *out = url;
        return STATUS_OK;
    }
    return STATUS_MALFORMED;
}

static void free_socket(struct client_socket *socket)
{
    while (socket->first != NULL) {
        struct queued_text *text = socket->first;
        socket->first = text->next;
        free(text);
    }
    free(socket->received);
    free(socket);
}

static bool keep_fragment(struct client_socket *socket, const void *data, size_t size)
{
    if (socket->received_bytes + size > CLIENT_SOCKET_MESSAGE_BYTES_MAX)
        return false;
    if (socket->received_bytes + size > socket->received_capacity) {
        size_t capacity = (socket->received_bytes + size) * 2;
        uint8_t *more = realloc(socket->received, capacity);
        if (more == NULL)
            return false;
        socket->received = more;
        socket->received_capacity = capacity;
    }
    memcpy(socket->received + socket->received_bytes, data, size);
    socket->received_bytes += size;
    return true;
}

static int handle_received(struct client_socket *socket, const void *data, size_t size)
{
    if (!keep_fragment(socket, data, size))
        return -1;
    if (!lws_is_final_fragment(socket->wsi) || lws_remaining_packet_payload(socket->wsi) > 0)
        return 0;
    struct bytes text = bytes_of(socket->received, socket->received_bytes);
    socket->received_bytes = 0;
    socket->sockets->events.text(socket->owner, text);
    return 0;
}

static int write_one(struct client_socket *socket)
{
    struct queued_text *text = socket->first;
    if (text != NULL) {
        int written = lws_write(socket->wsi, text->data + LWS_PRE, text->size, LWS_WRITE_TEXT);
        if (written < (int)text->size)
            return -1;
        socket->first = text->next;
        if (socket->first == NULL)
            socket->last = &socket->first;
        socket->queued--;
        free(text);
    }
    if (socket->first != NULL || socket->closing)
        lws_callback_on_writable(socket->wsi);
    return text == NULL && socket->closing ? -1 : 0;
}

static int handle_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t size)
{
    struct client_socket *socket = user;
    (void)wsi;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        socket->sockets->events.opened(socket->owner);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return handle_received(socket, in, size);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_one(socket);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
        if (socket != NULL) {
            char why[128] = "closed";
            if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR && in != NULL)
                bytes_to_string(bytes_of(in, size < sizeof why ? size : sizeof why - 1), why,
                                sizeof why);
            lws_set_wsi_user(wsi, NULL);
            socket->sockets->events.closed(socket->owner, why);
            free_socket(socket);
        }
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = PROTOCOL, .callback = handle_event, .rx_buffer_size = 65536},
    {.name = NULL},
};

enum status client_sockets_create(struct client_sockets **out, const char *ca_file,
                                  const struct client_socket_events *events)
{
    lws_set_log_level(0, NULL);
    struct client_sockets *sockets = calloc(1, sizeof *sockets);
    if (sockets == NULL)
        return STATUS_NO_MEMORY;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .client_ssl_ca_filepath = ca_file,
        .gid = -1,
        .uid = -1,
    };
    sockets->events = *events;
    sockets->context = lws_create_context(&info);
    if (sockets->context == NULL) {
        free(sockets);
        return STATUS_SYSTEM;
    }
    *out = sockets;
    return STATUS_OK;
}

void client_sockets_free(struct client_sockets *sockets)
{
    if (sockets == NULL)
        return;
    lws_context_destroy(sockets->context);
    free(sockets);
}

enum status client_sockets_connect(struct client_sockets *sockets, const struct client_url *url,
                                   void *owner, struct client_socket **out)
{
    struct client_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return STATUS_NO_MEMORY;
    socket->sockets = sockets;
    socket->owner = owner;
    socket->last = &socket->first;
    char host[300];
    bool v6 = strchr(url->host, ':') != NULL;
    snprintf(host, sizeof host, v6 ? "[%s]:%u" : "%s:%u", url->host, url->port);
    struct lws_client_connect_info info = {
        .context = sockets->context,
        .address = url->host,
        .port = url->port,
        .path = "/ws",
        .host = host,
        .protocol = PROTOCOL,
        .ssl_connection = url->tls ? LCCSCF_USE_SSL : 0,
        .userdata = socket,
        .pwsi = &socket->wsi,
    };
    /* On failure lws may have reported it already, through the callback, and the socket is gone. */
    *out = socket;
    return lws_client_connect_via_info(&info) != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status client_socket_send(struct client_socket *socket, struct bytes text)
{
    if (socket->queued >= CLIENT_SOCKET_QUEUE_MAX)
        return STATUS_LIMIT;
    struct queued_text *entry = malloc(sizeof *entry + LWS_PRE + text.size);
    if (entry == NULL)
        return STATUS_NO_MEMORY;
    entry->next = NULL;
    entry->size = text.size;
    memcpy(entry->data + LWS_PRE, text.data, text.size);
    *socket->last = entry;
    socket->last = &entry->next;
    socket->queued++;
    lws_callback_on_writable(socket->wsi);
    return STATUS_OK;
}

void client_socket_close(struct client_socket *socket)
{
    socket->closing = true;
    lws_callback_on_writable(socket->wsi);
}

void client_sockets_service(struct client_sockets *sockets)
{
    lws_service(sockets->context, -1);
}
