/* The figures of idem report against numpy and scipy (tests/oracle/report.py), its page and tables, and the command. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/models.h"
#include "idem.h"
#include "measure/frechet.h"
#include "measure/measures.h"
#include "measure/pair_groups.h"
#include "measure/plot.h"
#include "measure/spread.h"
#include "measure/w_space.h"
#include "support/fill.h"
#include "support/program.h"
#include "support/tiny.h"

enum { N = 40, SIZE = 24, PIXELS = SIZE * SIZE, RECOGNISERS = 2, CODES = 200, WIDTH = 12, SIDES = 4 };
enum { ID, ATTR, OUT, SAME };

static const char SALT[] = "report/";
static const int dims[RECOGNISERS] = {16, 8};
static const char *dir; /* NULL: models are missing */

#define NEAR(got, want, tol) assert_true(fabs((double)(got) - (double)(want)) <= (tol))

/* ---- the oracle's inputs ---- */

typedef struct {
    idem_seen seen;
    float *pictures; /* [N, SIZE, SIZE, 3] */
} side;

static float *filled(const char *name, const char *part, size_t n, double a, double b) {
    char whole[64];
    float *x = malloc(n * sizeof *x);
    snprintf(whole, sizeof whole, "%s%s", name, part);
    fixture_fill(x, n, SALT, whole, a, b);
    return x;
}

static side make_side(const char *name) {
    side s = {.seen.n = N};
    float *face = filled("face", "", IDEM_POINT_NUMBERS, 0.3, 0.5), *found = filled(name, ".face", N, 0.5, 0.5);
    s.seen.id[0] = filled(name, ".id0", (size_t)(N * dims[0]), 1, 0.2);
    s.seen.id[1] = filled(name, ".id1", (size_t)(N * dims[1]), 1, 0.2);
    s.seen.points = filled(name, ".points", N * IDEM_POINT_NUMBERS, 0.05, 0);
    s.seen.pose = filled(name, ".pose", N * IDEM_ANGLES, 40, 0);
    s.seen.expression = filled(name, ".expression", N * IDEM_EXPRESSIONS, 0.5, 0.5);
    s.seen.face = malloc(N);
    s.pictures = filled(name, ".picture", N * PIXELS * 3, 0.5, 0.5);
    for (int i = 0; i < N * IDEM_POINT_NUMBERS; i++)
        s.seen.points[i] += face[i % IDEM_POINT_NUMBERS];
    for (int i = 0; i < N; i++)
        s.seen.face[i] = found[i] > 0.2f;
    free(face);
    free(found);
    return s;
}

static void free_side(side *s) {
    idem_seen_free(&s->seen);
    free(s->pictures);
}

static void make_sides(side *s) {
    static const char *const names[SIDES] = {"id", "attr", "out", "same"};
    for (int k = 0; k < SIDES; k++)
        s[k] = make_side(names[k]);
    for (int r = 0; r < RECOGNISERS; r++)
        for (int i = 0; i < N * dims[r]; i++)
            s[OUT].seen.id[r][i] += s[ID].seen.id[r][i] * 0.5f;
    for (int i = 0; i < N * PIXELS * 3; i++)
        s[OUT].pictures[i] = s[OUT].pictures[i] * 0.25f + s[ATTR].pictures[i] * 0.75f;
}

static json_t *fixture(void) {
    json_t *root = json_load_file("tests/fixtures/report/fixture.json", 0, NULL);
    assert_non_null(root);
    return root;
}

static double number(const json_t *o, const char *key) {
    const json_t *x = json_object_get(o, key);
    if (!json_is_number(x))
        print_message("no number: %s\n", key);
    assert_true(json_is_number(x));
    return json_number_value(x);
}

/* ---- figures ---- */

