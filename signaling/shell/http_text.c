#include "signaling/shell/http_text.h"

#include <time.h>

#define PROBLEM(code, detail) "{\"code\":\"" code "\",\"detail\":\"" detail "\"}"

static const struct http_problem statuses[] = {
    {500, "Internal Server Error", PROBLEM("internal", "The server has failed at this request.")},
    {101, "Switching Protocols", NULL},
    {200, "OK", NULL},
    {201, "Created", NULL},
    {202, "Accepted", NULL},
    {204, "No Content", NULL},
    {304, "Not Modified", NULL},
    {400, "Bad Request", PROBLEM("bad_request", "This is not a request that the server reads.")},
    {401, "Unauthorized", PROBLEM("not_authenticated", "A token is needed.")},
    {403, "Forbidden", PROBLEM("not_allowed", "Not from this origin.")},
    {404, "Not Found", PROBLEM("not_found", "There is nothing at this address.")},
    {405, "Method Not Allowed", PROBLEM("method_not_allowed", "Not with this method.")},
    {406, "Not Acceptable", NULL},
    {408, "Request Timeout", PROBLEM("timeout", "The request did not arrive in time.")},
    {409, "Conflict", NULL},
    {411, "Length Required", NULL},
    {412, "Precondition Failed", NULL},
    {413, "Content Too Large", PROBLEM("too_large", "At most 64 KiB.")},
    {414, "URI Too Long", PROBLEM("too_large", "The address is too long.")},
    {415, "Unsupported Media Type", NULL},
    {422, "Unprocessable Content", NULL},
    {426, "Upgrade Required", PROBLEM("upgrade_required", "WebSocket version 13 lives here.")},
    {428, "Precondition Required", NULL},
    {429, "Too Many Requests", NULL},
    {431, "Request Header Fields Too Large", PROBLEM("too_large", "Headers take at most 8 KiB.")},
    {501, "Not Implemented", PROBLEM("not_implemented", "Only the chunked transfer coding.")},
    {503, "Service Unavailable", PROBLEM("unavailable", "The server cannot answer now.")},
    {505, "HTTP Version Not Supported", PROBLEM("http_version", "HTTP/1.1 is spoken here.")},
};

static const struct http_problem *find_status(int status)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].status == status)
            return &statuses[i];
    return NULL;
}

const char *http_reason(int status)
{
    const struct http_problem *found = find_status(status);
    return found != NULL ? found->reason : "Status";
}

const struct http_problem *http_problem_of(int status)
{
    const struct http_problem *found = find_status(status);
    return found != NULL && found->body != NULL ? found : &statuses[0];
}

static void write_text(struct writer *w, const char *text)
{
    write_bytes(w, bytes_of_string(text));
}

static void write_number(struct writer *w, size_t number)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%zu", number);
    write_text(w, digits);
}

static void write_line(struct writer *w, const char *name, const char *value)
{
    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return;
    write_text(w, name);
    write_text(w, ": ");
    write_text(w, value);
    write_text(w, "\r\n");
}

static void write_date(struct writer *w, usec_t unix_us)
{
    char text[64];
    struct tm broken;
    time_t seconds = (time_t)(unix_us / SECONDS(1));
    if (gmtime_r(&seconds, &broken) != NULL &&
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &broken) > 0)
        write_line(w, "Date", text);
}

void http_write_head(struct writer *w, const struct http_head *head)
{
    bool never_body = head->status < 200 || head->status == 204 || head->status == 304;
    write_text(w, "HTTP/1.1 ");
    write_number(w, (size_t)head->status);
    write_text(w, " ");
    write_text(w, http_reason(head->status));
    write_text(w, "\r\n");
    if (head->content_type != NULL)
        write_line(w, "Content-Type", head->content_type);
    if (!never_body) {
        write_text(w, "Content-Length: ");
        write_number(w, head->content_length);
        write_text(w, "\r\n");
    }
    for (size_t i = 0; i < head->header_count; i++)
        write_line(w, head->headers[i].name, head->headers[i].value);
    if (head->status != 101) {
        write_date(w, head->unix_us);
        write_text(w, head->fixed_lines);
        write_line(w, "Connection", head->keep_alive ? "keep-alive" : "close");
    }
    write_text(w, "\r\n");
}
