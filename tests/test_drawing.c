/* src/media: contact sheets, charts and the canvas under them, judged by their pixels. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/status.h"
#include "media/axis.h"
#include "media/canvas.h"
#include "media/chart.h"
#include "media/sheet.h"

/* ---- looking ---- */

static const uint8_t *pixel(const idem_image *im, int x, int y) {
    return im->rgb + ((size_t)y * (size_t)im->width + (size_t)x) * 3;
}

static bool is_colour(const uint8_t *p, uint32_t colour, int tolerance) {
    return abs(p[0] - (int)(colour >> 16)) <= tolerance && abs(p[1] - (int)(colour >> 8 & 255)) <= tolerance &&
           abs(p[2] - (int)(colour & 255)) <= tolerance;
}

static int count_unlike(const idem_image *im, int x, int y, int width, int height, uint32_t ground) {
    int n = 0;
    for (int v = y; v < y + height; v++) {
        for (int u = x; u < x + width; u++)
            n += !is_colour(pixel(im, u, v), ground, 30);
    }
    return n;
}

/* A picture of random pixels, which cannot be found on a page by accident. */
static idem_image noise(int width, int height, int which) {
    idem_image im;
    idem_rng r = idem_rng_make((uint64_t)which, "drawing");
    assert_int_equal(idem_image_new(&im, width, height), 0);
    for (int i = 0; i < width * height * 3; i++)
        im.rgb[i] = (uint8_t)idem_rng_below(&r, 256);
    return im;
}

/* The one place where `part` lies in `page`, pixel for pixel. */
static void find(const idem_image *page, const idem_image *part, int *x, int *y) {
    int found = 0;
    for (int v = 0; v + part->height <= page->height; v++) {
        for (int u = 0; u + part->width <= page->width; u++) {
            bool same = true;
            for (int row = 0; same && row < part->height; row++)
                same = memcmp(pixel(page, u, v + row), pixel(part, 0, row), (size_t)part->width * 3) == 0;
            if (same) {
                *x = u;
                *y = v;
                found++;
            }
        }
    }
    assert_int_equal(found, 1);
}

/* ---- sheets ---- */

enum { ROWS = 2, COLUMNS = 3, SIDE = 130 };

static void grid_has_everything_in_place(void **state) {
    (void)state;
    idem_image pictures[ROWS * COLUMNS + ROWS + COLUMNS], page;
    const idem_image *p[ROWS * COLUMNS + ROWS + COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS + ROWS + COLUMNS; i++) {
        pictures[i] = noise(SIDE, SIDE, i);
        p[i] = &pictures[i];
    }
    const char *captions[ROWS * COLUMNS] = {"0.1", "0.2", "", NULL, "0.5", "0.6"};
    idem_sheet s = {.rows = ROWS, .columns = COLUMNS, .cells = p, .down = p + 6, .along = p + 8, .captions = captions};
    s.title = "A title";
    s.row_axis = "identity";
    s.column_axis = "attributes";
    s.footer = "seed 1";
    assert_int_equal(idem_sheet_draw(&page, &s), 0);
    int x[ROWS * COLUMNS + ROWS + COLUMNS], y[ROWS * COLUMNS + ROWS + COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS + ROWS + COLUMNS; i++)
        find(&page, p[i], &x[i], &y[i]);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        assert_int_equal(x[i], x[0] + i % COLUMNS * (x[1] - x[0]));
        assert_int_equal(y[i], y[0] + i / COLUMNS * (y[COLUMNS] - y[0]));
        assert_int_equal(x[i], x[8 + i % COLUMNS]); /* the attribute is above, the identity to the left */
        assert_int_equal(y[i], y[6 + i / COLUMNS]);
        int ink = count_unlike(&page, x[i], y[i] + SIDE, SIDE, y[COLUMNS] - y[0] - SIDE - 1, 0xffffff);
        assert_true(captions[i] && *captions[i] ? ink > 20 : ink == 0);
    }
    assert_true(x[1] - x[0] > SIDE && x[6] + SIDE < x[0] && y[8] + SIDE < y[0]);
    assert_true(count_unlike(&page, 0, 0, page.width, 50, 0xffffff) > 200);                  /* title */
    assert_true(count_unlike(&page, 0, y[0], x[6] - 8, 2 * SIDE, 0xffffff) > 100);           /* turned text */
    assert_true(count_unlike(&page, 0, page.height - 40, page.width, 40, 0xffffff) > 50);    /* footer */
    assert_int_equal(count_unlike(&page, page.width - 10, 0, 10, page.height, 0xffffff), 0); /* margins */
    assert_int_equal(count_unlike(&page, 0, page.height - 10, page.width, 10, 0xffffff), 0);

    /* The same again gives the same bytes. */
    idem_image again;
    assert_int_equal(idem_sheet_draw(&again, &s), 0);
    assert_int_equal(again.width, page.width);
    assert_int_equal(again.height, page.height);
    assert_memory_equal(again.rgb, page.rgb, (size_t)(page.width * page.height * 3));
    idem_image_free(&again);
    idem_image_free(&page);
    for (int i = 0; i < ROWS * COLUMNS + ROWS + COLUMNS; i++)
        idem_image_free(&pictures[i]);
}