static void same_spread(const char *key, const json_t *want, double *x, bool share) {
    const double first = x[0], error = number(want, "standard_error"), bootstrap = number(want, "bootstrap");
    const idem_spread s = idem_spread_of(x, N, share, 1);
    const bool good = fabs(s.mean.mean - number(want, "mean")) <= 1e-4 * fmax(1, fabs(s.mean.mean)) &&
                      fabs(s.median - number(want, "median")) <= 1e-4 * fmax(1, fabs(s.median)) &&
                      fabs(s.deviation - number(want, "standard_deviation")) <= 1e-4 * fmax(1, s.deviation) &&
                      fabs(first - number(want, "first")) <= 1e-4 * fmax(1, fabs(first)) && s.mean.n == N;
    if (!good)
        print_message("%s: mean %g, median %g, deviation %g, first %g\n", key, s.mean.mean, s.median, s.deviation,
                      first);
    assert_true(good);
    if (error > 0) { /* a share of all or none has Laplace's */
        NEAR(s.mean.error, error, 1e-4 * fmax(1, error));
        NEAR(s.mean.error, bootstrap, 0.1 * error);
    } else {
        assert_true(s.mean.error > 0 || !share);
    }
}

static void every_figure_is_that_of_numpy(void **state) {
    (void)state;
    side s[SIDES];
    make_sides(s);
    json_t *root = fixture(), *figures = json_object_get(root, "figures");
    float *chance = filled("outside", "", PIXELS, 0.5, 0.5);
    uint8_t outside[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        outside[i] = chance[i] > 0.4f;
    idem_measures_about about = {.recognisers = RECOGNISERS,
                                 .dim = {dims[0], dims[1]},
                                 .key = {"train", "judge"},
                                 .n = N,
                                 .candidates = N,
                                 .id = &s[ID].seen,
                                 .attr = &s[ATTR].seen,
                                 .size = SIZE,
                                 .outside = outside,
                                 .strangers = {0.1, 0.15}};
    idem_measures m;
    idem_measures_make(&m, &about);
    float *rows = malloc((size_t)(N * m.n) * sizeof *rows);
    for (int i = 0; i < N; i++) {
        const size_t at = (size_t)i * PIXELS * 3;
        float *row = rows + i * m.n;
        idem_measures_clear(&m, row);
        assert_int_equal(idem_measures_cross(&m, i, &s[OUT].seen, i, s[OUT].pictures + at, s[ATTR].pictures + at, row),
                         0);
        idem_measures_same(&m, i, &s[SAME].seen, i, s[SAME].pictures + at, s[ID].pictures + at, 0.5f, row);
    }
    size_t checked = 0;
    for (int k = 0; k < m.n; k++) {
        const json_t *want = json_object_get(figures, m.table[k].key);
        double x[N];
        if (!want) { /* of networks and codes; MS-SSIM has a fixture of its own */
            assert_true(!strcmp(m.table[k].key, "w_distance") || !strcmp(m.table[k].key, "same_msssim"));
            continue;
        }
        for (int i = 0; i < N; i++)
            x[i] = (double)rows[i * m.n + k];
        same_spread(m.table[k].key, want, x, m.table[k].share);
        checked++;
    }
    assert_int_equal(checked, json_object_size(figures));
    for (int k = 0; k < SIDES; k++)
        free_side(&s[k]);
    free(rows);
    free(chance);
    json_decref(root);
}

static void sets_are_those_of_numpy(void **state) {
    (void)state;
    side s[SIDES];
    make_sides(s);
    json_t *root = fixture(), *diversity = json_object_get(root, "diversity");
    const size_t width = (size_t)dims[0];
    idem_moments *out = idem_moments_new(width), *attr = idem_moments_new(width), *unit = idem_moments_new(width);
    double distance, mean, error;
    for (size_t i = 0; i < N; i += 7) /* bit by bit */
        assert_int_equal(idem_moments_add(out, s[OUT].seen.id[0] + i * width, i + 7 < N ? 7 : N - i), 0);
    assert_int_equal(idem_moments_add(attr, s[ATTR].seen.id[0], N), 0);
    assert_int_equal(idem_moments_distance(&distance, out, attr), 0);
    NEAR(distance, number(root, "frechet"), 1e-4);
    assert_int_equal(idem_moments_distance(&distance, out, attr), 0); /* by the root that was kept */
    NEAR(distance, number(root, "frechet"), 1e-4);
    for (size_t i = 0; i < N; i++) {
        float *row = s[OUT].seen.id[0] + i * width;
        double square = 0;
        for (size_t k = 0; k < width; k++)
            square += (double)row[k] * (double)row[k];
        for (size_t k = 0; k < width; k++)
            row[k] = (float)((double)row[k] / sqrt(square));
    }
    assert_int_equal(idem_moments_add(unit, s[OUT].seen.id[0], N), 0);
    assert_int_equal(idem_moments_cosine(unit, &mean, &error), 0);
    NEAR(mean, number(diversity, "mean"), 1e-4);
    NEAR(error, number(diversity, "standard_error"), 1e-4);
    NEAR(error, number(diversity, "bootstrap"), 0.1 * error);
    idem_moments_free(out);
    idem_moments_free(attr);
    idem_moments_free(unit);
    for (int k = 0; k < SIDES; k++)
        free_side(&s[k]);
    json_decref(root);
}

static void codes_lie_where_numpy_has_them(void **state) {
    (void)state;
    json_t *root = fixture(), *want = json_object_get(root, "codes");
    float *codes = filled("codes", "", CODES * WIDTH, 1, 0), *w = filled("w", "", N * WIDTH, 2, 0);
    float nearest[N], plane[N][2];
    for (int i = 0; i < CODES * WIDTH; i++)
        codes[i] *= (float)(1 + 2.0 * (i % WIDTH) / (WIDTH - 1));
    idem_w_space *s = idem_w_space_of(codes, CODES, WIDTH);
    assert_non_null(s);
    assert_int_equal(idem_w_space_place(s, w, N, nearest, plane[0]), 0);
    for (size_t i = 0; i < N; i++) {
        NEAR(nearest[i], json_number_value(json_array_get(json_object_get(want, "nearest"), i)), 1e-4);
        const json_t *at = json_array_get(json_object_get(want, "plane"), i);
        for (size_t k = 0; k < 2; k++)
            NEAR(plane[i][k], json_number_value(json_array_get(at, k)), 1e-4);
    }
    for (size_t k = 0; k < 2; k++)
        NEAR(idem_w_space_shares(s)[k], json_number_value(json_array_get(json_object_get(want, "shares"), k)), 1e-5);
    assert_int_equal(idem_w_space_place(s, codes + 5 * WIDTH, 1, nearest, NULL), 0);
    NEAR(nearest[0], 0, 1e-6);
    idem_w_space_free(s);
    assert_null(idem_w_space_of(codes, 2, WIDTH));
    free(codes);
    free(w);
    json_decref(root);
}

static void spreads_pass_over_what_is_no_number(void **state) {
    (void)state;
    double x[] = {3, NAN, 1, 8, NAN}, none[] = {NAN, NAN}, all[] = {1, 1, 1};
    const idem_spread s = idem_spread_of(x, 5, false, 1), n = idem_spread_of(none, 2, false, 1);
    NEAR(s.mean.mean, 4, 1e-12);
    NEAR(s.median, 3, 0);
    NEAR(s.deviation, sqrt(13), 1e-12);
    assert_int_equal(s.mean.n, 3);
    assert_false(idem_figure_holds(&n.mean));
    const idem_spread few = idem_spread_of(all, 3, true, 10);
    assert_true(!idem_figure_holds(&few.mean) && few.mean.error > 0 && few.mean.needs == 10);
}

/* ---- groups ---- */

static const char *name_of(void *self, int i) {
    static const char *const names[] = {"anna", "ben", "cleo", "dan", "eve, the second"};
    (void)self;
    return names[i];
}

static void groups_come_from_a_table(void **state) {
    (void)state;
    static const idem_pairs_kind kind = {.name = name_of};
    idem_pairs *pairs = idem_pairs_new(&kind, NULL, 5, 8);
    idem_pair_groups g = {.pairs = 5};
    char text[] =
        "\xEF\xBB\xBFname,age,light\r\nben,old,\"soft, from \"\"above\"\"\"\r\nanna,young,hard\n\nnobody,old,hard\n"
        "\"eve, the second\",old,hard";
    assert_int_equal(idem_pair_groups_parse(&g, text, "t.csv", "attributes", pairs), 0);
    assert_int_equal(g.n, 4);
    assert_string_equal(g.at[0].by, "attributes: age");
    assert_string_equal(g.at[0].value, "old");
    assert_true(g.at[0].n == 2 && g.at[0].member[1] && g.at[0].member[4] && !g.at[0].member[0]);
    assert_string_equal(g.at[2].value, "hard");
    assert_string_equal(g.at[3].value, "soft, from \"above\"");
    assert_true(g.at[3].n == 1 && g.at[3].member[1]);
    idem_pair_groups_free(&g);
    static const char *const bad[] = {"name,age\nben\n", "name,age\n\"ben,old\n", "name,age\n\"ben\"x,old\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char wrong[64];
        snprintf(wrong, sizeof wrong, "%s", bad[i]);
        g = (idem_pair_groups){.pairs = 5};
        assert_int_equal(idem_pair_groups_parse(&g, wrong, "t.csv", "identity", pairs), -1);
        assert_non_null(strstr(idem_last_error(), "t.csv: line 2"));
        idem_pair_groups_free(&g);
    }
    idem_pairs_free(pairs);
}

/* ---- pages ---- */

static void pages_escape_what_stands_in_them(void **state) {
    (void)state;
    char folder[] = "/tmp/idem-page-XXXXXX"; /* tiny_folder is taken */
    assert_non_null(mkdtemp(folder));
    idem_text_table *t = idem_text_table_new("A & B <i>", "note_1", 1, 2);
    idem_text_table_set(t, 0, 0, "row");
    idem_text_table_set(t, 0, 1, "<script>");
    idem_text_table_set(t, 1, 0, "50 %% | x_1");
    idem_text_table_set_figure(t, 1, 1, &(idem_figure){.mean = 0.5, .error = 0.01, .n = 3, .needs = 1}, 2);
    assert_int_equal(idem_text_table_check(t), 0);
    double x[] = {0, 1, NAN}, y[] = {1, 2, 3};
    const idem_plot_series series = {.label = "a\"b", .kind = IDEM_PLOT_LINE, .x = x, .y = y, .n = 3};
    const idem_plot plot = {.title = "<p>", .x_label = "x", .y_label = "y", .series = &series, .n = 1};
    idem_image im;
    assert_int_equal(idem_image_new(&im, 3, 2), 0);
    idem_html *h = idem_html_new("t<", "one\ntwo");
    idem_html_table(h, t);
    idem_html_plots(h, &plot, 1);
    idem_html_picture(h, &im, NULL, "\"c\"");
    char path[512], *text;
    snprintf(path, sizeof path, "%s/p.html", folder);
    assert_int_equal(idem_html_write(h, path), 0);
    idem_html_free(h);
    size_t size;
    assert_int_equal(idem_file_read(path, 1 << 20, (unsigned char **)&text, &size), 0);
    assert_null(strstr(text, "<script>"));
    assert_null(strstr(text, "nan"));
    static const char *const in[] = {"A &amp; B &lt;i&gt;", "<p>one</p>",       "<p>two</p>",
                                     "0.50 ± 0.01",         "a&quot;b",         "&lt;p&gt;",
                                     "iVBORw0KGgo",         "</body>\n</html>", "prefers-color-scheme:dark"};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        assert_non_null(strstr(text, in[i]));
    free(text);
    char *out = NULL;
    FILE *f = open_memstream(&out, &size);
    idem_text_table_latex(t, f);
    idem_text_table_markdown(t, f);
    fclose(f);
    assert_non_null(strstr(out, "50 \\% | x\\_1 & 0.50 $\\pm$ 0.01 \\\\"));
    assert_non_null(strstr(out, "| 50 % \\| x\\_1 | 0.50 ± 0.01 |"));
    free(out);
    idem_image_free(&im);
    idem_text_table_free(t);
    remove(path);
    remove(folder);
}

/* ---- the command ---- */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define REPORT "$IDEM report -q -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 --batch 4 "
#define SHIPPED "$IDEM report --threads 1 --batch 4 "

static int set_up(void **state) {
    (void)state;
    char path[4096];
    static const char *const needed[] = {"fr_pose.onnx", "fr_expression.onnx", "fr_detect.onnx",
                                         "face_recognition_model-weights_manifest.json", "mobilenet_v2.shard1.min.js"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (idem_models_find(path, sizeof path, NULL, needed[i])) {
            printf("skip: %s\n", idem_last_error());
            return 0;
        }
    if (tiny_make(&dir) || (dir && tiny_write_facenet(tiny_path(dir, "facenet.safetensors"))))
        return -1;
    return 0;
}

static json_t *report(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/report.json", tiny_path(dir, name));
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    return root;
}

static const json_t *figure(const json_t *root, size_t row, const char *key) {
    return json_object_get(json_object_get(json_array_get(json_object_get(root, "rows"), row), "figures"), key);
}

static void the_command_measures_drawn_pairs(void **state) {
    (void)state;
    tiny_need(dir);
    program_expect(
        RUN(REPORT
            "--pairs 5 -o $DIR/r --refine 1 --compare $DIR/mapper.safetensors --witness $DIR/facenet.safetensors"),
        0);
    assert_int_equal(RUN("cd $DIR/r && ls report.html report.md report.tex report.json pairs.csv && wc -l < pairs.csv"),
                     0);
    assert_true(program_says("31")); /* six rows of five pairs, and a head */
    json_t *root = report("r"), *rows = json_object_get(root, "rows");
    assert_int_equal(json_array_size(rows), 6);
    assert_int_equal(json_integer_value(json_object_get(root, "pairs")), 5);
    assert_int_equal(json_array_size(json_object_get(root, "recognisers")), 3);
    /* The same mapper again is the same row. */
    assert_true(json_equal(json_object_get(json_array_get(rows, 0), "figures"),
                           json_object_get(json_array_get(rows, 5), "figures")));
    NEAR(number(figure(root, 1, "judge.id_kept"), "mean"), 1, 1e-5);
    NEAR(number(figure(root, 1, "witness.cos_id_out"), "mean"), 1, 1e-5);
    NEAR(number(figure(root, 2, "pose_l2"), "mean"), 0, 1e-6);
    NEAR(number(figure(root, 2, "structure_outside_face"), "mean"), 1, 1e-6);
    assert_true(json_is_null(figure(root, 0, "train.retrieval_top5"))); /* of five sources all are among the first */
    assert_true(json_is_null(figure(root, 1, "same_psnr")));            /* a copy rebuilds nothing */
    const json_t *needs = json_object_get(json_array_get(rows, 0), "needs");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(needs, "train.retrieval_top5"), "needs")), 10);
    const json_t *frechet = json_object_get(json_array_get(rows, 2), "frechet");
    NEAR(number(frechet, "distance"), 0, 1e-3);
    assert_string_equal(json_string_value(json_object_get(frechet, "features")), "MobileNetV2 of nsfwjs 4.3.0");
    assert_true(number(figure(root, 0, "w_distance"), "mean") > 0);
    /* Without a face nothing is dropped: the tiny generator paints none. */
    const json_t *failures = json_object_get(json_array_get(rows, 0), "failures");
    assert_int_equal(json_integer_value(json_object_get(failures, "no_face")), 5);
    assert_int_equal(json_integer_value(json_object_get(figure(root, 0, "nme"), "n")), 5);
    json_decref(root);
}

