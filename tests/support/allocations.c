#include "support/allocations.h"

#ifdef AMPHI_SANITIZED

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static bool counting_allocations;
static size_t allocation_count;

static void on_malloc(const volatile void *p, size_t size)
{
    (void)p;
    (void)size;
    allocation_count += counting_allocations;
}

static void on_free(const volatile void *p)
{
    (void)p;
}

bool allocations_can_be_counted(void)
{
    static int installed;
    if (installed == 0)
        installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    return installed > 0;
}

bool allocations_set_counting(bool on)
{
    bool was = counting_allocations;
    counting_allocations = on;
    return was;
}

size_t allocations_get_count(void)
{
    return allocation_count;
}

#else

bool allocations_can_be_counted(void)
{
    return false;
}

bool allocations_set_counting(bool on)
{
    (void)on;
    return false;
}

size_t allocations_get_count(void)
{
    return 0;
}

#endif