static void small_pictures_are_enlarged_large_ones_shrunk(void **state) {
    (void)state;
    static const struct {
        int width, height, side, shown_width, shown_height;
    } cases[] = {{64, 64, 0, 128, 128},   {50, 50, 0, 150, 150}, {130, 100, 0, 130, 100},
                 {512, 256, 0, 256, 128}, {64, 64, 64, 64, 64},  {300, 300, 100, 100, 100}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        idem_image im = noise(cases[i].width, cases[i].height, 3), shown, page;
        const idem_image *p = &im;
        idem_sheet s = {.side = cases[i].side};
        assert_int_equal(idem_sheet_list(&page, &s, &p, 1, 4), 0);
        int w = cases[i].shown_width, h = cases[i].shown_height, x, y;
        if (w > cases[i].width)
            assert_int_equal(idem_image_resize_lanczos(&shown, &im, w, h), 0);
        else
            assert_int_equal(idem_image_resize(&shown, &im, w, h), 0);
        find(&page, &shown, &x, &y);
        idem_image_free(&shown);
        idem_image_free(&page);
        idem_image_free(&im);
    }
}

static void list_fills_rows(void **state) {
    (void)state;
    idem_image pictures[5], page;
    const idem_image *p[5];
    int x[5], y[5];
    for (int i = 0; i < 5; i++) {
        pictures[i] = noise(128, i == 1 ? 64 : 128, i);
        p[i] = i == 3 ? NULL : &pictures[i];
    }
    idem_sheet s = {0};
    assert_int_equal(idem_sheet_list(&page, &s, p, 5, 2), 0);
    for (int i = 0; i < 5; i++) {
        if (i != 3)
            find(&page, p[i], &x[i], &y[i]);
    }
    assert_true(y[1] == y[0] + 32 && x[2] == x[0] && x[4] == x[0] && x[1] > x[0] + 128);
    assert_int_equal(y[4] - y[2], y[2] - y[0]);
    idem_image_free(&page);
    for (int i = 0; i < 5; i++)
        idem_image_free(&pictures[i]);
}

static void any_text_is_drawn(void **state) {
    (void)state;
    static char endless[5000];
    memset(endless, 'W', sizeof endless - 1);
    static const char *const texts[] = {"",
                                        "\xff\xfe bad \xc3",
                                        "\xed\xa0\x80 surrogate",
                                        "tab\tand\nnewline",
                                        endless,
                                        "\xe2\x80\xa6\xf0\x9f\x98\x80",
                                        " ",
                                        "\xf4\x90\x80\x80",
                                        "\xc0\x80"};
    idem_image im = noise(128, 128, 1), page;
    const idem_image *p = &im;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        idem_sheet s = {.rows = 1, .columns = 1, .cells = &p, .down = &p, .along = &p};
        s.title = s.row_axis = s.column_axis = s.footer = texts[i];
        s.row_labels = s.column_labels = s.captions = &texts[i];
        if (idem_sheet_draw(&page, &s) < 0)
            fail_msg("text %zu: %s", i, idem_error());
        assert_int_equal(count_unlike(&page, page.width - 10, 0, 10, page.height, 0xffffff),
                         0); /* cut, not overflowing */
        idem_image_free(&page);
    }
    idem_image_free(&im);
}

