/* Sets of faces, codes ws, samples and tables through include/idem.h, and contexts that are cancelled, watched and
 * asked for memory. Models are the tiny ensemble. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/weights.h"
#include "idem.h"
#include "support/program.h"
#include "support/tiny.h"

enum { N = 5, BATCH = 2, SIDE = 64, BYTES = SIDE * SIDE * 3, STEPS = 3 };

static const char *dir; /* NULL: models are missing, tests are skipped */
static char generator[256], mapper[256];
static idem_context *context;
static idem_info info = {.struct_size = sizeof info};
static uint8_t *pictures; /* N */

static idem_context *open_context(int refine) {
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.mapper = mapper;
    o.batch = BATCH;
    o.threads = 1;
    o.refine = refine;
    idem_context *c = idem_open(&o);
    if (!c)
        print_message("%s\n", idem_last_error());
    return c;
}

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    snprintf(generator, sizeof generator, "%s/generator.safetensors", dir);
    snprintf(mapper, sizeof mapper, "%s/mapper.safetensors", dir);
    pictures = malloc(N * BYTES);
    context = open_context(0);
    return context && !idem_get_info(context, &info) && !idem_sample(context, 3, 1, N, NULL, pictures) ? 0 : -1;
}

static int tear_down(void **state) {
    idem_close(context);
    free(pictures);
    return tiny_leave(state);
}

static void assert_says(const char *text) {
    if (strstr(idem_last_error(), text))
        return;
    print_message("the message is: %s\nexpected in it: %s\n", idem_last_error(), text);
    fail();
}

/* Pictures that are faces in the frame, taken unseen. */
static void add(idem_faces *faces, idem_context *c, int i) {
    char path[512];
    idem_reading reading;
    idem_reading_default(&reading);
    reading.input = IDEM_INPUT_ALIGNED;
    reading.face = IDEM_LARGEST_FACE;
    snprintf(path, sizeof path, "%s/face-%d.png", dir, i);
    assert_int_equal(idem_write_view(NULL, path, &(idem_view){pictures + i * BYTES, SIDE, SIDE}, NULL), 0);
    idem_photograph *p = idem_read_photograph_as(c, path, &reading);
    assert_non_null(p);
    assert_int_equal(idem_add_faces(faces, p), 0);
    idem_free_photograph(p);
}

static idem_faces *set_of(idem_context *c, int codes, int keep, int first, int n) {
    idem_faces *faces = idem_new_faces(c, codes, keep);
    assert_non_null(faces);
    for (int i = 0; i < n; i++)
        add(faces, c, first + i);
    assert_int_equal(idem_waiting_faces(faces), n);
    assert_int_equal(idem_encode_faces(faces), 0);
    assert_int_equal(idem_waiting_faces(faces), 0);
    assert_int_equal(idem_count_faces(faces), n);
    return faces;
}

/* ---- sets ---- */

static void codes_of_a_set_are_those_of_its_pictures(void **state) {
    (void)state;
    tiny_need(dir);
    idem_faces *faces = set_of(context, IDEM_CODE_OF_IDENTITY | IDEM_CODE_OF_ATTRIBUTES, 1, 0, 3);
    float *id = malloc(3 * (size_t)info.identity_dim * sizeof *id),
          *attr = malloc(3 * (size_t)info.attribute_dim * sizeof *attr);
    assert_int_equal(idem_encode_identity(context, pictures, 3, id), 0);
    assert_int_equal(idem_encode_attributes(context, pictures, 3, attr), 0);
    assert_memory_equal(idem_face_codes(faces, IDEM_CODE_OF_IDENTITY), id, 3 * (size_t)info.identity_dim * sizeof *id);
    assert_memory_equal(idem_face_codes(faces, IDEM_CODE_OF_ATTRIBUTES), attr,
                        3 * (size_t)info.attribute_dim * sizeof *attr);
    assert_memory_equal(idem_face_picture(faces, 2), pictures + 2 * BYTES, BYTES);
    assert_null(idem_face_picture(faces, 3));
    assert_null(idem_face_codes(faces, 3));
    /* One by one it is the same, and emptied it is empty. */
    assert_int_equal(idem_clear_faces(faces), 0);
    assert_int_equal(idem_count_faces(faces), 0);
    assert_null(idem_face_codes(faces, IDEM_CODE_OF_IDENTITY));
    add(faces, context, 1);
    assert_int_equal(idem_encode_faces(faces), 0);
    assert_memory_equal(idem_face_codes(faces, IDEM_CODE_OF_IDENTITY), id + info.identity_dim,
                        (size_t)info.identity_dim * sizeof *id);
    idem_free_faces(faces);
    /* Pictures that are not kept wait until they are encoded. */
    faces = idem_new_faces(context, IDEM_CODE_OF_IDENTITY, 0);
    add(faces, context, 0);
    assert_memory_equal(idem_face_picture(faces, 0), pictures, BYTES);
    assert_int_equal(idem_encode_faces(faces), 0);
    assert_null(idem_face_picture(faces, 0));
    assert_says("keeps no pictures");
    idem_free_faces(faces);
    free(id);
    free(attr);
}

