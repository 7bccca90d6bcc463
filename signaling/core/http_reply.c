#include "signaling/core/service_internal.h"

void http_reply_add_header(struct http_response *response, const char *name, const char *value)
{
    CHECK(response->header_count < HTTP_HEADERS_MAX);
    response->headers[response->header_count++] = (struct http_header){name, value};
}

void http_reply_send(struct service *service, uint64_t exchange, struct http_response *response)
{
    http_reply_add_header(response, "Cache-Control", "no-store");
    output_queue_respond(&service->outputs, exchange, response);
}

static void write_problem(enum client_error error, const char *detail, struct text_json *text)
{
    if (detail == NULL)
        detail = client_error_sentence(error, LANGUAGE_ENGLISH);
    text_json_open(text, NULL, '{');
    text_json_string(text, "code", client_error_name(error));
    text_json_string(text, "detail", detail);
    text_json_close(text, '}');
}

static void reply(struct service *service, uint64_t exchange, enum client_error error, int status,
                  const char *detail)
{
    service->counters.requests[error]++;
    struct text_json text = {0};
    write_problem(error, detail, &text);
    struct http_response response = {.status = status,
                                     .content_type = "application/problem+json",
                                     .body = output_queue_keep(&service->outputs, &text)};
    if (status == 401)
        http_reply_add_header(&response, "WWW-Authenticate", "Bearer");
    if (status == 429 || status == 503)
        http_reply_add_header(&response, "Retry-After", status == 429 ? "10" : "2");
    http_reply_send(service, exchange, &response);
}

void http_reply_problem(struct service *service, uint64_t exchange, enum client_error error,
                        int status)
{
    reply(service, exchange, error, status, NULL);
}

void http_reply_error(struct service *service, uint64_t exchange, enum client_error error)
{
    reply(service, exchange, error, client_error_http_status(error), NULL);
}

void http_reply_fault(struct service *service, uint64_t exchange, enum client_error error,
                      const char *fault)
{
    reply(service, exchange, error, client_error_http_status(error), fault);
}

void http_reply_method(struct service *service, uint64_t exchange, const char *allow)
{
    service->counters.requests[CLIENT_METHOD]++;
    struct text_json text = {0};
    write_problem(CLIENT_METHOD, NULL, &text);
    struct http_response response = {.status = 405,
                                     .content_type = "application/problem+json",
                                     .body = output_queue_keep(&service->outputs, &text)};
    http_reply_add_header(&response, "Allow", allow);
    http_reply_send(service, exchange, &response);
}

void http_reply_json(struct service *service, uint64_t exchange, int status, struct text_json *body)
{
    service->counters.requests[CLIENT_OK]++;
    struct http_response response = {.status = status,
                                     .content_type = "application/json",
                                     .body = output_queue_keep(&service->outputs, body)};
    http_reply_send(service, exchange, &response);
}

void http_reply_empty(struct service *service, uint64_t exchange, int status)
{
    service->counters.requests[CLIENT_OK]++;
    struct http_response response = {.status = status};
    http_reply_send(service, exchange, &response);
}
