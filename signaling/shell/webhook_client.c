#include "signaling/shell/webhook_client.h"

#include "host/net_sockaddr.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS_MAX 16 /* a connection, its attempts over IPv4 and IPv6, the resolver's */
#define CONNECT_WITHIN_MS 5000L
#define ANSWER_WITHIN_MS 10000L
#define ANSWER_BYTES_MAX 65536

struct webhook_socket {
    struct webhook_client *client;
    struct event_watch *watch; /* NULL: free */
    curl_socket_t fd;
    bool wants_out;
};

struct webhook_client {
    struct event_loop *loop;
    struct service *service;
    const struct webhook_client_config *config;
    const struct log *log;
    CURLM *multi;
    struct event_timer timer;
    struct webhook_socket sockets[SOCKETS_MAX];
    CURL *request; /* the one under way */
    struct curl_slist *headers;
    uint64_t number;
    size_t answer_bytes;
};

/* --- What libcurl wants to be told about */

static void drive(struct webhook_client *client, curl_socket_t fd, int events);

static void handle_readable(void *context)
{
    struct webhook_socket *entry = context;
    drive(entry->client, entry->fd, CURL_CSELECT_IN);
}

static void handle_writable(void *context)
{
    struct webhook_socket *entry = context;
    drive(entry->client, entry->fd, CURL_CSELECT_OUT);
    if (entry->watch != NULL && entry->wants_out)
        event_watch_want_writable(entry->watch);
}

/* Hung up: whatever is left to read is read by libcurl itself. */
static void handle_gone(void *context)
{
    struct webhook_socket *entry = context;
    entry->watch = NULL;
    drive(entry->client, entry->fd, CURL_CSELECT_IN | CURL_CSELECT_ERR);
}

static struct webhook_socket *find_socket(struct webhook_client *client, curl_socket_t fd)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (client->sockets[i].watch != NULL && client->sockets[i].fd == fd)
            return &client->sockets[i];
    }
    return NULL;
}

static struct webhook_socket *add_socket(struct webhook_client *client, curl_socket_t fd)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        struct webhook_socket *entry = &client->sockets[i];
        if (entry->watch != NULL)
            continue;
        struct event_watch_callbacks callbacks = {.context = entry,
                                                  .on_readable = handle_readable,
                                                  .on_writable = handle_writable,
                                                  .on_gone = handle_gone};
        *entry = (struct webhook_socket){.client = client, .fd = fd};
        return event_loop_watch(client->loop, fd, &callbacks, &entry->watch) == STATUS_OK ? entry
                                                                                          : NULL;
    }
    return NULL;
}

static int handle_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket)
{
    struct webhook_client *client = context;
    struct webhook_socket *entry = find_socket(client, fd);
    (void)easy;
    (void)socket;
    if (what == CURL_POLL_REMOVE) {
        if (entry != NULL)
            event_watch_remove(entry->watch);
        if (entry != NULL)
            entry->watch = NULL;
        return 0;
    }
    if (entry == NULL)
        entry = add_socket(client, fd);
    if (entry == NULL)
        return -1; /* the attempt fails and is made again later */
    entry->wants_out = (what & CURL_POLL_OUT) != 0;
    if (entry->wants_out)
        event_watch_want_writable(entry->watch);
    return 0;
}

static int handle_timer_wish(CURLM *multi, long timeout_ms, void *context)
{
    struct webhook_client *client = context;
    usec_t now = event_loop_instant().now;
    (void)multi;
    event_timer_arm(&client->timer, now,
                    timeout_ms < 0 ? USEC_NEVER : now + MILLISECONDS((usec_t)timeout_ms));
    return 0;
}

static void handle_due(void *context)
{
    drive(context, CURL_SOCKET_TIMEOUT, 0);
}

/* --- One request */

/* Asked with the address that a name has led to, so that no name is a way around it. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct webhook_client *client = context;
    struct sockaddr_storage given;
    struct net_addr addr;
    (void)purpose;
    memset(&given, 0, sizeof(given));
    memcpy(&given, &to->addr, to->addrlen < sizeof(given) ? to->addrlen : sizeof(given));
    if (client->config->public_only &&
        (!net_addr_of_sockaddr(&given, &addr) || !net_addr_is_public(&addr))) {
        log_warn(client->log, "webhook_refused", "reason=\"no public address\"");
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t count_answer(char *data, size_t size, size_t count, void *context)
{
    struct webhook_client *client = context;
    (void)data;
    client->answer_bytes += size * count;
    return client->answer_bytes <= ANSWER_BYTES_MAX ? size * count : 0;
}

static void end_request(struct webhook_client *client)
{
    if (client->request != NULL) {
        (void)curl_multi_remove_handle(client->multi, client->request);
        curl_easy_cleanup(client->request);
    }
    client->request = NULL;
    curl_slist_free_all(client->headers);
    client->headers = NULL;
}

static void finish(struct webhook_client *client, CURLcode code)
{
    long status = 0;
    /* An answer too long to be read is an answer. */
    if (code == CURLE_OK || code == CURLE_WRITE_ERROR)
        (void)curl_easy_getinfo(client->request, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        log_warn(client->log, "webhook_failed", "status=%ld reason=\"%s\"", status,
                 curl_easy_strerror(code));
    end_request(client);
    service_handle_post_result(client->service, event_loop_instant(), client->number, (int)status);
}