static void pairs_of_sets_are_those_of_pictures(void **state) {
    (void)state;
    tiny_need(dir);
    static const idem_pairing pairs[] = {{0, 1}, {1, 0}, {1, 1}};
    static uint8_t who[3 * BYTES], how[3 * BYTES], want[3 * BYTES], got[3 * BYTES];
    const size_t row = (size_t)info.layers * (size_t)info.w_dim;
    float *ws = malloc(3 * row * sizeof *ws), *again = malloc(3 * row * sizeof *ws);
    for (int i = 0; i < 3; i++) {
        memcpy(who + i * BYTES, pictures + pairs[i].identity * BYTES, BYTES);
        memcpy(how + i * BYTES, pictures + (2 + pairs[i].attributes) * BYTES, BYTES);
    }
    for (int refine = 0; refine <= STEPS; refine += STEPS) {
        idem_context *c = open_context(refine);
        idem_faces *id = set_of(c, IDEM_CODE_OF_IDENTITY, 1, 0, 2), *attr = set_of(c, IDEM_CODE_OF_ATTRIBUTES, 1, 2, 2);
        assert_int_equal(idem_compose(c, who, how, 3, want), 0);
        assert_int_equal(idem_compose_faces(id, attr, pairs, 3, refine, ws, got), 0);
        assert_memory_equal(got, want, sizeof want);
        /* The codes that were painted paint the same, and come without pictures too. */
        assert_int_equal(idem_set_batch(c, refine ? 1 : BATCH), 0);
        assert_int_equal(idem_generate_ws(c, ws, 3, got), 0);
        if (refine)
            assert_memory_equal(got, want, sizeof want);
        assert_int_equal(idem_compose_ws(c, who, how, 3, again, NULL), 0);
        assert_memory_equal(ws, again, 3 * row * sizeof *ws);
        /* Without a mark on the files they count as photographs. */
        if (refine) {
            assert_int_equal(idem_compose_faces(id, attr, pairs, 1, 25, NULL, want), 0);
            assert_int_equal(idem_compose_faces(id, attr, pairs, 1, IDEM_REFINE_AS_MARKED, NULL, got), 0);
            assert_memory_equal(got, want, BYTES);
        }
        idem_free_faces(id);
        idem_free_faces(attr);
        idem_close(c);
    }
    free(ws);
    free(again);
}

static void a_way_begins_and_ends_with_composed_pictures(void **state) {
    (void)state;
    tiny_need(dir);
    enum { FRAMES = 4 };
    static uint8_t way[2][FRAMES * BYTES], ends[2 * BYTES];
    idem_faces *id = set_of(context, IDEM_CODE_OF_IDENTITY, 1, 0, 2),
               *attr = set_of(context, IDEM_CODE_OF_ATTRIBUTES, 1, 2, 1);
    for (int refine = 0; refine <= STEPS; refine += STEPS) {
        assert_int_equal(idem_compose_faces(id, attr, (const idem_pairing[]){{0, 0}, {1, 0}}, 2, refine, NULL, ends),
                         0);
        for (int space = IDEM_SPACE_W; space <= IDEM_SPACE_Z; space++) {
            assert_int_equal(idem_interpolate(id, attr, space, FRAMES, refine, way[space]), 0);
            assert_memory_equal(way[space], ends, BYTES);
            assert_memory_equal(way[space] + (FRAMES - 1) * BYTES, ends + BYTES, BYTES);
        }
        assert_memory_not_equal(way[0] + BYTES, way[1] + BYTES, BYTES); /* two ways between the same ends */
        assert_memory_not_equal(way[0] + BYTES, way[0], BYTES);
    }
    assert_int_equal(idem_interpolate(id, attr, IDEM_SPACE_W, 1, 0, way[0]), -1);
    assert_int_equal(idem_interpolate(id, attr, 2, FRAMES, 0, way[0]), -1);
    assert_int_equal(idem_interpolate(attr, attr, IDEM_SPACE_W, FRAMES, 0, way[0]), -1);
    assert_says("a way has two faces");
    idem_free_faces(id);
    idem_free_faces(attr);
}

