/* Contexts of the same files in one process through include/idem.h: what they share, from how many threads, and that a
 * file which changed is read again. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "idem.h"
#include "model/model_store.h"
#include "model/pipe.h"
#include "support/program.h"
#include "support/tiny.h"

enum { SIDE = 64, BYTES = SIDE * SIDE * 3, THREADS = 4, ROUNDS = 3, BORROWINGS = 500 };

static const char *dir; /* NULL: models are missing, tests are skipped */
static char generator[256], mapper[256];

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    snprintf(generator, sizeof generator, "%s/generator.safetensors", dir ? dir : "");
    snprintf(mapper, sizeof mapper, "%s/mapper.safetensors", dir ? dir : "");
    return 0;
}

static int tear_down(void **state) {
    return tiny_leave(state);
}

static idem_context *open_context(void) {
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.mapper = mapper;
    o.batch = 2;
    o.threads = 1;
    return idem_open(&o);
}

static int paint(idem_context *c, int refine, uint8_t *out) {
    idem_faces *faces = idem_new_faces(c, IDEM_CODE_OF_IDENTITY | IDEM_CODE_OF_ATTRIBUTES, 1);
    idem_reading reading;
    idem_reading_default(&reading);
    reading.input = IDEM_INPUT_ALIGNED;
    reading.face = IDEM_LARGEST_FACE;
    static const char *const paths[] = {"samples/identities/1.png", "samples/attributes/a.png"};
    int status = faces ? 0 : -1;
    for (int i = 0; i < 2 && !status; i++) {
        idem_photograph *p = idem_read_photograph_as(c, paths[i], &reading);
        status = p ? idem_add_faces(faces, p) : -1;
        idem_free_photograph(p);
    }
    status = status || idem_encode_faces(faces) ||
             idem_compose_faces(faces, faces, &(idem_pairing){0, 1}, 1, refine, NULL, out);
    idem_free_faces(faces);
    return status ? -1 : 0;
}

typedef struct {
    uint8_t plain[BYTES], refined[BYTES];
    int status;
} work;

static void *open_and_paint(void *user) {
    work *w = user;
    for (int i = 0; i < ROUNDS && !w->status; i++) {
        idem_context *c = open_context();
        w->status = c && !paint(c, 0, w->plain) && !paint(c, 2, w->refined) ? 0 : -1;
        idem_close(c);
    }
    return NULL;
}

static void threads_with_contexts_of_their_own_paint_the_same(void **state) {
    (void)state;
    tiny_need(dir);
    static work w[THREADS + 1];
    pthread_t threads[THREADS];
    open_and_paint(&w[THREADS]);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_paint, &w[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i <= THREADS; i++) {
        assert_int_equal(w[i].status, 0);
        assert_memory_equal(w[i].plain, w[THREADS].plain, BYTES);
        assert_memory_equal(w[i].refined, w[THREADS].refined, BYTES);
    }
    assert_memory_not_equal(w[0].plain, w[0].refined, BYTES);
}

static void a_context_outlives_the_one_that_loaded(void **state) {
    (void)state;
    tiny_need(dir);
    static uint8_t a[BYTES], b[BYTES];
    idem_context *first = open_context(), *second = open_context();
    assert_true(first && second);
    assert_int_equal(paint(first, 0, a), 0);
    idem_close(first);
    assert_int_equal(paint(second, 0, b), 0);
    assert_memory_equal(a, b, BYTES);
    idem_close(second);
}

/* Threads on one model. Between the barrier and their work they take no lock, so that the thread sanitizer sees every
 * pair of accesses that the lock under test does not order. */
typedef struct {
    idem_model *model;
    pthread_barrier_t *start;
    int failed;
} sharer;