static void impossible_sheets_are_refused(void **state) {
    (void)state;
    idem_image im = noise(256, 256, 1), page;
    const idem_image *p[200], *none[2] = {NULL, NULL};
    for (int i = 0; i < 200; i++)
        p[i] = &im;
    idem_sheet s = {.rows = 0, .columns = 3, .cells = p};
    assert_int_equal(idem_sheet_draw(&page, &s), -1);
    assert_null(page.rgb);
    s.rows = 1 << 30;
    assert_int_equal(idem_sheet_draw(&page, &s), -1);
    s = (idem_sheet){.rows = 1, .columns = 200, .cells = p}; /* more than 32767 pixels */
    assert_int_equal(idem_sheet_draw(&page, &s), -1);
    assert_non_null(strstr(idem_error(), "32767"));
    s = (idem_sheet){.rows = 1, .columns = 2, .cells = none};
    assert_int_equal(idem_sheet_draw(&page, &s), -1);
    assert_int_equal(idem_sheet_list(&page, &s, p, 0, 2), -1);
    assert_null(page.rgb);
    idem_image_free(&im);
}

/* ---- canvas ---- */

static void paragraphs_break_at_spaces(void **state) {
    (void)state;
    idem_canvas c;
    assert_int_equal(idem_canvas_open(&c, 10, 10), 0);
    idem_pen pen = {12, false, 0};
    double one = idem_canvas_paragraph(&c, &pen, 0, 0, 1000, "one two three", false);
    double word = idem_canvas_text_width(&c, &pen, "three");
    assert_true(one > 12);
    assert_true(word > 10); /* there is a font */
    assert_true(idem_canvas_paragraph(&c, &pen, 0, 0, word + 1, "one two three", false) == 3 * one);
    assert_true(idem_canvas_paragraph(&c, &pen, 0, 0, 1000, "one\ntwo", false) == 2 * one);
    assert_true(idem_canvas_paragraph(&c, &pen, 0, 0, 1000, NULL, false) == 0);
    assert_int_equal(idem_canvas_close(&c, NULL), 0);
    assert_int_equal(idem_canvas_open(&c, 0, 10), -1);
}

/* ---- axes ---- */

static void assert_ticks(const idem_axis *a, const char *expected) {
    char all[400] = "";
    for (int i = 0; i < a->ticks; i++)
        sprintf(all + strlen(all), "%s%s", i ? " " : "", a->label[i]);
    assert_string_equal(all, expected);
    for (int i = 0; i < a->ticks; i++) {
        double at = idem_axis_at(a, a->tick[i]);
        assert_true(at > -1e-6 && at < 1 + 1e-6);
    }
}

