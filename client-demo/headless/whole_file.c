#include "client-demo/headless/whole_file.h"

enum status whole_file_load(const char *path, size_t max, struct bytes_mut *out)
{
    enum status status = STATUS_SYSTEM;
    uint8_t *data = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        goto done;
    long size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
        goto done;
    status = STATUS_LIMIT;
    if ((size_t)size > max)
        goto done;
    status = STATUS_NO_MEMORY;
    data = malloc(size == 0 ? 1 : (size_t)size);
    if (data == NULL)
        goto done;
    status = STATUS_SYSTEM;
    if (fread(data, 1, (size_t)size, file) != (size_t)size)
        goto done;
    *out = (struct bytes_mut){data, (size_t)size};
    data = NULL;
    status = STATUS_OK;
done:
    free(data);
    if (file != NULL)
        fclose(file);
    return status;
}
