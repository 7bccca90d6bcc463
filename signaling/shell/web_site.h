/* What all connections of browsers share: the service, the files, the headers that protect a page.
 */
#pragma once

#include "base/log.h"
#include "signaling/shell/static_files.h"

struct service;

struct web_site {
    struct service *service;
    const struct static_files *files;
    const struct log *log;
    /* Complete lines: for documents alone, for what might be opened as one, for everything. */
    char headers[1536];
    size_t common_at;  /* where the last begin */
    bool behind_proxy; /* on this machine; false unless the owner sets it */
};

/* The headers are for pages of `base_url` (and connections to the same host at ws or wss). */
MUST_CHECK enum status web_site_init(struct web_site *site, struct service *service,
                                     const struct static_files *files, const char *base_url,
                                     const char *const *origins, const struct log *log);

/* The security headers of an answer, as complete lines. What a page may use of the machine is said
 * with documents alone, what it may load not with scripts and styles: there it means nothing, and a
 * page has more than fifty. */
const char *web_site_get_headers(const struct web_site *site, const char *content_type);
