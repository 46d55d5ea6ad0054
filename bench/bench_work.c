/* Time, rate and memory of whole pieces of work; bench/run builds and starts it, bench/compare compares it with other
 * programs.
 *
 *     bench_work [--json] [--filter TEXT] [--threads N] [--batch N] [--seconds S] [--cpu 1] [--precision f32|bf16]
 *                [--profile ROWS]
 *     bench_work --serve NAME [--batch N] [--threads N] [--precision f32|bf16]
 *     bench_work --list
 *
 * Every piece runs in a separate process, so that its peak memory is separate too. The time is the median of the runs
 * after one to warm up; --cpu 1 counts processor time instead of elapsed time: suitable for one thread on a machine
 * that others use too. --profile also lists the ROWS slowest nodes of a piece that is one plan, and the ROWS largest
 * values alive where its memory is highest. --serve prepares one piece and reads commands from standard input: "run"
 * answers elapsed seconds and processor seconds, "values FILE" writes the results, as raw floats, that the other
 * program must also produce, "input FILE" its input, "memory" answers peak megabytes. */
#define _GNU_SOURCE
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/spin.h"
#include "engine/op.h"
#include "engine/precision.h"
#include "support/work.h"

enum { MAX_RUNS = 200, MIN_RUNS = 3 };

static struct {
    bool json, list, cpu;
    const char *filter, *serve;
    int threads, batch, profile;
    double seconds, peak;
    char program[512];
} set = {.seconds = 2};

/* Of this process and of the children it has waited for. */
static double processor_time(void) {
    struct timespec t;
    struct rusage children;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    getrusage(RUSAGE_CHILDREN, &children);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec + (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
           1e-6 * (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec);
}

static double now(void) {
    return set.cpu ? processor_time() : idem_clock();
}

static double peak_megabytes(void) {
    struct rusage self, children;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return (double)(self.ru_maxrss > children.ru_maxrss ? self.ru_maxrss : children.ru_maxrss) / 1024;
}

static int run(bench_work *w) {
    return w->run ? w->run(w) : idem_plan_run(w->plan);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const bench_work *w, double seconds) {
    double gflops = w->flops / seconds * 1e-9;
    if (set.json)
        printf("{\"name\": \"%s\", \"batch\": %d, \"threads\": %d, \"seconds_per_picture\": %.6g, \"gflops\": %.4g, "
               "\"peak_share\": %.3g, \"planned_mb\": %.1f, \"peak_rss_mb\": %.1f}\n",
               w->c->name, w->batch, w->threads, seconds / w->pictures, gflops, gflops / set.peak,
               (double)w->planned / 1e6, peak_megabytes());
    else
        printf("%-24s %5d %12.2f %9.1f %10.2f %11.0f %11.0f\n", w->c->name, w->batch, seconds / w->pictures * 1e3,
               gflops, gflops / set.peak, (double)w->planned / 1e6, peak_megabytes());
    fflush(stdout);
}

static int by_seconds(const void *a, const void *b) {
    return -by_value(&((const idem_profile_row *)a)->seconds, &((const idem_profile_row *)b)->seconds);
}

static int by_held(const void *a, const void *b) {
    return -by_value(&((const idem_profile_row *)a)->held, &((const idem_profile_row *)b)->held);
}

static void print_profile(idem_plan *p) {
    int n;
    const idem_profile_row *all = idem_plan_profile(p, &n);
    idem_profile_row *sorted = all ? malloc((size_t)n * sizeof *sorted) : NULL;
    if (!sorted)
        return;
    memcpy(sorted, all, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_seconds);
    for (int i = 0; i < n && i < set.profile; i++)
        printf("    %8.3f ms  %7.2f GFLOP/s  %6.2f GB/s  %-12s %s\n", sorted[i].seconds * 1e3,
               sorted[i].flops / sorted[i].seconds * 1e-9, sorted[i].bytes / sorted[i].seconds * 1e-9, sorted[i].op,
               sorted[i].name);
    printf("    alive at the step of the plan's largest memory:\n");
    qsort(sorted, (size_t)n, sizeof *sorted, by_held);
    for (int i = 0; i < n && i < set.profile && sorted[i].held > 0; i++)
        printf("    %8.1f MB  %-12s %s\n", sorted[i].held / 1e6, sorted[i].op, sorted[i].name);
    free(sorted);
}

static int measure(bench_work *w) {
    static double times[MAX_RUNS];
    if (w->c->prepare(w) || run(w))
        return -1;
    int runs = 0;
    for (double start = now(); runs < MAX_RUNS && (runs < MIN_RUNS || now() - start < set.seconds); runs++) {
        double before = now();
        if (run(w))
            return -1;
        times[runs] = now() - before;
    }
    qsort(times, (size_t)runs, sizeof *times, by_value);
    print(w, times[runs / 2]);
    if (set.profile && w->plan)
        print_profile(w->plan);
    return 0;
}

static int write_floats(const char *path, const float *values, size_t count) {
    FILE *f = fopen(path, "wb");
    int status = f && fwrite(values, sizeof *values, count, f) == count ? 0 : idem_fail("%s: cannot be written", path);
    if (f)
        fclose(f);
    return status;
}

static int write_values(bench_work *w, const char *path) {
    float *values = NULL;
    size_t count = 0;
    if (w->values) {
        if (w->values(w, &values, &count))
            return -1;
    } else {
        for (int i = w->first_value; i < w->n_targets; i++) {
            size_t more = (size_t)idem_shape_count(&w->targets[i]->shape);
            float *longer = realloc(values, (count + more) * sizeof *values);
            if (!longer)
                return idem_fail_as(IDEM_MEMORY, "out of memory");
            values = longer;
            idem_plan_read(w->plan, w->targets[i], values + count);
            count += more;
        }
    }
    int status = write_floats(path, values, count);
    free(values);
    return status;
}

static int write_input(const bench_work *w, const char *path) {
    size_t count = w->input ? (size_t)idem_shape_count(&w->input->shape) : 0;
    float *values = count ? malloc(count * sizeof *values) : NULL;
    if (!values)
        return idem_fail("no input to write");
    idem_plan_read(w->plan, w->input, values);
    int status = write_floats(path, values, count);
    free(values);
    return status;
}

static int serve(bench_work *w) {
    char line[1024];
    if (w->c->prepare(w))
        return -1;
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!strcmp(line, "run")) {
            double wall = idem_clock(), processor = processor_time();
            if (run(w))
                return -1;
            printf("%.6f %.6f\n", (idem_clock() - wall) / w->pictures, (processor_time() - processor) / w->pictures);
        } else if (!strncmp(line, "values ", 7)) {
            if (write_values(w, line + 7))
                return -1;
            printf("ok\n");
        } else if (!strncmp(line, "input ", 6)) {
            if (write_input(w, line + 6))
                return -1;
            printf("ok\n");
        } else if (!strcmp(line, "memory")) {
            printf("%.1f\n", peak_megabytes());
        } else {
            return idem_fail("unknown request: %s", line);
        }
        fflush(stdout);
    }
    return 0;
}

