#include "signaling/shell/static_files.h"

#include "signaling/shell/gzip.h"
#include "signaling/shell/script_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETAG_HASH_BYTES 8 /* sixty files stand in a page: each byte counts sixty times */
#define CACHE_REVALIDATE "no-cache"
#define CACHE_LIBRARY "public, max-age=3600"

static const struct file_type {
    const char *extension, *content_type;
    bool library; /* also served from node_modules */
    bool text;    /* worth compressing */
    bool script;  /* the page's own go without their comments */
} types[] = {
    {".html", "text/html; charset=utf-8", false, true, false},
    {".js", "text/javascript; charset=utf-8", true, true, true},
    {".mjs", "text/javascript; charset=utf-8", true, true, true},
    {".css", "text/css; charset=utf-8", true, true, true},
    {".json", "application/json", false, true, false},
    {".webmanifest", "application/manifest+json", false, true, false},
    {".svg", "image/svg+xml", false, true, false},
    {".png", "image/png", false, false, false},
    {".jpg", "image/jpeg", false, false, false},
    {".webp", "image/webp", false, false, false},
    {".ico", "image/vnd.microsoft.icon", false, true, false},
    {".woff2", "font/woff2", false, false, false},
    {".txt", "text/plain; charset=utf-8", false, true, false},
    {".wasm", "application/wasm", false, true, false},
    {".wav", "audio/wav", false, true, false},
    {".ogg", "audio/ogg", false, false, false},
    {".mp3", "audio/mpeg", false, false, false},
};

struct scan {
    struct static_files *files;
    const struct log *log;
    bool library;
};

static const struct file_type *type_of(const char *name, bool library)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < COUNT_OF(types); i++)
        if (strcasecmp(dot, types[i].extension) == 0 && (types[i].library || !library))
            return &types[i];
    return NULL;
}

static enum status read_whole(int fd, size_t size, uint8_t **out)
{
    uint8_t *content = malloc(size + 1);
    if (content == NULL)
        return STATUS_NO_MEMORY;
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, content + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(content);
            return STATUS_SYSTEM;
        }
        got += (size_t)n;
    }
    *out = content;
    return STATUS_OK;
}

static void make_etag(struct bytes content, const char *coding, char etag[40])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    CHECK(EVP_Digest(content.data, content.size, digest, NULL, EVP_sha256(), NULL) == 1);
    etag[0] = '"';
    for (size_t i = 0; i < ETAG_HASH_BYTES; i++)
        snprintf(etag + 1 + 2 * i, 3, "%02x", digest[i]);
    snprintf(etag + 1 + 2 * ETAG_HASH_BYTES, 7, "%s\"", coding);
}

static enum status compress(struct static_files *files, struct static_file *entry)
{
    struct bytes_mut gzip;
    enum status status = gzip_compress(entry->content, &gzip);
    entry->gzip = bytes_const(gzip);
    files->total_bytes += gzip.size;
    return status;
}

static enum status add_file(struct scan *scan, int fd, const struct stat *info, const char *path,
                            const struct file_type *type)
{
    struct static_files *files = scan->files;
    if (files->count == STATIC_FILES_MAX || info->st_size > (off_t)STATIC_FILE_BYTES_MAX ||
        files->total_bytes + (size_t)info->st_size > STATIC_TOTAL_BYTES_MAX) {
        log_error(scan->log, "static_files_limit", "path=%s", path);
        return STATUS_LIMIT;
    }
    uint8_t *content = NULL;
    enum status status = read_whole(fd, (size_t)info->st_size, &content);
    char *own_path = status == STATUS_OK ? strdup(path) : NULL;
    if (own_path == NULL) {
        free(content);
        return status != STATUS_OK ? status : STATUS_NO_MEMORY;
    }
    size_t size = (size_t)info->st_size;
    if (type->script && !scan->library)
        size = script_text_strip(content, size);
    struct static_file *entry = &files->entries[files->count++];
    *entry = (struct static_file){
        .path = own_path,
        .content_type = type->content_type,
        .cache_control = scan->library ? CACHE_LIBRARY : CACHE_REVALIDATE,
        .content = bytes_of(content, size),
    };
    make_etag(entry->content, "", entry->etag);
    make_etag(entry->content, "-gzip", entry->gzip_etag);
    files->total_bytes += entry->content.size;
    return type->text ? compress(files, entry) : STATUS_OK;
}

static enum status scan_folder(struct scan *scan, int folder, const char *prefix, int depth);

