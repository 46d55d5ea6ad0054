/* Photographs in the training of a mapper: the share, what is left out, runs that go on, folders that have changed. On
 * the tiny ensemble, with the drawn faces of samples/. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/status.h"
#include "data/data.h"
#include "format/bytes.h"
#include "media/image.h"
#include "support/photographs.h"
#include "support/program.h"
#include "support/tiny.h"

enum { SIDE = 64, PICTURE = SIDE * SIDE * 3, BATCH = 4, APART = 4, FACES = 13 };

static const char *dir; /* holds the tiny ensemble, and photographs in ph/ */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define TRAIN                                                                                                          \
    "$IDEM train -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 --batch 2 --eval-pairs 2 "       \
    "--log-every 1 --eval-every 2 --checkpoint-every 2 -q "

/* ---- the mix ---- */

static void photographs_are_spread_evenly(void **state) {
    (void)state;
    const double shares[] = {0, 0.1, 1.0 / 3, 0.5, 0.7, 1};
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        for (uint64_t k = 0; k < 1000; k++) {
            const uint64_t more = idem_photographs_before(shares[s], k + 1) - idem_photographs_before(shares[s], k);
            assert_true(more <= 1);
            const double off = (double)idem_photographs_before(shares[s], k) - shares[s] * (double)k;
            assert_true(off <= 0 && off > -1);
        }
        assert_true(idem_photographs_before(shares[s], 0) == 0);
    }
    assert_true(idem_photographs_before(0, 1000) == 0 && idem_photographs_before(1, 1000) == 1000);
}

/* ---- the data ---- */

static idem_photographs *open_photographs(const idem_photographs_options *o) {
    idem_photographs *p = idem_photographs_open(tiny_path(dir, "ph"), tiny_path(dir, "test.cache"), o);
    if (!p)
        print_message("%s\n", idem_error());
    assert_non_null(p);
    return p;
}

static void count_call(void *user, const char *why) {
    (void)why;
    ++*(int *)user;
}

static bool same(const float *a, const float *b) {
    return !memcmp(a, b, PICTURE * sizeof *a);
}

static void each_is_shown_once_an_epoch_and_never_if_held_out(void **state) {
    (void)state;
    photograph_need_models();
    int left_out = 0;
    const idem_photographs_options options = {
        .size = SIDE, .seed = 3, .pairs = 50, .models = photograph_models(), .bad = count_call, .user = &left_out};
    idem_photographs *p = open_photographs(&options);
    assert_int_equal(left_out, 2); /* one without a face, one that is no picture */
    assert_int_equal(idem_photographs_count(p), FACES - APART);
    assert_int_equal(idem_photographs_pairs(p), APART / 2);
    enum { N = FACES - APART };
    float *x = malloc((size_t)(N + N + APART) * PICTURE * sizeof *x), *second = x + (size_t)N * PICTURE,
          *apart = second + (size_t)N * PICTURE;
    assert_non_null(x);
    for (uint64_t k = 0; k < N; k++) {
        idem_photographs_take(p, k, x + k * PICTURE);
        idem_photographs_take(p, k + N, second + k * PICTURE);
    }
    for (int side = 0; side < 2; side++)
        idem_photographs_held_out(p, side, 0, APART / 2, apart + side * (APART / 2) * PICTURE);
    for (int i = 0; i < N; i++) {
        int found = 0;
        for (int k = 0; k < N; k++) {
            found += same(x + i * PICTURE, second + k * PICTURE);
            assert_true(k == i || !same(x + i * PICTURE, x + k * PICTURE));
        }
        assert_int_equal(found, 1);
        for (int k = 0; k < APART; k++)
            assert_false(same(x + i * PICTURE, apart + k * PICTURE));
    }
    free(x);
    idem_photographs_free(p);
}

static void note_again(void *user, const char *why) {
    *(int *)user += strstr(why, "plain.png: nothing was found in it before, and it has not changed") != NULL;
    *(int *)user += strstr(why, "broken.png: the file has") ? 10 : 0;
}

