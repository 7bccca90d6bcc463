/* The page's files: found once at start under the web root and under the page libraries in
 * node_modules, read into memory, compressed there, and served by exact path only. What is not in
 * the list does not exist for a client, so no path of a request ever reaches the file system. */
#pragma once

#include "base/bytes.h"
#include "base/log.h"
#include "base/status.h"

#define STATIC_FILES_MAX 2000
#define STATIC_FILE_BYTES_MAX (8u * 1024 * 1024)
#define STATIC_TOTAL_BYTES_MAX (128u * 1024 * 1024)
#define STATIC_DEPTH_MAX 8
#define STATIC_PATH_BYTES 512
#define CSP_HASHES_BYTES 512

struct static_file {
    char *path; /* "/app/main.js" */
    const char *content_type;
    const char *cache_control;
    struct bytes content;
    struct bytes gzip;  /* the same compressed; empty where that saves nothing */
    char etag[40];      /* with its quotes */
    char gzip_etag[40]; /* another one: its bytes are others (RFC 9110 section 8.8.3) */
};

struct static_files {
    struct static_file *entries; /* sorted by path */
    size_t count;
    size_t total_bytes;
    char csp_hashes[CSP_HASHES_BYTES]; /* "'sha256-…' " for each inline import map of index.html */
};

/* Reads everything under web_root to "/…" and the scripts and styles of preact, htm and uPlot under
 * modules_root to "/modules/…"; either may be missing, which is logged. STATUS_LIMIT past a maximum
 * above, STATUS_NO_MEMORY, STATUS_SYSTEM when a file cannot be read. */
MUST_CHECK enum status static_files_load(struct static_files *out, const char *web_root,
                                         const char *modules_root, const struct log *log);
void static_files_destroy(struct static_files *files);

/* "/" and "/c/…" stand for "/index.html". NULL when there is no such file. */
const struct static_file *static_files_find(const struct static_files *files, const char *path);
