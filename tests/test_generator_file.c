/* Generators as files hold them: known by what paints, found behind any prefix, refused where they contradict
 * themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/status.h"
#include "format/weights.h"
#include "model/model.h"
#include "nets/stylegan2.h"
#include "support/program.h"
#include "support/tiny.h"

static const idem_stylegan2_dims dims = {.size = 16, .z_dim = 6, .w_dim = 4, .mapping_layers = 2, .widths = {4, 4, 4}};

/* A generator below the prefix, its mean of `rows` rows in front (0: none), and an encoder beside it if there is a
 * prefix. */
static idem_weights *make(const char *prefix, int rows) {
    idem_weights *w = idem_weights_new();
    idem_rng rng = idem_rng_make(3, "generator");
    idem_weight *mean = rows ? idem_weights_add(w, "latent_avg", IDEM_SHAPE(rows, 4)) : NULL;
    for (int i = 0; i < 4 * rows; i++)
        mean->data[i] = (float)(i % 4);
    assert_int_equal(idem_stylegan2_init(w, prefix, &dims, &rng), 0);
    if (*prefix)
        assert_non_null(idem_weights_add(w, "encoder.weight", IDEM_SHAPE(2)));
    return w;
}

static void hashes(idem_weights *w, char paints[17], char all[17]) {
    assert_int_equal(idem_stylegan2_unwrap(w), 0);
    idem_stylegan2_hash(paints, all, w);
    idem_weights_free(w);
}

static void a_generator_is_known_by_what_paints(void **state) {
    (void)state;
    static const char *const prefixes[] = {"", "g_ema.", "decoder.", "generator.", "net.G/"};
    char first[17], with_mean[17], paints[17], all[17];
    hashes(make("", 0), first, all);
    hashes(make("", 1), paints, with_mean);
    assert_string_equal(paints, first);
    assert_string_not_equal(with_mean, first);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        hashes(make(prefixes[i], 1), paints, all);
        assert_string_equal(paints, first);
        assert_string_equal(all, with_mean);
    }
    idem_weights *other = make("", 0);
    idem_weights_find(other, "style.1.weight")->data[0] += 1;
    hashes(other, paints, all);
    assert_string_not_equal(paints, first);
}

static void prefixes_are_found_and_two_are_named(void **state) {
    (void)state;
    idem_stylegan2 s;
    idem_weights *w = make("decoder.", 1);
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), 0);
    assert_string_equal(s.prefix, "decoder.");
    assert_int_equal(s.size, 16);
    assert_non_null(idem_stylegan2_mean_w(&s, w));
    idem_rng rng = idem_rng_make(4, "generator");
    assert_int_equal(idem_stylegan2_init(w, "other.", &dims, &rng), 0);
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), -1);
    assert_non_null(strstr(idem_error(), "decoder."));
    assert_non_null(strstr(idem_error(), "other."));
    assert_int_equal(idem_stylegan2_open(&s, w, "other."), 0);
    idem_weights_free(w);
    w = idem_weights_new();
    assert_int_equal(idem_stylegan2_unwrap(w), -1);
    idem_weights_free(w);
}

static void a_mean_is_one_row_however_often(void **state) {
    (void)state;
    idem_stylegan2 s;
    idem_weights *w = make("", 6);
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), 0);
    assert_true(idem_stylegan2_mean_w(&s, w)[3] == 3);
    idem_weights_find(w, "latent_avg")->data[7] = 9;
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), -1);
    assert_non_null(strstr(idem_error(), "rows that differ"));
    idem_weights_free(w);
    w = make("", 0);
    assert_non_null(idem_weights_add(w, "latent_avg", IDEM_SHAPE(5)));
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), -1);
    assert_non_null(strstr(idem_error(), "latent_avg is [5], expected [4]"));
    idem_weights_free(w);
}

static void a_file_that_contradicts_itself_is_refused(void **state) {
    (void)state;
    static const char *const said[][2] = {{"size", "16"}, {"z_dim", "6"}, {"w_dim", "4"}, {"mapping_layers", "2"}};
    idem_stylegan2 s;
    for (size_t i = 0; i < 4; i++) {
        idem_weights *w = make("", 1);
        assert_int_equal(idem_weights_set_meta(w, "kind", "stylegan2"), 0);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(idem_weights_set_meta(w, said[k][0], said[k][1]), 0);
        assert_int_equal(idem_stylegan2_open(&s, w, NULL), 0);
        assert_int_equal(idem_weights_set_meta(w, said[i][0], "32"), 0);
        assert_int_equal(idem_stylegan2_open(&s, w, NULL), -1);
        assert_non_null(strstr(idem_error(), said[i][0]));
        idem_weights_free(w);
    }
}

/* Mappers were once saved with the hash of all tensors of their generator. */
static void mappers_open_by_either_hash(void **state) {
    (void)state;
    if (!tiny_has_models())
        skip();
    const char *const dir = program_folder;
    char path[3][4096], hash[2][17];
    static const char *const names[] = {"generator.safetensors", "mapper.safetensors", "old.safetensors"};
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", dir, names[i]);
    assert_int_equal(tiny_write(dir), 0);
    idem_weights *w;
    assert_int_equal(idem_weights_load(&w, path[0]), 0);
    assert_int_equal(idem_stylegan2_unwrap(w), 0);
    idem_stylegan2 s;
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), 0);
    assert_non_null(idem_weights_add(w, "latent_avg", IDEM_SHAPE(s.w_dim)));
    idem_stylegan2_hash(hash[0], hash[1], w);
    assert_int_equal(idem_weights_save(w, path[0], IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
    assert_string_not_equal(hash[0], hash[1]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(idem_weights_load(&w, path[1]), 0);
        assert_int_equal(idem_weights_set_meta(w, "generator", i < 2 ? hash[i] : "0123456789abcdef"), 0);
        assert_int_equal(idem_weights_save(w, path[2], IDEM_DTYPE_F32), 0);
        idem_weights_free(w);
        idem_model *m = idem_model_open(path[0]);
        assert_non_null(m);
        assert_string_equal(idem_model_about(m)->hash, hash[0]);
        assert_int_equal(idem_model_load_mapper(m, path[2]), i < 2 ? 0 : -1);
        idem_model_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_generator_is_known_by_what_paints), cmocka_unit_test(prefixes_are_found_and_two_are_named),
        cmocka_unit_test(a_mean_is_one_row_however_often), cmocka_unit_test(a_file_that_contradicts_itself_is_refused),
        cmocka_unit_test(mappers_open_by_either_hash)};
    return cmocka_run_group_tests_name("generator_file", tests, program_enter, program_leave);
}