/* ---- samples ---- */

static void samples_are_those_of_the_simple_call_and_of_the_program(void **state) {
    (void)state;
    tiny_need(dir);
    const size_t row = (size_t)info.layers * (size_t)info.w_dim;
    float *ws = malloc(N * row * sizeof *ws), *w = malloc(N * (size_t)info.w_dim * sizeof *w);
    static uint8_t rgb[N * BYTES], some[2 * BYTES];
    idem_sampling s;
    idem_sampling_default(&s);
    assert_true(s.seed == 1 && s.truncation == 0.7 && s.cutoff == -1 && s.first == 0);
    s.seed = 3;
    s.truncation = 1;
    assert_int_equal(idem_sample_ws(context, &s, N, ws, rgb), 0);
    assert_int_equal(idem_sample(context, 3, 1, N, w, NULL), 0);
    for (int i = 0; i < N; i++)
        for (int l = 0; l < info.layers; l++)
            for (int k = 0; k < info.w_dim; k++)
                assert_true(fabsf(ws[(size_t)i * row + (size_t)(l * info.w_dim + k)] - w[i * info.w_dim + k]) < 1e-5f);
    s.first = 2;
    assert_int_equal(idem_sample_ws(context, &s, 2, NULL, some), 0);
    assert_memory_equal(some, rgb + 2 * BYTES, sizeof some);
    /* Only the first layers truncated. */
    s.first = 0;
    s.truncation = 0;
    s.cutoff = 2;
    float *cut = malloc(row * sizeof *cut);
    assert_int_equal(idem_sample_ws(context, &s, 1, cut, NULL), 0);
    for (int k = 2 * info.w_dim; k < (int)row; k++)
        assert_true(fabsf(cut[k] - ws[k]) < 1e-5f);
    assert_memory_not_equal(cut, ws, (size_t)info.w_dim * sizeof *cut);

    s = (idem_sampling){.struct_size = sizeof s, .seed = 9, .truncation = 0.5, .cutoff = -1};
    char a[512];
    snprintf(a, sizeof a, "%s/drawn", dir);
    int made = -1;
    assert_int_equal(idem_sample_folder(context, a, &s, 3, &made), 0);
    assert_int_equal(made, 3);
    program_expect(program_run(dir,
                               "$IDEM sample -q --threads 1 -g '%s' -n 3 -b %d --seed 9 -t 0.5 -o $DIR/theirs && "
                               "diff -r $DIR/drawn $DIR/theirs",
                               generator, BATCH),
                   0);
    assert_int_equal(idem_sample_folder(context, a, &s, N, &made), 0);
    assert_int_equal(made, N - 3);
    s.seed = 10;
    assert_int_equal(idem_sample_folder(context, a, &s, N, NULL), -1);
    s.truncation = 3;
    assert_int_equal(idem_sample_ws(context, &s, 1, cut, NULL), -1);
    assert_says("truncation is 3");
    s.struct_size = 0;
    assert_int_equal(idem_sample_ws(context, &s, 1, cut, NULL), -1);
    free(cut);
    free(ws);
    free(w);
}

