#include "signaling/shell/web_site.h"

#include <string.h>

#define DOCUMENT_HEADERS                                                                           \
    "Permissions-Policy: camera=(self), microphone=(self), display-capture=(self), "               \
    "geolocation=(), payment=(), usb=()\r\n"

static void write_text(struct writer *w, const char *text)
{
    write_bytes(w, bytes_of_string(text));
}

/* "https://host:port" as the WebSocket source of the same place. */
static void write_socket_source(struct writer *w, const char *origin)
{
    if (strchr(origin, '[') != NULL)
        return; /* CSP has no form for IPv6 addresses; 'self' covers them in today's browsers */
    if (strncmp(origin, "https://", 8) == 0) {
        write_text(w, " wss://");
        write_text(w, origin + 8);
    } else if (strncmp(origin, "http://", 7) == 0) {
        write_text(w, " ws://");
        write_text(w, origin + 7);
    }
}

enum status web_site_init(struct web_site *site, struct service *service,
                          const struct static_files *files, const char *base_url,
                          const char *const *origins, const struct log *log)
{
    *site = (struct web_site){.service = service, .files = files, .log = log};
    struct writer w =
        writer_of((struct bytes_mut){(uint8_t *)site->headers, sizeof(site->headers) - 1});
    write_text(&w, DOCUMENT_HEADERS);
    write_text(&w, "Content-Security-Policy: default-src 'self'; script-src 'self'");
    write_text(&w, files->csp_hashes);
    write_text(&w, "; connect-src 'self'");
    write_socket_source(&w, base_url);
    for (size_t i = 0; origins[i] != NULL; i++)
        write_socket_source(&w, origins[i]);
    write_text(&w, "; object-src 'none'; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'none'\r\n"
                   "Cross-Origin-Opener-Policy: same-origin\r\n"
                   "Referrer-Policy: no-referrer\r\n");
    site->common_at = writer_size(&w);
    write_text(&w, "X-Content-Type-Options: nosniff\r\n"
                   "Cross-Origin-Resource-Policy: same-origin\r\n");
    if (strncmp(base_url, "https://", 8) == 0)
        write_text(&w, "Strict-Transport-Security: max-age=31536000\r\n");
    return w.failed ? STATUS_LIMIT : STATUS_OK;
}

static bool is_of_type(const char *content_type, const char *type)
{
    return content_type != NULL && strncmp(content_type, type, strlen(type)) == 0;
}

const char *web_site_get_headers(const struct web_site *site, const char *content_type)
{
    if (is_of_type(content_type, "text/html"))
        return site->headers;
    if (is_of_type(content_type, "text/javascript") || is_of_type(content_type, "text/css"))
        return site->headers + site->common_at;
    return site->headers + sizeof(DOCUMENT_HEADERS) - 1;
}