static void the_command_says_in_a_line_what_is_wrong(void **state) {
    (void)state;
    assert_int_equal(program_run("/tmp", "$IDEM report"), 2);
    assert_int_equal(program_run("/tmp", "$IDEM report -o x --refine 1,a"), 2);
    assert_int_equal(program_run("/tmp", "$IDEM report -o x --identity y"), 2);
    tiny_need(dir);
    /* Another input than a recogniser's. */
    assert_int_equal(
        RUN(REPORT "--pairs 2 -o $DIR/e1 --witness %s/models/cache/fr_landmark.onnx:insightface", IDEM_SOURCE_DIR), 1);
    assert_int_equal(program_lines(), 1);
    assert_true(program_says("fr_landmark.onnx"));
    /* No names in common. */
    assert_int_equal(RUN("mkdir $DIR/who $DIR/how $DIR/none && cp %s/samples/identities/[123].png $DIR/who && "
                         "cp %s/samples/attributes/a.png $DIR/none",
                         IDEM_SOURCE_DIR, IDEM_SOURCE_DIR),
                     0);
    assert_int_equal(RUN(REPORT "-o $DIR/e2 --identity $DIR/who --attributes $DIR/none"), 1);
    assert_int_equal(program_lines(), 1);
    assert_true(program_says("have 0 pictures of the same name"));
}

