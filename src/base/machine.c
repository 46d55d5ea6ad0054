#define _GNU_SOURCE
#include "base/machine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The text after "key :" in a file of such lines; false if there is none. */
static int find_line(const char *path, const char *key, char *value, size_t size) {
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    char line[1024];
    int found = 0;
    while (!found && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) || !colon)
            continue;
        char *text = colon + 1 + strspn(colon + 1, " \t");
        text[strcspn(text, "\n")] = 0;
        snprintf(value, size, "%s", text);
        found = 1;
    }
    fclose(f);
    return found;
}

static double meminfo(const char *key) {
    char value[64];
    return find_line("/proc/meminfo", key, value, sizeof value) ? strtod(value, NULL) * 1024 : 0;
}

/* The number in a file; 0 if it is missing or "max". */
static double number_in(const char *path) {
    FILE *f = fopen(path, "r");
    double x = 0;
    if (f && fscanf(f, "%lf", &x) != 1)
        x = 0;
    if (f)
        fclose(f);
    return x;
}

static void read_memory(idem_machine *m) {
    m->memory = meminfo("MemTotal");
    m->available = meminfo("MemAvailable");
    static const char *const limits[][2] = {
        {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"},
    };
    for (int i = 0; i < 2; i++) {
        double limit = number_in(limits[i][0]);
        if (limit <= 0 || (m->memory > 0 && limit >= m->memory))
            continue;
        double left = limit - number_in(limits[i][1]);
        m->memory = limit;
        if (left < m->available)
            m->available = left > 0 ? left : 0;
    }
}

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static void read_features(char *text, size_t size) {
    __builtin_cpu_init();
#define FEATURE(name)                                                                                                  \
    if (__builtin_cpu_supports(name))                                                                                  \
    snprintf(text + strlen(text), size - strlen(text), "%s%s", *text ? " " : "", name)
    FEATURE("sse4.1");
    FEATURE("avx");
    FEATURE("avx2");
    FEATURE("fma");
    FEATURE("avx512f");
    FEATURE("avx512bw");
    FEATURE("avx512dq");
    FEATURE("avx512vl");
    FEATURE("avx512vnni");
    FEATURE("avx512bf16");
#undef FEATURE
    unsigned a, b, c, d; /* leaf 7, EDX: bit 22 is AMX_BF16, bit 24 AMX_TILE */
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && d >> 22 & 1 && d >> 24 & 1)
        snprintf(text + strlen(text), size - strlen(text), " amx_bf16");
}
#else
static void read_features(char *text, size_t size) {
    if (!find_line("/proc/cpuinfo", "Features", text, size))
        *text = 0;
}
#endif

void idem_machine_read(idem_machine *m) {
    *m = (idem_machine){0};
    if (!find_line("/proc/cpuinfo", "model name", m->cpu, sizeof m->cpu))
        snprintf(m->cpu, sizeof m->cpu, "unknown");
    read_features(m->features, sizeof m->features);
    cpu_set_t set;
    m->online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    m->cores = sched_getaffinity(0, sizeof set, &set) ? m->online : CPU_COUNT(&set);
    read_memory(m);
}