static void *borrow_again(void *user) {
    const idem_model_wish wish = {.generator = generator, .mapper = mapper, .threads = 1};
    sharer *s = user;
    pthread_barrier_wait(s->start);
    for (int i = 0; i < BORROWINGS; i++) {
        idem_model *m = idem_model_borrow(&wish);
        s->failed += m != s->model;
        idem_model_give_back(m);
    }
    return NULL;
}

static void *build(void *user) {
    const idem_plan_options options = {.threads = 1};
    sharer *s = user;
    pthread_barrier_wait(s->start);
    idem_pipe *p = idem_pipe_new(s->model, IDEM_PIPE_MAP, 1, 1, &options);
    s->failed = !p;
    idem_pipe_free(p);
    return NULL;
}

static void share(void *work(void *)) {
    const idem_model_wish wish = {.generator = generator, .mapper = mapper, .threads = 1};
    idem_model *m = idem_model_borrow(&wish);
    pthread_barrier_t start;
    pthread_t threads[THREADS];
    sharer s[THREADS];
    assert_non_null(m);
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        s[i] = (sharer){.model = m, .start = &start};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &s[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(s[i].failed, 0);
    }
    pthread_barrier_destroy(&start);
    idem_model_give_back(m);
}

static void threads_borrow_one_model(void **state) {
    (void)state;
    tiny_need(dir);
    share(borrow_again);
}

static void threads_build_on_one_model(void **state) {
    (void)state;
    tiny_need(dir);
    share(build);
}

/* The weights themselves: one copy for one wish, another for another, and for a file that changed. */
static void weights_are_shared_while_the_files_stay(void **state) {
    (void)state;
    tiny_need(dir);
    const idem_model_wish wish = {.generator = generator, .mapper = mapper, .threads = 1},
                          alone = {.generator = generator, .threads = 1, .generator_only = true};
    idem_model *a = idem_model_borrow(&wish), *b = idem_model_borrow(&wish), *other = idem_model_borrow(&alone);
    assert_true(a && a == b && other && other != a);
    idem_model_give_back(b);
    assert_int_equal(
        program_run(dir, "cp '%s' '%s.new' && mv '%s.new' '%s'", generator, generator, generator, generator), 0);
    b = idem_model_borrow(&wish);
    assert_true(b && b != a);
    idem_model *c = idem_model_borrow(&wish);
    assert_ptr_equal(b, c);
    /* What is no longer there is not lent, though somebody still has it. */
    assert_int_equal(program_run(dir, "mv '%s' '%s.away'", mapper, mapper), 0);
    assert_null(idem_model_borrow(&wish));
    assert_int_equal(program_run(dir, "mv '%s.away' '%s'", mapper, mapper), 0);
    idem_model_give_back(a);
    idem_model_give_back(b);
    idem_model_give_back(c);
    idem_model_give_back(other);
    idem_model_give_back(NULL);
    a = idem_model_borrow(&wish);
    assert_non_null(a);
    idem_model_give_back(a);
}

/* What holds for all contexts of the process. */
static void the_machine_is_looked_at(void **state) {
    (void)state;
    assert_int_equal(idem_check_machine(), 0);
    assert_int_equal(program_run(NULL, "IDEM_MAX_ISA=wide $IDEM align x.png -o y"), 2);
    assert_true(program_says("IDEM_MAX_ISA"));
    assert_int_equal(idem_set_threads(2), 0);
    assert_int_equal(idem_set_threads(0), 0);
    assert_int_equal(idem_set_threads(-1), -1);
    assert_int_equal(idem_set_threads(4097), -1);
    assert_non_null(strstr(idem_last_error(), "threads is 4097"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_with_contexts_of_their_own_paint_the_same),
                                       cmocka_unit_test(threads_borrow_one_model),
                                       cmocka_unit_test(threads_build_on_one_model),
                                       cmocka_unit_test(a_context_outlives_the_one_that_loaded),
                                       cmocka_unit_test(weights_are_shared_while_the_files_stay),
                                       cmocka_unit_test(the_machine_is_looked_at)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