static void tables_are_numpy_files(void **state) {
    (void)state;
    tiny_need(dir);
    char path[512];
    snprintf(path, sizeof path, "%s/codes.npy", dir);
    static const float rows[3][2] = {{1, 2}, {3, 4}, {5, 6}};
    idem_table *t = idem_open_table(path, 2, 1);
    assert_non_null(t);
    assert_int_equal(idem_add_rows(t, rows[0], 1), 0);
    assert_int_equal(idem_add_rows(t, rows[1], 2), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(idem_finish_table(t), 0);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    idem_shape shape;
    float *data;
    assert_int_equal(idem_npy_load(path, &shape, &data), 0);
    assert_true(shape.rank == 2 && shape.d[0] == 3 && shape.d[1] == 2);
    assert_memory_equal(data, rows, sizeof rows);
    free(data);
    snprintf(path, sizeof path, "%s/none.npy", dir);
    idem_abandon_table(idem_open_table(path, 2, 0));
    assert_int_equal(access(path, F_OK), -1);
    assert_null(idem_open_table(path, 0, 0));
    assert_null(idem_open_table(NULL, 1, 0));
    assert_int_equal(idem_finish_table(NULL), -1);
    assert_int_equal(idem_add_rows(NULL, rows[0], 1), -1);
    idem_abandon_table(NULL);
}

/* ---- contexts ---- */

typedef struct {
    int calls, last, of, cancel_at;
} watch;

static void look(void *user, int done, int of) {
    watch *w = user;
    assert_true(done > w->last && done <= of);
    w->calls++;
    w->last = done;
    w->of = of;
    if (done == w->cancel_at)
        idem_cancel(context);
}

static void progress_is_told_and_work_can_be_cancelled(void **state) {
    (void)state;
    tiny_need(dir);
    static uint8_t out[N * BYTES];
    watch w = {0};
    assert_int_equal(idem_set_progress(context, look, &w), 0);
    assert_int_equal(idem_compose(context, pictures, pictures, N, out), 0);
    assert_true(w.calls == 3 && w.last == N && w.of == N); /* in batches of 2 */
    w = (watch){.cancel_at = 2};
    assert_int_equal(idem_compose(context, pictures, pictures, N, out), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    assert_int_equal(w.last, 2);
    idem_set_progress(context, NULL, NULL);
    assert_int_equal(idem_compose(context, pictures, pictures, 1, out), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    idem_resume(context);
    assert_int_equal(idem_compose(context, pictures, pictures, 1, out), 0);
}

static void *cancel_soon(void *c) {
    usleep(100000);
    idem_cancel(c);
    return NULL;
}

static void another_thread_can_cancel(void **state) {
    (void)state;
    tiny_need(dir);
    enum { MANY = 20000 }; /* minutes of work */
    uint8_t *out = malloc((size_t)MANY * BYTES);
    pthread_t thread;
    assert_non_null(out);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, context), 0);
    assert_int_equal(idem_sample(context, 1, 1, MANY, NULL, out), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    pthread_join(thread, NULL);
    idem_resume(context);
    free(out);
    idem_cancel(NULL);
    idem_resume(NULL);
}

static void memory_given_back_is_made_again(void **state) {
    (void)state;
    tiny_need(dir);
    static uint8_t first[N * BYTES], second[N * BYTES];
    assert_int_equal(idem_compose(context, pictures, pictures, N, first), 0);
    assert_int_equal(idem_free_networks(context, IDEM_FREE_FINDER | IDEM_FREE_PAINTING | IDEM_FREE_RECOGNISERS), 0);
    assert_int_equal(idem_compose(context, pictures, pictures, N, second), 0);
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(idem_free_networks(context, 8), -1);
    assert_int_equal(idem_free_networks(NULL, 1), -1);
    assert_int_equal(idem_set_batch(context, 0), -1);
    assert_int_equal(idem_set_batch(context, 257), -1);
    assert_int_equal(idem_set_batch(context, 1), 0);
    assert_int_equal(idem_compose(context, pictures, pictures, N, second), 0);
    for (size_t i = 0; i < sizeof first; i++)
        assert_true(abs(first[i] - second[i]) <= 1);
    assert_int_equal(idem_set_batch(context, BATCH), 0);
}

static void a_generator_alone_needs_no_other_network(void **state) {
    (void)state;
    tiny_need(dir);
    static uint8_t out[BYTES];
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.generator_only = 1;
    o.models = dir; /* where none are */
    o.batch = BATCH;
    o.threads = 1;
    idem_context *c = idem_open(&o);
    assert_non_null(c);
    assert_int_equal(idem_sample(c, 3, 1, 1, NULL, out), 0);
    assert_memory_equal(out, pictures, BYTES);
    assert_int_equal(idem_compose(c, pictures, pictures, 1, out), -1);
    assert_says("no mapper");
    assert_null(idem_new_faces(c, IDEM_CODE_OF_IDENTITY, 1));
    assert_says("no recogniser is loaded");
    idem_info about = {.struct_size = sizeof about};
    assert_int_equal(idem_get_info(c, &about), 0);
    assert_true(about.size == SIDE && about.layers == 10 && about.z_dim > 0 && !about.identity_dim);
    assert_string_equal(about.generator, info.generator);
    assert_string_equal(about.mapper, "");
    idem_close(c);
    o.mapper = mapper;
    assert_null(idem_open(&o));
    assert_says("generator_only");
    char path[512];
    assert_int_equal(idem_find_shipped(IDEM_SHIPPED_GENERATOR, path, sizeof path), 0);
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(idem_find_shipped("nothing.safetensors", path, sizeof path), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_MISSING);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    tiny_need(dir);
    static uint8_t out[BYTES];
    idem_faces *id = set_of(context, IDEM_CODE_OF_IDENTITY, 0, 0, 1),
               *attr = set_of(context, IDEM_CODE_OF_ATTRIBUTES, 1, 1, 1);
    const idem_pairing pair = {0, 0}, beyond = {1, 0};
    assert_null(idem_new_faces(context, 4, 0));
    assert_null(idem_new_faces(NULL, 1, 0));
    assert_int_equal(idem_compose_faces(id, attr, &pair, 1, 5, NULL, out), -1);
    assert_says("were not kept");
    assert_int_equal(idem_compose_faces(attr, id, &pair, 1, 0, NULL, out), -1);
    assert_says("identity codes of one set");
    assert_int_equal(idem_compose_faces(id, attr, &beyond, 1, 0, NULL, out), -1);
    assert_says("pair 0 has faces 1 and 0");
    assert_int_equal(idem_compose_faces(id, attr, &pair, 1, 1001, NULL, out), -1);
    assert_int_equal(idem_compose_faces(id, attr, &pair, 0, 0, NULL, out), -1);
    assert_int_equal(idem_compose_faces(id, attr, &pair, 1, 0, NULL, NULL), -1);
    add(id, context, 2);
    assert_int_equal(idem_compose_faces(id, attr, &pair, 1, 0, NULL, out), -1);
    assert_says("not been made yet");
    assert_int_equal(idem_add_faces(id, NULL), -1);
    assert_int_equal(idem_count_faces(NULL), -1);
    assert_int_equal(idem_waiting_faces(NULL), -1);
    assert_int_equal(idem_encode_faces(NULL), -1);
    assert_int_equal(idem_clear_faces(NULL), -1);
    assert_int_equal(idem_generate_ws(context, NULL, 1, out), -1);
    assert_int_equal(idem_compose_ws(context, pictures, pictures, 1, NULL, NULL), -1);
    assert_int_equal(idem_set_progress(NULL, look, NULL), -1);
    idem_free_faces(id);
    idem_free_faces(attr);
    idem_free_faces(NULL);
}

/* examples/way.c paints the program's animation, to the byte. */
static void the_example_does_the_same(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(
        program_run(
            dir,
            "cp '%s'/samples/identities/[12].png '%s'/samples/attributes/a.png $DIR && cd $DIR && export "
            "OMP_NUM_THREADS=1 && example=${IDEM%%/*}/examples/example_way && files='generator.safetensors "
            "mapper.safetensors 1.png 2.png a.png' && $example $files way.webp && $IDEM interpolate -q --threads "
            "1 -g generator.safetensors -m mapper.safetensors -i 1.png 2.png -a a.png --refine 25 -n 12 --delay "
            "80 -o theirs.webp && cmp way.webp theirs.webp",
            IDEM_SOURCE_DIR, IDEM_SOURCE_DIR),
        0);
    assert_int_equal(program_run(dir, "${IDEM%%/*}/examples/example_way"), 2);
    assert_int_equal(program_run(dir, "${IDEM%%/*}/examples/example_way /nowhere/g m 1 2 3 4"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(codes_of_a_set_are_those_of_its_pictures),
                                       cmocka_unit_test(pairs_of_sets_are_those_of_pictures),
                                       cmocka_unit_test(a_way_begins_and_ends_with_composed_pictures),
                                       cmocka_unit_test(samples_are_those_of_the_simple_call_and_of_the_program),
                                       cmocka_unit_test(tables_are_numpy_files),
                                       cmocka_unit_test(progress_is_told_and_work_can_be_cancelled),
                                       cmocka_unit_test(another_thread_can_cancel),
                                       cmocka_unit_test(memory_given_back_is_made_again),
                                       cmocka_unit_test(a_generator_alone_needs_no_other_network),
                                       cmocka_unit_test(the_example_does_the_same),
                                       cmocka_unit_test(wrong_arguments_are_refused)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