/* What has no face is looked at again when it has changed; what could not be read, each time. */
static void faces_are_looked_for_once(void **state) {
    (void)state;
    photograph_need_models();
    int seen = 0;
    const idem_photographs_options options = {
        .size = SIDE, .seed = 3, .pairs = 2, .models = photograph_models(), .bad = note_again, .user = &seen};
    program_expect(RUN("sleep 1.2"), 0); /* files written this very second are not trusted */
    idem_photographs_free(open_photographs(&options));
    seen = 0;
    idem_photographs_free(open_photographs(&options));
    assert_int_equal(seen, 11);
    program_expect(RUN("cp $DIR/ph/plain.png $DIR/kept.png; cp samples/identities/1.png "
                       "$DIR/ph/plain.png"),
                   0);
    seen = 0;
    idem_photographs *p = open_photographs(&options);
    assert_int_equal(seen, 10);
    assert_int_equal(idem_photographs_count(p), FACES + 1 - APART);
    idem_photographs_free(p);
    program_expect(RUN("cp $DIR/kept.png $DIR/ph/plain.png"), 0);
}

static volatile sig_atomic_t stop;

static void stop_at_seven(void *user, size_t done, size_t count) {
    (void)user;
    (void)count;
    stop = done == 7;
}

static void what_was_found_before_an_interruption_is_kept(void **state) {
    (void)state;
    photograph_need_models();
    idem_photographs_options options = {
        .size = SIDE, .seed = 3, .pairs = 2, .models = photograph_models(), .progress = stop_at_seven, .stop = &stop};
    unsigned char *kept;
    size_t size;
    program_expect(RUN("rm -f $DIR/test.cache; sleep 1.2"), 0);
    assert_null(idem_photographs_open(tiny_path(dir, "ph"), tiny_path(dir, "test.cache"), &options));
    assert_int_equal(idem_error_kind(), IDEM_INTERRUPTED);
    assert_int_equal(idem_file_read(tiny_path(dir, "test.cache"), 1 << 20, &kept, &size), 0);
    assert_int_equal(idem_le64(kept + 24), 7); /* pictures */
    free(kept);
    options.progress = NULL;
    stop = 0;
    idem_photographs *p = open_photographs(&options);
    char digest[65];
    strcpy(digest, idem_photographs_digest(p));
    idem_photographs_free(p);
    program_expect(RUN("rm $DIR/test.cache"), 0);
    p = open_photographs(&options);
    assert_string_equal(digest, idem_photographs_digest(p));
    assert_int_equal(idem_photographs_count(p), FACES - APART);
    idem_photographs_free(p);
}