static void ticks_are_round(void **state) {
    (void)state;
    static const struct {
        double lo, hi;
        bool log;
        const char *labels;
    } cases[] = {
        {0, 1, false, "0.0 0.2 0.4 0.6 0.8 1.0"},       {0, 120000, false, "0 50k 100k"},
        {-1, 1, false, "-1.0 -0.5 0.0 0.5 1.0"},        {0.01, 0.013, false, "0.010 0.011 0.012 0.013"},
        {3e6, 4.1e6, false, "3.0M 3.5M 4.0M"},          {0, 3e-5, false, "0 1e-5 2e-5 3e-5"},
        {1e-4, 10, true, "1e-4 0.001 0.01 0.1 1 10"},   {1, 50, true, "1 2 5 10 20 50"},
        {200, 20000, true, "200 500 1k 2k 5k 10k 20k"}, {1, 1.5, true, "1.0 1.1 1.2 1.3 1.4 1.5"},
        {1e-9, 1e9, true, "1e-8 1e-4 1 10k 100M"},      {NAN, 1, false, "0.0 0.2 0.4 0.6 0.8 1.0"},
        {INFINITY, -INFINITY, true, "0.1 0.2 0.5 1"},   {5, 5, false, "4.6 4.8 5.0 5.2 5.4"},
        {0, 0, false, "-1.0 -0.5 0.0 0.5 1.0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        idem_axis a;
        idem_axis_make(&a, cases[i].lo, cases[i].hi, cases[i].log, 0, 5);
        assert_ticks(&a, cases[i].labels);
    }
    idem_axis a;
    idem_axis_make(&a, 1, 100, true, 0, 5);
    assert_true(fabs(idem_axis_at(&a, 10) - 0.5) < 1e-12);
    assert_true(isnan(idem_axis_at(&a, 0)) && isnan(idem_axis_at(&a, NAN)));
    idem_axis_make(&a, 0, 4, false, 0.25, 5);
    assert_true(a.lo == 0 && a.hi == 5); /* no space below 0 when nothing is there */
}

/* ---- charts ---- */

/* Rows in which at least half of the page's width has the colour: their middle, or -1. */
static double level_of(const idem_image *im, uint32_t colour) {
    double sum = 0;
    int n = 0;
    for (int y = 0; y < im->height; y++) {
        int like = 0;
        for (int x = 0; x < im->width; x++)
            like += is_colour(pixel(im, x, y), colour, 42);
        if (like > im->width / 2) {
            sum += y;
            n++;
        }
    }
    return n ? sum / n : -1;
}

enum { BLUE = 0x0072b2, ORANGE = 0xd55e00, GREEN = 0x009e73, PURPLE = 0xcc79a7 };

static void lines_lie_where_values_are(void **state) {
    (void)state;
    double y[4][300];
    idem_chart_series s[4];
    static const double levels[4] = {0.25, 0.5, 0.75, 1e9};
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < 300; i++)
            y[k][i] = levels[k];
        s[k] = (idem_chart_series){.y = y[k], .n = 300};
    }
    idem_chart_panel p = {.y_lo = 0, .y_hi = 1, .series = s, .series_count = 4};
    idem_chart chart = {.panels = &p, .panel_count = 1};
    idem_image im;
    assert_int_equal(idem_chart_draw(&im, &chart), 0);
    double a = level_of(&im, BLUE), b = level_of(&im, ORANGE), c = level_of(&im, GREEN);
    assert_true(a > b && b > c && c > 0);
    assert_true(fabs((a - b) - (b - c)) <= 1.5 && a - b > 50);
    assert_true(level_of(&im, PURPLE) < 0); /* far outside the range */
    idem_image_free(&im);

    /* Logarithmic: equal factors are equal distances. */
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 300; i++)
            y[k][i] = pow(10, k - 5);
    }
    p = (idem_chart_panel){.log_y = true, .series = s, .series_count = 3};
    assert_int_equal(idem_chart_draw(&im, &chart), 0);
    a = level_of(&im, BLUE), b = level_of(&im, ORANGE), c = level_of(&im, GREEN);
    assert_true(a > b && b > c && c > 0 && fabs((a - b) - (b - c)) <= 1.5 && a - b > 80);
    idem_image_free(&im);

    /* A noisy line about 0.5, smoothed: a straight line over a pale one. */
    for (int i = 0; i < 300; i++)
        y[0][i] = i % 2 ? 0.2 : 0.8;
    s[0].smooth = 0.99;
    p = (idem_chart_panel){.y_lo = 0, .y_hi = 1, .series = s, .series_count = 1};
    assert_int_equal(idem_chart_draw(&im, &chart), 0);
    assert_true(level_of(&im, BLUE) > 0);
    idem_image_free(&im);
    s[0].smooth = 0;
    s[0].n = 20;
    assert_int_equal(idem_chart_draw(&im, &chart), 0);
    assert_true(level_of(&im, BLUE) < 0);
    idem_image_free(&im);
}

/* Half a million values and one of them far from the others: it is still seen, and gaps stay gaps. */
static void long_series_keep_their_peaks(void **state) {
    (void)state;
    enum { N = 500000 };
    double *y = malloc(N * sizeof *y);
    for (int i = 0; i < N; i++)
        y[i] = i < N / 4 ? NAN : 0.1;
    y[N / 2] = 0.9;
    idem_chart_series s = {.y = y, .n = N};
    idem_chart_panel p = {.y_lo = 0, .y_hi = 1, .series = &s, .series_count = 1};
    idem_chart chart = {.panels = &p, .panel_count = 1};
    idem_image im;
    assert_int_equal(idem_chart_draw(&im, &chart), 0);
    int low = 0, high = 0, left = im.width, peak_column = -1;
    for (int y0 = 0; y0 < im.height; y0++) {
        for (int x = 0; x < im.width; x++) {
            if (!is_colour(pixel(&im, x, y0), BLUE, 90))
                continue;
            low += y0 > im.height * 3 / 4;
            if (y0 < im.height / 2) {
                high++;
                peak_column = x;
            }
            left = x < left ? x : left;
        }
    }
    assert_true(low > im.width / 2);
    assert_true(high > 50 && high < 800);
    assert_true(abs(peak_column - im.width / 2) < 30);
    assert_true(abs(left - im.width / 4) < 40);
    idem_image_free(&im);
    free(y);
}