/* In a child of its own. */
static int in_process(const bench_case *c, int batch, int (*what)(bench_work *)) {
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (!child) {
        idem_threads_set(set.threads);
        bench_work w = {
            .c = c, .batch = batch, .threads = idem_threads(), .profile = set.profile > 0, .program = set.program};
        if (what == measure)
            set.peak = bench_peak(w.threads, now);
        if (what(&w)) {
            fprintf(stderr, "bench_work: %s: %s\n", c->name, idem_error());
            exit(1);
        }
        exit(0);
    }
    int status;
    return waitpid(child, &status, 0) < 0 || status ? -1 : 0;
}

static int options(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            set.json = true;
        else if (!strcmp(argv[i], "--list"))
            set.list = true;
        else if (i + 1 == argc)
            return -1;
        else if (!strcmp(argv[i], "--filter"))
            set.filter = argv[++i];
        else if (!strcmp(argv[i], "--serve"))
            set.serve = argv[++i];
        else if (!strcmp(argv[i], "--precision") && (!strcmp(argv[i + 1], "f32") || !strcmp(argv[i + 1], "bf16")))
            idem_bf16_set(!strcmp(argv[++i], "bf16"));
        else if (!strcmp(argv[i], "--threads"))
            set.threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--batch"))
            set.batch = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--profile"))
            set.profile = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--seconds"))
            set.seconds = atof(argv[++i]);
        else if (!strcmp(argv[i], "--cpu"))
            set.cpu = atoi(argv[++i]) != 0;
        else
            return -1;
    }
    return set.threads < 0 || set.batch < 0 ? -1 : 0;
}

static bool chosen(const bench_case *c) {
    return set.filter ? strstr(c->name, set.filter) != NULL : c->listed;
}

int main(int argc, char **argv) {
    idem_spin_briefly(argv); /* as the program does */
    if (options(argc, argv)) {
        fprintf(stderr, "usage: bench_work [--json] [--filter TEXT] [--threads N] [--batch N] [--seconds S] [--cpu 1] "
                        "[--precision f32|bf16] [--profile ROWS] [--serve NAME] [--list]\n");
        return 2;
    }
    char self[512];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return 1;
    self[length] = 0;
    snprintf(set.program, sizeof set.program, "%s", dirname(dirname(self)));
    int failed = 0, done = 0;
    if (!set.json && !set.list && !set.serve)
        printf("%-24s %5s %12s %9s %10s %11s %11s\n", "work", "batch", "ms/picture", "GFLOP/s", "peak share",
               "planned MB", "peak RSS MB");
    for (const bench_case *c = bench_cases; c->name; c++) {
        if (set.list) {
            for (int i = 0; i < 2 && c->batches[i]; i++)
                printf("%s %d\n", c->name, c->batches[i]);
        } else if (set.serve) {
            if (!strcmp(c->name, set.serve)) {
                failed += in_process(c, set.batch ? set.batch : c->batches[0], serve) != 0;
                done++;
            }
        } else if (chosen(c)) {
            for (int i = 0; i < 2 && (set.batch ? i == 0 : c->batches[i] > 0); i++, done++)
                failed += in_process(c, set.batch ? set.batch : c->batches[i], measure) != 0;
        }
    }
    if (!set.list && !done)
        fprintf(stderr, "bench_work: no piece of work is named %s\n", set.serve ? set.serve : set.filter);
    return failed || (!set.list && !done);
}