/* Of the first cross-face batches, item by item: photographs in their order, the others as they are without any. */
static void check_share(idem_model *m, double share) {
    const idem_photographs_options options = {.size = SIDE, .seed = 3, .pairs = 2, .models = photograph_models()};
    idem_photographs *p = open_photographs(&options), *again = open_photographs(&options);
    idem_data *mixed = idem_data_on_the_fly(m, BATCH, 0.9, 3, NULL), *own = idem_data_on_the_fly(m, 1, 0.9, 3, NULL);
    float *x_id = malloc((size_t)(2 * BATCH + 2) * PICTURE * sizeof *x_id), *x_attr = x_id + BATCH * PICTURE,
          *one = x_attr + BATCH * PICTURE, *rest = one + PICTURE;
    float w[2][BATCH * 64];
    assert_true(mixed && own && x_id && idem_model_about(m)->w_dim <= 64);
    idem_data_mix(mixed, p, share);
    int photographs = 0;
    for (int step = 0; step < 3; step++) {
        assert_int_equal(idem_data_draw(mixed, step > 0, x_id, x_attr), 0);
        const uint64_t first = idem_data_tell(mixed).pictures - (step ? 2 * BATCH : BATCH);
        for (uint64_t i = 0; i < (step ? 2 * BATCH : BATCH); i++) {
            const uint64_t k = first + i, before = idem_photographs_before(share, k);
            const bool photograph = idem_photographs_before(share, k + 1) > before;
            photographs += photograph;
            if (photograph)
                idem_photographs_take(again, before, one);
            else {
                idem_data_seek(own, (idem_data_cursor){.pictures = k - before});
                assert_int_equal(idem_data_draw(own, false, one, rest), 0);
            }
            if (i < BATCH) { /* in order */
                for (int j = 0; j < PICTURE; j++)
                    assert_true(x_id[i * PICTURE + (uint64_t)j] - one[j] < 0.005f &&
                                one[j] - x_id[i * PICTURE + (uint64_t)j] < 0.005f);
            } else if (photograph) { /* somewhere */
                int found = 0;
                for (int j = 0; j < BATCH; j++)
                    found += same(x_attr + j * PICTURE, one);
                assert_int_equal(found, 1);
            }
        }
        if (!step)
            assert_memory_equal(x_id, x_attr, BATCH * PICTURE * sizeof *x_id);
    }
    assert_int_equal(photographs, (int)(5 * BATCH * share));
    idem_data *alone = idem_data_on_the_fly(m, BATCH, 0.9, 3, NULL);
    assert_int_equal(idem_data_codes(mixed, w[0]) | idem_data_codes(alone, w[1]), 0);
    assert_memory_equal(w[0], w[1], (size_t)(BATCH * idem_model_about(m)->w_dim) * sizeof(float));
    idem_data_free(alone);
    idem_data_free(own);
    idem_data_free(mixed);
    idem_photographs_free(again);
    free(x_id);
}

static void a_share_is_photographs_and_codes_stay(void **state) {
    (void)state;
    photograph_need_models();
    idem_model *m = idem_model_open(tiny_path(dir, "generator.safetensors"));
    assert_non_null(m);
    check_share(m, 0);
    check_share(m, 0.25);
    check_share(m, 0.5);
    check_share(m, 1);
    idem_model_free(m);
}

/* ---- runs ---- */

static void expect_same_run(const char *a, const char *b) {
    program_expect(RUN("cmp $DIR/%s/metrics.jsonl $DIR/%s/metrics.jsonl && cmp "
                       "$DIR/%s/checkpoint-0000000004.safetensors $DIR/%s/checkpoint-0000000004.safetensors",
                       a, b, a, b),
                   0);
}