static void folders_lose_what_is_no_good(void **state) {
    (void)state;
    tiny_need(dir);
    /* 1 and 2 are good; 3 shows no face; 4 has no partner. */
    program_expect(RUN("cd $DIR && mkdir -p a b && cp %s/samples/identities/[1234].png a && "
                       "for i in 1 2; do cp %s/samples/attributes/$(echo $i | tr 12 ab).png b/$i.png; done && "
                       "$IDEM sample -q -g $DIR/generator.safetensors -n 1 -o $DIR/noise >/dev/null 2>&1; "
                       "cp $(find $DIR/noise -name '*.png' | head -1) b/3.png && "
                       "printf 'name,age\\n1,old\\n2,young\\n' > b/groups.csv",
                       IDEM_SOURCE_DIR, IDEM_SOURCE_DIR),
                   0);
    program_expect(RUN("cd %s && " SHIPPED "-q -o $DIR/f --identity $DIR/a --attributes $DIR/b", IDEM_SOURCE_DIR), 0);
    assert_true(program_says("passed over: 4 has no partner in "));
    assert_true(program_says("/b/3.png: no face is found in this attribute picture"));
    json_t *root = report("f");
    assert_int_equal(json_integer_value(json_object_get(root, "pairs")), 2);
    assert_int_equal(json_integer_value(json_object_get(root, "left_out")), 1);
    assert_int_equal(json_array_size(json_object_get(root, "rows")), 3); /* no codes, so no mixing */
    size_t i;
    json_t *g, *groups = json_object_get(json_array_get(json_object_get(root, "rows"), 0), "groups");
    int ages = 0;
    json_array_foreach(groups, i, g) ages += !strcmp(json_string_value(json_object_get(g, "by")), "attributes: age");
    assert_int_equal(ages, 2);
    json_decref(root);
}