static void drive(struct webhook_client *client, curl_socket_t fd, int events)
{
    int running = 0, left = 0;
    (void)curl_multi_socket_action(client->multi, fd, events, &running);
    CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE && message->easy_handle == client->request)
            finish(client, message->data.result);
    }
}

static bool add_header(struct webhook_client *client, const char *line)
{
    struct curl_slist *grown = curl_slist_append(client->headers, line);
    if (grown != NULL)
        client->headers = grown;
    return grown != NULL;
}

static bool set_options(struct webhook_client *client, const struct service_post *post)
{
    char signature[256];
    CURL *request = client->request;
    snprintf(signature, sizeof(signature), "Amphi-Signature: %s", post->signature);
    bool fine =
        add_header(client, "Content-Type: application/json") && add_header(client, "Expect:");
    fine = fine && add_header(client, signature);
    fine = fine && curl_easy_setopt(request, CURLOPT_URL, post->url) == CURLE_OK;
    fine = fine && curl_easy_setopt(request, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    fine = fine && curl_easy_setopt(request, CURLOPT_POSTFIELDSIZE_LARGE,
                                    (curl_off_t)post->body.size) == CURLE_OK;
    fine = fine && curl_easy_setopt(request, CURLOPT_COPYPOSTFIELDS, post->body.data) == CURLE_OK;
    fine = fine && curl_easy_setopt(request, CURLOPT_HTTPHEADER, client->headers) == CURLE_OK;
    /* An empty one, rather than none: else the environment's is taken. */
    fine = fine && curl_easy_setopt(request, CURLOPT_PROXY, client->config->proxy) == CURLE_OK;
    fine = fine && curl_easy_setopt(request, CURLOPT_NOPROXY, "") == CURLE_OK;
    fine = fine && curl_easy_setopt(request, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(request, CURLOPT_OPENSOCKETDATA, client) == CURLE_OK;
    (void)curl_easy_setopt(request, CURLOPT_USERAGENT, "amphi/" AMPHI_VERSION);
    (void)curl_easy_setopt(request, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(request, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(request, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_WITHIN_MS);
    (void)curl_easy_setopt(request, CURLOPT_TIMEOUT_MS, ANSWER_WITHIN_MS);
    (void)curl_easy_setopt(request, CURLOPT_WRITEFUNCTION, count_answer);
    (void)curl_easy_setopt(request, CURLOPT_WRITEDATA, client);
    return fine;
}

void webhook_client_start_due(struct webhook_client *client, struct instant at)
{
    struct service_post post;
    if (!service_poll_post(client->service, at, &post))
        return;
    end_request(client); /* whose address was changed meanwhile */
    client->number = post.number;
    client->answer_bytes = 0;
    client->request = curl_easy_init();
    if (client->request != NULL && set_options(client, &post) &&
        curl_multi_add_handle(client->multi, client->request) == CURLM_OK)
        return;
    end_request(client);
    service_handle_post_result(client->service, at, client->number, 0);
}

/* --- Life */

enum status webhook_client_create(struct webhook_client **out, struct event_loop *loop,
                                  struct service *service,
                                  const struct webhook_client_config *config, const struct log *log)
{
    struct webhook_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return STATUS_NO_MEMORY;
    *client =
        (struct webhook_client){.loop = loop, .service = service, .config = config, .log = log};
    event_timer_init(&client->timer, loop, client, handle_due);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        client->multi = curl_multi_init();
    if (client->multi == NULL) {
        free(client);
        return STATUS_SYSTEM;
    }
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, handle_socket);
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, handle_timer_wish);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, 2L);
    *out = client;
    return STATUS_OK;
}

void webhook_client_free(struct webhook_client *client)
{
    if (client == NULL)
        return;
    end_request(client);
    (void)curl_multi_cleanup(client->multi);
    event_timer_arm(&client->timer, 0, USEC_NEVER);
    curl_global_cleanup();
    free(client);
}