static void a_run_goes_on_as_if_it_had_not_stopped(void **state) {
    (void)state;
    photograph_need_models();
    program_expect(RUN(TRAIN "-o $DIR/whole --photographs $DIR/ph --iterations 4 --json"), 0);
    assert_true(program_says("plain.png: no face found"));
    assert_true(program_says("broken.png: "));
    assert_true(program_says("\"photographs\": {"));
    program_expect(RUN("tail -n 1 $DIR/whole/metrics.jsonl"), 0);
    json_t *line = json_loads(program_output, 0, NULL);
    static const char *const names[] = {"photo_id_kept", "photo_attr_leak", "photo_nme", "photo_psnr_same_face"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(json_object_get(line, names[i]));
    assert_int_equal(json_integer_value(json_object_get(line, "photo_pairs")), 2);
    json_decref(line);
    /* Under other names, and with nothing kept of the faces, they are the same photographs. */
    program_expect(RUN(TRAIN
                       "-o $DIR/stopped --photographs $DIR/ph --iterations 2 && rm $DIR/stopped/photographs.cache "
                       "&& cp -r $DIR/ph $DIR/moved && mv $DIR/moved/1.png $DIR/moved/zzz.png && " TRAIN
                       "-o $DIR/stopped --photographs $DIR/moved --iterations 4 --resume"),
                   0);
    expect_same_run("whole", "stopped");
}

#define SUMS "find $DIR/run -type f -exec cksum {} + | sort"

static void other_photographs_are_refused(void **state) {
    (void)state;
    photograph_need_models();
    program_expect(RUN(TRAIN "-o $DIR/run --photographs $DIR/ph --photograph-share 1 --iterations 2"), 0);
    program_expect(RUN("cp -r $DIR/ph $DIR/fewer && rm $DIR/fewer/2.png && " SUMS), 0);
    char *before = strdup(program_output);
    program_expect(RUN(TRAIN "-o $DIR/run --photographs $DIR/fewer --iterations 4 --resume"), 1);
    assert_true(program_says("these are not the photographs of the run (0 new, 1 missing"));
    program_expect(RUN(TRAIN "-o $DIR/run --iterations 4 --resume"), 1);
    assert_true(program_says("name their folder with --photographs"));
    program_expect(RUN(TRAIN "-o $DIR/run --photographs $DIR/ph --photograph-share 0.5 --iterations 4 --resume"), 1);
    assert_true(program_says("--photograph-share is 0.5"));
    program_expect(RUN(SUMS), 0);
    assert_string_equal(program_output, before);
    free(before);
    program_expect(RUN(TRAIN "-o $DIR/run --photographs $DIR/ph --iterations 4 --resume"), 0);
    program_expect(RUN("mkdir $DIR/few && cp samples/identities/[1-5].png $DIR/few && " TRAIN
                       "-o $DIR/none --photographs $DIR/few --iterations 2"),
                   1);
    assert_true(program_says("expected at least 6"));
}

static void a_share_of_nothing_changes_nothing(void **state) {
    (void)state;
    photograph_need_models();
    program_expect(RUN(TRAIN "-o $DIR/without --iterations 2"), 0);
    program_expect(RUN(TRAIN "-o $DIR/watched --photographs $DIR/ph --photograph-share 0 --iterations 2"), 0);
    program_expect(RUN("cmp $DIR/without/mapper.safetensors $DIR/watched/mapper.safetensors && for r in without "
                       "watched; do sed 's/, \"photo_.*/}/' $DIR/$r/metrics.jsonl >$DIR/$r.lines; done; cmp "
                       "$DIR/without.lines $DIR/watched.lines"),
                   0);
    program_expect(RUN(TRAIN "-o $DIR/without --photographs $DIR/ph --photograph-share 0 --iterations 4 --resume"), 1);
    assert_true(program_says("the run was started without photographs"));
    program_expect(RUN(TRAIN "-o $DIR/alone --photograph-share 0.5 --iterations 2"), 1);
    assert_true(program_says("name their folder with --photographs"));
}

/* The faces of samples/, one of them also in a photograph; a picture without a face; a file that is none. */
static int set_up(void **state) {
    (void)state;
    dir = tiny_folder();
    if (!dir || tiny_write(dir))
        return -1;
    program_expect(RUN("mkdir $DIR/ph && cp samples/*/*.png $DIR/ph && echo no >$DIR/ph/broken.png"), 0);
    photograph_save(tiny_path(dir, "ph"), "large.png", "identities/3.png", 200);
    idem_image plain;
    if (idem_image_new(&plain, 200, 150))
        return -1;
    memset(plain.rgb, 90, (size_t)200 * 150 * 3);
    const int status = idem_image_save_png(&plain, tiny_path(dir, "ph/plain.png"), NULL);
    idem_image_free(&plain);
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photographs_are_spread_evenly),
        cmocka_unit_test(each_is_shown_once_an_epoch_and_never_if_held_out),
        cmocka_unit_test(faces_are_looked_for_once),
        cmocka_unit_test(what_was_found_before_an_interruption_is_kept),
        cmocka_unit_test(a_share_is_photographs_and_codes_stay),
        cmocka_unit_test(a_run_goes_on_as_if_it_had_not_stopped),
        cmocka_unit_test(other_photographs_are_refused),
        cmocka_unit_test(a_share_of_nothing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