/* ---- the public library ---- */

typedef struct {
    int told, stop_at;
    uint64_t done, all;
} listener;

static int on_progress(void *user, const char *what, uint64_t done, uint64_t all) {
    listener *l = user;
    assert_non_null(what);
    assert_true(done <= all && (!l->told || done >= l->done));
    l->done = done;
    l->all = all;
    return l->stop_at && ++l->told >= l->stop_at;
}

static void the_library_reports(void **state) {
    (void)state;
    idem_measure_report_options o = {0};
    char *json = NULL;
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "idem_measure_report_options_default"));
    idem_measure_report_options_default(&o);
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "generator is NULL"));
    o.generator = o.mapper = "/nowhere";
    o.pairs = 1;
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "pairs is 1"));
    o.pairs = 3;
    o.refines = 1;
    o.refine = (const int[]){0};
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "refine[0] is 0"));
    o.refines = 0;
    o.identity = "x";
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "go together"));
    o.identity = NULL;
    tiny_need(dir);
    char generator[512], mapper[512];
    snprintf(generator, sizeof generator, "%s/generator.safetensors", dir);
    snprintf(mapper, sizeof mapper, "%s/mapper.safetensors", dir);
    o.generator = generator;
    o.mapper = mapper;
    o.threads = 1;
    o.batch = 4;
    o.seed = UINT64_MAX;
    listener l = {0};
    o.watch = (idem_measure_watch){.user = &l, .progress = on_progress};
    assert_int_equal(idem_measure_report(&o, &json), 0);
    assert_true(l.done == l.all && l.all > 6);
    assert_non_null(strstr(json, "\"seed\": 18446744073709551615,"));
    json_t *root = json_loads(strstr(json, ",") ? json : "", JSON_DECODE_INT_AS_REAL, NULL);
    assert_int_equal(json_number_value(json_object_get(root, "pairs")), 3);
    json_decref(root);
    idem_measure_free(json);
    program_expect(RUN("${IDEM%%/*}/examples/example_measure $DIR/generator.safetensors $DIR/mapper.safetensors 2 "
                       "$DIR/ex >$DIR/ex.json && cmp $DIR/ex.json $DIR/ex/report.json && ls $DIR/ex/report.html"),
                   0);
    program_expect(RUN("${IDEM%%/*}/examples/example_measure"), 2);
    l = (listener){.stop_at = 2};
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    assert_null(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_is_that_of_numpy),    cmocka_unit_test(sets_are_those_of_numpy),
        cmocka_unit_test(codes_lie_where_numpy_has_them),   cmocka_unit_test(spreads_pass_over_what_is_no_number),
        cmocka_unit_test(groups_come_from_a_table),         cmocka_unit_test(pages_escape_what_stands_in_them),
        cmocka_unit_test(the_command_measures_drawn_pairs), cmocka_unit_test(the_command_says_in_a_line_what_is_wrong),
        cmocka_unit_test(folders_lose_what_is_no_good),     cmocka_unit_test(the_library_reports),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