/* Links are not followed: what is served lies under the root it was found in. */
static enum status scan_entry(struct scan *scan, int folder, const char *prefix, const char *name,
                              int depth)
{
    char path[STATIC_PATH_BYTES];
    enum status status = STATUS_OK;
    int length = snprintf(path, sizeof(path), "%s/%s", prefix, name);
    if (name[0] == '.' || strcmp(name, "node_modules") == 0 || length >= (int)sizeof(path))
        return STATUS_OK;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0)
        return errno == ELOOP ? STATUS_OK : STATUS_SYSTEM;
    if (fstat(fd, &info) < 0) {
        close(fd);
        return STATUS_SYSTEM;
    }
    const struct file_type *type = type_of(name, scan->library);
    if (S_ISDIR(info.st_mode) && depth < STATIC_DEPTH_MAX)
        return scan_folder(scan, fd, path, depth + 1); /* takes the descriptor */
    if (S_ISREG(info.st_mode) && type != NULL)
        status = add_file(scan, fd, &info, path, type);
    close(fd);
    return status;
}

static enum status scan_folder(struct scan *scan, int folder, const char *prefix, int depth)
{
    enum status status = STATUS_OK;
    DIR *entries = fdopendir(folder);
    if (entries == NULL) {
        close(folder);
        return STATUS_SYSTEM;
    }
    const struct dirent *entry;
    while (status == STATUS_OK && (entry = readdir(entries)) != NULL)
        status = scan_entry(scan, dirfd(entries), prefix, entry->d_name, depth);
    closedir(entries);
    return status;
}

static enum status scan_root(struct scan *scan, const char *root, const char *prefix)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        log_warn(scan->log, "static_root_missing", "path=%s errno=%d", root, errno);
        return STATUS_OK;
    }
    return scan_folder(scan, fd, prefix, 0);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct static_file *)a)->path, ((const struct static_file *)b)->path);
}

/* --- Content Security Policy: the hash of each inline import map, which browsers do not take from
 * a file. */

static bool append_hash(struct static_files *files, const char *script, size_t size)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char encoded[64];
    size_t used = strlen(files->csp_hashes);
    CHECK(EVP_Digest(script, size, digest, NULL, EVP_sha256(), NULL) == 1);
    EVP_EncodeBlock((uint8_t *)encoded, digest, 32);
    int length =
        snprintf(files->csp_hashes + used, CSP_HASHES_BYTES - used, " 'sha256-%s'", encoded);
    if ((size_t)length < CSP_HASHES_BYTES - used)
        return true;
    files->csp_hashes[used] = '\0';
    return false;
}

static void hash_import_maps(struct static_files *files, const struct log *log)
{
    const struct static_file *index = static_files_find(files, "/index.html");
    if (index == NULL)
        return;
    /* read_whole leaves room for this zero. */
    char *text = (char *)index->content.data;
    text[index->content.size] = '\0';
    for (const char *at = text; (at = strcasestr(at, "<script")) != NULL;) {
        const char *begin = strchr(at, '>');
        const char *type = strcasestr(at, "importmap");
        const char *end = begin != NULL ? strcasestr(begin, "</script>") : NULL;
        if (end == NULL)
            return;
        if (type != NULL && type < begin &&
            !append_hash(files, begin + 1, (size_t)(end - begin - 1)))
            log_warn(log, "csp_hashes_full", "path=%s", index->path);
        at = end;
    }
}

enum status static_files_load(struct static_files *out, const char *web_root,
                              const char *modules_root, const struct log *log)
{
    static const char *const libraries[] = {"preact", "htm", "uplot"};
    struct static_files files = {.entries = calloc(STATIC_FILES_MAX, sizeof(*files.entries))};
    struct scan scan = {.files = &files, .log = log};
    if (files.entries == NULL)
        return STATUS_NO_MEMORY;
    enum status status = scan_root(&scan, web_root, "");
    scan.library = true;
    for (size_t i = 0; status == STATUS_OK && i < COUNT_OF(libraries); i++) {
        char root[STATIC_PATH_BYTES], prefix[64];
        snprintf(prefix, sizeof(prefix), "/modules/%s", libraries[i]);
        if (snprintf(root, sizeof(root), "%s/%s", modules_root, libraries[i]) >= (int)sizeof(root))
            status = STATUS_LIMIT;
        else
            status = scan_root(&scan, root, prefix);
    }
    if (status != STATUS_OK) {
        log_error(log, "static_files_failed", "reason=%s errno=%d", status_name(status), errno);
        static_files_destroy(&files);
        return status;
    }
    qsort(files.entries, files.count, sizeof(*files.entries), compare_paths);
    hash_import_maps(&files, log);
    log_info(log, "static_files", "count=%zu bytes=%zu", files.count, files.total_bytes);
    *out = files;
    return STATUS_OK;
}

void static_files_destroy(struct static_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->entries[i].path);
        free((void *)files->entries[i].content.data);
        free((void *)files->entries[i].gzip.data);
    }
    free(files->entries);
    *files = (struct static_files){0};
}

const struct static_file *static_files_find(const struct static_files *files, const char *path)
{
    if (strcmp(path, "/") == 0 || strncmp(path, "/c/", 3) == 0)
        path = "/index.html";
    struct static_file key = {.path = (char *)path};
    if (files->count == 0)
        return NULL;
    return bsearch(&key, files->entries, files->count, sizeof(*files->entries), compare_paths);
}