static void odd_charts_are_drawn(void **state) {
    (void)state;
    double bad[4] = {NAN, INFINITY, -INFINITY, -1}, x[4] = {3, 3, 3, 3}, huge[4] = {1e300, -1e300, 1e308, 0};
    idem_chart_series s[4] = {{.label = "none"},
                              {.label = "bad \xff", .y = bad, .n = 4, .smooth = 0.9, .points = true, .dashed = true},
                              {.x = x, .y = bad, .n = 4},
                              {.x = huge, .y = huge, .n = 4, .smooth = 2, .points = true}};
    idem_chart_rule rule = {.y = NAN, .label = "nowhere"};
    for (int log = 0; log <= 1; log++) {
        for (size_t n = 0; n <= 4; n++) {
            idem_chart_panel p = {.log_y = log, .log_x = log, .series = s, .series_count = n, .rules = &rule};
            p.rule_count = 1;
            idem_chart_panel panels[3] = {p, p, p};
            idem_chart chart = {.panels = panels, .panel_count = 3, .panel_width = 200, .panel_height = 150};
            idem_image im;
            if (idem_chart_draw(&im, &chart) < 0)
                fail_msg("%s", idem_error());
            assert_true(im.width > 400 && im.width < 500 && im.height > 300);
            idem_image_free(&im);
        }
    }
    idem_chart none = {0};
    idem_image im;
    assert_int_equal(idem_chart_draw(&im, &none), -1);
    idem_chart_panel p = {0};
    idem_chart flat = {.panels = &p, .panel_count = 1, .panel_height = 10};
    assert_int_equal(idem_chart_draw(&im, &flat), -1);
}

static void rules_and_legends_are_drawn(void **state) {
    (void)state;
    double y[2] = {0, 1};
    idem_chart_series s = {.y = y, .n = 2};
    idem_chart_rule rule = {.y = 0.5};
    idem_chart_panel p = {.series = &s, .series_count = 1};
    idem_chart chart = {.panels = &p, .panel_count = 1};
    idem_image plain, more;
    assert_int_equal(idem_chart_draw(&plain, &chart), 0);
    p.rules = &rule;
    p.rule_count = 1;
    assert_int_equal(idem_chart_draw(&more, &chart), 0);
    int row = -1, most = 0;
    for (int v = 0; v < plain.height; v++) {
        int changed = 0;
        for (int u = 0; u < plain.width; u++)
            changed += memcmp(pixel(&plain, u, v), pixel(&more, u, v), 3) != 0;
        if (changed > most) {
            most = changed;
            row = v;
        }
    }
    assert_true(most > plain.width / 3 && row > plain.height / 3 && row < plain.height * 2 / 3);
    idem_image_free(&more);
    p.rule_count = 0;
    s.label = "a name";
    assert_int_equal(idem_chart_draw(&more, &chart), 0);
    assert_true(count_unlike(&more, 24, 24, 100, 18, 0xffffff) > count_unlike(&plain, 24, 24, 100, 18, 0xffffff) + 50);
    idem_image_free(&more);
    idem_image_free(&plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grid_has_everything_in_place),
        cmocka_unit_test(small_pictures_are_enlarged_large_ones_shrunk),
        cmocka_unit_test(list_fills_rows),
        cmocka_unit_test(any_text_is_drawn),
        cmocka_unit_test(impossible_sheets_are_refused),
        cmocka_unit_test(paragraphs_break_at_spaces),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(lines_lie_where_values_are),
        cmocka_unit_test(long_series_keep_their_peaks),
        cmocka_unit_test(odd_charts_are_drawn),
        cmocka_unit_test(rules_and_legends_are_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
