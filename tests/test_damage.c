/* Files of every kind, cut, flipped, enlarged and otherwise damaged at 1,000 seeded places each: an error that names
 * the file or a correct load; never a crash, a hang, or more memory than 64 MB and 8 times the file. Each kind is read
 * in a process of its own, whose peak is looked at. */
#define _GNU_SOURCE
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/status.h"
#include "support/format.h"
#include "support/hostile.h"
#include "support/pictures.h"

enum { PLACES = 1000, SECONDS_MOST = 2, CPU_MOST = 120 };
enum { CUT, FLIP, ENLARGE, NUMBER, HOLE, DAMAGES };
static const char *const DAMAGE[DAMAGES] = {"cut at", "one bit flipped at", "enlarged at", "a number overwritten at",
                                            "a piece missing at"};

/* Written by the child, read by the parent also when the child died. */
typedef struct {
    int damage, round;
    size_t at, peak; /* bytes that reading added */
    int loaded, refused;
    bool done;
    char problem[400];
} report;

/* The check sums of zip and PNG let nothing through that is not the same. */
typedef struct {
    const char *name;
    int format;
    bool sums;
    blob file;
} kind;

static void apply(blob *out, const blob *file, int damage, int round, size_t at, idem_rng *r) {
    out->size = 0;
    size_t piece = (size_t)idem_rng_below(r, file->size - at) + 1;
    blob_put(out, file->data, damage == CUT || damage == ENLARGE || damage == HOLE ? at : file->size);
    switch (damage) {
    case FLIP:
        out->data[at] ^= (unsigned char)(1u << idem_rng_below(r, 8));
        break;
    case ENLARGE: /* a piece comes twice, a run of one byte, now and then a long one */
        if (round % 2)
            blob_put(out, file->data + at, piece);
        else
            for (size_t i = 0; i < (round % 100 ? piece : (size_t)1 << 18); i++)
                blob_byte(out, round % 4 ? 0xff : 0);
        blob_put(out, file->data + at, file->size - at);
        break;
    case NUMBER:
        for (size_t k = at; k < at + 8 && k < out->size; k++)
            out->data[k] = (unsigned char)(round % 2 ? 0xff : idem_rng_below(r, 256));
        break;
    case HOLE:
        blob_put(out, file->data + at + piece, file->size - at - piece);
    }
}

static size_t peak_now(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (size_t)u.ru_maxrss * 1024;
}

static double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* False with rep->problem. */
static bool one(const kind *k, const blob *damaged, uint64_t whole, size_t before, report *rep) {
    double start = cpu_now();
    hostile_outcome o = hostile_try(k->format, damaged->data, damaged->size);
    double seconds = cpu_now() - start;
    size_t most = ((size_t)64 << 20) + 8 * damaged->size;
#ifdef HOSTILE_SANITIZED
    most = SIZE_MAX;
#endif
    rep->peak = peak_now() - before;
    rep->loaded += o.loaded;
    rep->refused += !o.loaded;
    bool must_equal = k->sums || (rep->damage == CUT && k->format != EXIF);
    if (o.problem)
        snprintf(rep->problem, sizeof rep->problem, "the message is \"%.300s\", which does not name the file",
                 o.problem);
    else if (rep->peak > most)
        snprintf(rep->problem, sizeof rep->problem, "%zu bytes of file took %zu MB, at most %zu are allowed",
                 damaged->size, rep->peak >> 20, most >> 20);
    else if (seconds > SECONDS_MOST)
        snprintf(rep->problem, sizeof rep->problem, "took %.1f seconds", seconds);
    else if (o.loaded && must_equal && o.digest != whole)
        snprintf(rep->problem, sizeof rep->problem, "was read as something else");
    return !*rep->problem;
}

static void damage_all(const kind *k, uint64_t whole, report *rep) {
    size_t before = peak_now();
    blob damaged = {0};
    for (rep->damage = 0; rep->damage < DAMAGES; rep->damage++) {
        char stream[100];
        snprintf(stream, sizeof stream, "%s %s", DAMAGE[rep->damage], k->name);
        idem_rng r = idem_rng_make(7, stream);
        for (rep->round = 0; rep->round < PLACES; rep->round++) {
            size_t place = (size_t)idem_rng_below(&r, k->file.size);
            rep->at = k->file.size <= PLACES ? (size_t)rep->round % k->file.size : place;
            apply(&damaged, &k->file, rep->damage, rep->round, rep->at, &r);
            if (!one(k, &damaged, whole, before, rep))
                return;
        }
    }
    blob_drop(&damaged);
    rep->done = true;
}

