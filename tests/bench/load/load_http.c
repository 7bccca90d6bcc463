#include "tests/bench/load/load_http.h"

#include "base/check.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES_MAX (1u << 20)
#define CONNECTIONS_KEPT 64

struct request {
    struct request *previous, *next; /* of those that are open */
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    size_t size;
    char location[512];
    load_http_done *done;
    void *owner, *subject;
};

struct load_http {
    CURLM *multi;
    struct request *first;
    int open;
};

enum status load_http_create(struct load_http **out)
{
    struct load_http *http = calloc(1, sizeof *http);
    if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (http->multi = curl_multi_init()) == NULL) {
        free(http);
        return STATUS_SYSTEM;
    }
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    *out = http;
    return STATUS_OK;
}

static void free_request(struct request *r)
{
    curl_slist_free_all(r->headers);
    curl_easy_cleanup(r->easy);
    free(r->body);
    free(r);
}

/* The multi handle has it no more, nor has the list. */
static void take_off(struct load_http *http, struct request *r)
{
    curl_multi_remove_handle(http->multi, r->easy);
    if (r->next != NULL)
        r->next->previous = r->previous;
    *(r->previous != NULL ? &r->previous->next : &http->first) = r->next;
    http->open--;
}

/* Nobody hears of requests that are still open. */
void load_http_free(struct load_http *http)
{
    for (struct request *r; (r = http->first) != NULL;) {
        take_off(http, r);
        free_request(r);
    }
    curl_multi_cleanup(http->multi);
    curl_global_cleanup();
    free(http);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct request *r = context;
    size *= count;
    if (r->size + size > ANSWER_BYTES_MAX)
        return 0;
    char *more = realloc(r->body, r->size + size + 1);
    if (more == NULL)
        return 0;
    r->body = more;
    memcpy(r->body + r->size, data, size);
    r->size += size;
    r->body[r->size] = '\0';
    return size;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    static const char name[] = "location:";
    struct request *r = context;
    size *= count;
    if (size > sizeof name && strncasecmp(data, name, sizeof name - 1) == 0) {
        char line[sizeof r->location];
        snprintf(line, sizeof line, "%.*s", (int)size, data);
        const char *value = line + sizeof name - 1;
        value += strspn(value, " ");
        snprintf(r->location, sizeof r->location, "%.*s", (int)strcspn(value, "\r\n"), value);
    }
    return size;
}

enum status load_http_request(struct load_http *http, const char *method, const char *url,
                              const char *body, const char *type, const char *bearer,
                              load_http_done *done, void *owner, void *subject)
{
    struct request *r = calloc(1, sizeof *r);
    if (r == NULL || (r->easy = curl_easy_init()) == NULL) {
        free(r);
        return STATUS_NO_MEMORY;
    }
    char header[4400];
    r->done = done;
    r->owner = owner;
    r->subject = subject;
    if (type != NULL) {
        snprintf(header, sizeof header, "Content-Type: %s", type);
        r->headers = curl_slist_append(r->headers, header);
    }
    if (bearer != NULL) {
        snprintf(header, sizeof header, "Authorization: Bearer %s", bearer);
        r->headers = curl_slist_append(r->headers, header);
    }
    r->headers = curl_slist_append(r->headers, "Expect:");
    curl_easy_setopt(r->easy, CURLOPT_URL, url);
    curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, method);
    if (body != NULL)
        curl_easy_setopt(r->easy, CURLOPT_COPYPOSTFIELDS, body);
    curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r->easy, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
    curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
    if (curl_multi_add_handle(http->multi, r->easy) != CURLM_OK) {
        free_request(r);
        return STATUS_SYSTEM;
    }
    r->next = http->first;
    if (r->next != NULL)
        r->next->previous = r;
    http->first = r;
    http->open++;
    return STATUS_OK;
}

static void finish(struct load_http *http, CURL *easy)
{
    struct request *r = NULL;
    struct load_http_answer answer = {0};
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &r);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
    answer.body = r->body != NULL ? r->body : "";
    answer.location = r->location;
    take_off(http, r);
    r->done(r->owner, r->subject, &answer);
    free_request(r);
}

int load_http_poll(struct load_http *http)
{
    int running = 0, left = 0;
    curl_multi_perform(http->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(http->multi, &left)) != NULL;) {
        if (m->msg == CURLMSG_DONE)
            finish(http, m->easy_handle);
    }
    return http->open;
}
