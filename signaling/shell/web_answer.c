#include "signaling/shell/web_answer.h"

#include "signaling/shell/gzip.h"
#include "signaling/shell/http_text.h"

void web_answer_add_header(struct web_answer *answer, const char *name, const char *value)
{
    if (answer->header_count < COUNT_OF(answer->headers))
        answer->headers[answer->header_count++] = (struct http_header){name, value};
}

static bool has_header(const struct web_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (http_list_has(answer->headers[i].name, name))
            return true;
    return false;
}

struct web_answer web_answer_of_problem(int status, const char *name, const char *value)
{
    const struct http_problem *problem = http_problem_of(status);
    struct web_answer answer = {
        .status = problem->status,
        .content_type = "application/problem+json",
        .body = bytes_of_string(problem->body),
        .borrowed_body = true,
    };
    web_answer_add_header(&answer, "Cache-Control", "no-store");
    if (name != NULL)
        web_answer_add_header(&answer, name, value);
    return answer;
}

struct web_answer web_answer_of_file(const struct web_site *site,
                                     const struct http_message *request)
{
    const struct static_file *file = static_files_find(site->files, request->path);
    if (file == NULL)
        return web_answer_of_problem(404, NULL, NULL);
    if (request->method != HTTP_GET && request->method != HTTP_HEAD)
        return web_answer_of_problem(405, "Allow", "GET, HEAD");
    struct web_answer answer = {.status = 200, .content_type = file->content_type};
    bool gzip = file->gzip.size > 0 && gzip_is_accepted(request->accept_encoding);
    const char *etag = gzip ? file->gzip_etag : file->etag;
    web_answer_add_header(&answer, "ETag", etag);
    web_answer_add_header(&answer, "Cache-Control", file->cache_control);
    if (file->gzip.size > 0)
        web_answer_add_header(&answer, "Vary", "Accept-Encoding");
    if (http_list_has(request->if_none_match, etag) || http_list_has(request->if_none_match, "*")) {
        answer.status = 304;
        answer.content_type = NULL;
        return answer;
    }
    answer.body = gzip ? file->gzip : file->content;
    if (gzip)
        web_answer_add_header(&answer, "Content-Encoding", "gzip");
    answer.borrowed_body = true;
    return answer;
}

/* WHIP and WHEP may be called from pages of the configured origins; nothing else may. */
static void add_cors(const struct web_site *site, const struct http_message *request,
                     struct web_answer *answer)
{
    bool shared =
        strncmp(request->path, "/whip/", 6) == 0 || strncmp(request->path, "/whep/", 6) == 0;
    if (!shared || request->origin == NULL ||
        !service_is_origin_allowed(site->service, request->origin))
        return;
    web_answer_add_header(answer, "Access-Control-Allow-Origin", request->origin);
    web_answer_add_header(answer, "Vary", "Origin");
    if (request->method == HTTP_OPTIONS)
        web_answer_add_header(answer, "Access-Control-Allow-Headers",
                              "Authorization, Content-Type, If-Match");
    web_answer_add_header(answer,
                          request->method == HTTP_OPTIONS ? "Access-Control-Allow-Methods"
                                                          : "Access-Control-Expose-Headers",
                          request->method == HTTP_OPTIONS ? "OPTIONS, POST, PATCH, DELETE"
                                                          : "Location, ETag, Link, Accept-Patch");
}

struct web_answer web_answer_of_response(const struct web_site *site,
                                         const struct http_message *request,
                                         const struct http_response *response)
{
    struct web_answer answer = {.status = response->status, .content_type = response->content_type};
    if (response->content_type != NULL)
        answer.body = response->body;
    for (size_t i = 0; i < response->header_count; i++)
        web_answer_add_header(&answer, response->headers[i].name, response->headers[i].value);
    if (!has_header(&answer, "Cache-Control"))
        web_answer_add_header(&answer, "Cache-Control", "no-store");
    add_cors(site, request, &answer);
    return answer;
}

void web_answer_write_head(struct writer *w, const struct web_site *site,
                           const struct web_answer *answer, bool keep_alive, usec_t unix_us)
{
    http_write_head(w, &(struct http_head){
                           .status = answer->status,
                           .content_type = answer->content_type,
                           .content_length = answer->body.size,
                           .headers = answer->headers,
                           .header_count = answer->header_count,
                           .fixed_lines = web_site_get_headers(site, answer->content_type),
                           .keep_alive = keep_alive,
                           .unix_us = unix_us,
                       });
}

struct bytes web_answer_get_body(const struct web_answer *answer, enum http_method method)
{
    bool none = method == HTTP_HEAD || answer->status == 204 || answer->status == 304;
    return none ? BYTES_NONE : answer->body;
}

bool web_path_is_for_service(const char *path)
{
    return strncmp(path, "/api/", 5) == 0 || strncmp(path, "/whip/", 6) == 0 ||
           strncmp(path, "/whep/", 6) == 0 || strcmp(path, "/healthz") == 0 ||
           strcmp(path, "/metrics") == 0;
}