static void test_kind(const kind *k) {
    hostile_outcome whole = hostile_try(k->format, k->file.data, k->file.size);
    if (!whole.loaded)
        fail_msg("%s: %s", k->name, idem_error());
    report *rep = mmap(NULL, sizeof *rep, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(rep != MAP_FAILED);
    malloc_trim(0); /* so that what the child takes is new memory */
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        setrlimit(RLIMIT_CPU, &(struct rlimit){CPU_MOST, CPU_MOST});
        damage_all(k, whole.digest, rep);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        snprintf(rep->problem, sizeof rep->problem, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    if (!rep->done)
        fail_msg("%s of %zu bytes, %s byte %zu (round %d): %s", k->name, k->file.size, DAMAGE[rep->damage], rep->at,
                 rep->round, *rep->problem ? rep->problem : "the process ended");
    if (!rep->refused && k->format != EXIF)
        fail_msg("%s: no damage was noticed", k->name);
    print_message("  %s: %zu bytes, %d loaded, %d refused, at most %zu MB\n", k->name, k->file.size, rep->loaded,
                  rep->refused, rep->peak >> 20);
    munmap(rep, sizeof *rep);
}

static void test_files(const kind *kinds, size_t n) {
    for (size_t i = 0; i < n; i++) {
        kind k = kinds[i];
        if (!k.file.data)
            k.file = blob_read(k.name);
        test_kind(&k);
        blob_drop(&k.file);
    }
}

/* The tensors of a PyTorch file as safetensors. */
static blob saved_as(idem_dtype dtype) {
    idem_weights *w = format_load("views.pt");
    char *path = format_temporary("", 0);
    assert_int_equal(idem_weights_save(w, path, dtype), 0);
    blob b = blob_read(path);
    format_discard(path);
    idem_weights_free(w);
    return b;
}

static void weights(void **state) {
    (void)state;
    const kind kinds[] = {
        {"safetensors, float32", SAFETENSORS, false, saved_as(IDEM_DTYPE_F32)},
        {"safetensors, float16", SAFETENSORS, false, saved_as(IDEM_DTYPE_F16)},
        {"safetensors, bfloat16", SAFETENSORS, false, saved_as(IDEM_DTYPE_BF16)},
        {"a checkpoint of a run", CHECKPOINT, false, hostile_checkpoint()},
        {.name = "tests/fixtures/format/all.safetensors", SAFETENSORS},
        {.name = "tests/fixtures/format/views.pt", TORCH, .sums = true},
        {.name = "tests/fixtures/format/dtypes.pt", TORCH, .sums = true},
        {.name = "tests/fixtures/format/deflated.pt", TORCH, .sums = true},
        {.name = "tests/fixtures/format/legacy.pt", TORCH},
        {.name = "tests/fixtures/format/ada3.pkl", TORCH},
        {.name = "tests/fixtures/format/ada4.pkl", TORCH},
        {.name = "tests/fixtures/format/float16.npy", NPY},
        {.name = "tests/fixtures/format/int64.npy", NPY},
    };
    test_files(kinds, sizeof kinds / sizeof *kinds);
}

static void networks_and_lists(void **state) {
    (void)state;
    blob json = {0}, bin = {0};
    blob_text(&json, HOSTILE_MANIFEST);
    blob_put(&bin, "0123456789", 10);
    blob module = {0}, shard = {0};
    blob_text(&module, HOSTILE_MODULE);
    blob_text(&shard, HOSTILE_SHARD);
    const kind kinds[] = {
        {.name = "tests/fixtures/format/all.onnx", ONNX},
        {.name = "fuzz/seeds/onnx_graph/layers.onnx", ONNX_GRAPH},
        {.name = "fuzz/seeds/onnx_graph/math.onnx", ONNX_GRAPH},
        {.name = "fuzz/seeds/onnx_graph/shapes.onnx", ONNX_GRAPH},
        {.name = "tests/fixtures/opsets/net-13.onnx", ONNX_GRAPH},
        {.name = "tests/fixtures/opsets/resize-cubic.onnx", ONNX_GRAPH},
        {"a weights manifest", MANIFEST, false, json},
        {"the values of a manifest", MANIFEST_BIN, false, bin},
        {"a manifest as a module", MODULE, false, module},
        {"its values as a module", MODULE_SHARD, false, shard},
        {.name = "models/registry.json", REGISTRY},
    };
    test_files(kinds, sizeof kinds / sizeof *kinds);
}

static void pictures(void **state) {
    (void)state;
    blob small[SMALL_FILES], exif = {0};
    unsigned char block[64];
    make_small_files(small);
    blob_put(&exif, block, exif_block(block, 6, true));
    const kind kinds[] = {
        {"PNG", PICTURE, true, small[0]},
        {"PNG, 16 bits, interlaced, alpha", PICTURE, true, small[1]},
        {"JPEG with EXIF", PICTURE, false, small[2]},
        {"JPEG, progressive", PICTURE, false, small[3]},
        {"JPEG, CMYK", PICTURE, false, small[4]},
        {"WebP, lossy", PICTURE, false, small[5]},
        {.name = "fuzz/seeds/image/alpha.webp", PICTURE},
        {.name = "fuzz/seeds/image/palette-alpha.png", PICTURE},
        {.name = "fuzz/seeds/image/grey4.png", PICTURE},
        {"EXIF", EXIF, false, exif},
    };
    test_files(kinds, sizeof kinds / sizeof *kinds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights),
        cmocka_unit_test(networks_and_lists),
        cmocka_unit_test(pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
