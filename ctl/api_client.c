#include "ctl/api_client.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct api_answer *answer = context;
    size_t more = size * count;
    if (more > API_RESPONSE_BYTES_MAX - answer->size)
        return 0;
    char *grown = realloc(answer->text, answer->size + more + 1);
    if (grown == NULL)
        return 0;
    memcpy(grown + answer->size, data, more);
    answer->text = grown;
    answer->size += more;
    answer->text[answer->size] = '\0';
    return more;
}

/* `slist` grows by one line; untouched when there is no memory. */
static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *grown = curl_slist_append(*list, line);
    if (grown == NULL)
        return false;
    *list = grown;
    return true;
}

static struct curl_slist *make_headers(const struct api_client *client, bool with_body)
{
    struct curl_slist *headers = NULL;
    bool good = add_line(&headers, "Accept: application/json");
    if (good && with_body)
        good = add_line(&headers, "Content-Type: application/json");
    if (good && client->key != NULL) {
        char line[1024];
        good = snprintf(line, sizeof(line), "Authorization: Bearer %s", client->key) <
                   (int)sizeof(line) &&
               add_line(&headers, line);
    }
    if (!good) {
        curl_slist_free_all(headers);
        return NULL;
    }
    return headers;
}

/* Curl's "any host : any port : this address : the same port"; NULL when out of memory. */
static struct curl_slist *make_route(const char *address)
{
    struct curl_slist *route = NULL;
    char line[128];
    bool is_ipv6 = strchr(address, ':') != NULL;
    snprintf(line, sizeof(line), is_ipv6 ? "::[%s]:" : "::%s:", address);
    return add_line(&route, line) ? route : NULL;
}

static char *join(const char *base_url, const char *path)
{
    size_t size = strlen(base_url) + strlen(path) + 1;
    char *url = malloc(size);
    if (url != NULL)
        snprintf(url, size, "%s%s", base_url, path);
    return url;
}

static void set_options(CURL *curl, const struct api_client *client, const char *method,
                        const char *url, const char *text, struct curl_slist *headers,
                        struct curl_slist *route, struct api_answer *answer, char error[256])
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, API_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (client->ca != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca);
    if (route != NULL) {
        curl_easy_setopt(curl, CURLOPT_CONNECT_TO, route);
        curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* who names the address wants no other way */
    }
    if (text != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
    }
}

enum status api_call(const struct api_client *client, const char *method, const char *path,
                     const json_t *body, struct api_answer *out, char error[256])
{
    enum status status = STATUS_NO_MEMORY;
    struct api_answer answer = {.text = calloc(1, 1)};
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    char *url = join(client->base_url, path);
    struct curl_slist *headers = make_headers(client, body != NULL);
    struct curl_slist *route = client->connect != NULL ? make_route(client->connect) : NULL;
    CURL *curl = curl_easy_init();
    snprintf(error, 256, "out of memory");
    if (answer.text == NULL || (body != NULL && text == NULL) || url == NULL || headers == NULL ||
        curl == NULL || (client->connect != NULL && route == NULL))
        goto done;
    error[0] = '\0';
    set_options(curl, client, method, url, text, headers, route, &answer, error);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        if (error[0] == '\0')
            snprintf(error, 256, "%s", curl_easy_strerror(code));
        status = STATUS_SYSTEM;
        goto done;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    *out = answer;
    answer.text = NULL;
    status = STATUS_OK;
done:
    if (curl != NULL)
        curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    curl_slist_free_all(route);
    free(url);
    free(text);
    free(answer.text);
    return status;
}

void api_answer_destroy(struct api_answer *answer)
{
    free(answer->text);
    *answer = (struct api_answer){0};
}
