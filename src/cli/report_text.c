#include "cli/report_text.h"

#include <stdio.h>

static const json_t *at(const json_t *j, const char *a, const char *b) {
    const json_t *inner = json_object_get(j, a);
    return b ? json_object_get(inner, b) : inner;
}

static double number(const json_t *j, const char *a, const char *b) {
    return json_number_value(at(j, a, b));
}

static void figure(const json_t *of, const char *key) {
    if (json_is_number(json_object_get(of, key)))
        printf("  %7.3f +- %-6.3f", number(of, key, NULL), number(of, "standard_errors", key));
    else
        printf("  %-18s", "      -");
}

static void both(const json_t *report, const char *label, const char *key) {
    printf("%-34s", label);
    figure(at(report, "train", NULL), key);
    figure(at(report, "judge", NULL), key);
    putchar('\n');
}

static void against_shuffled(const json_t *report, const char *label, const char *key) {
    double shuffled = number(report, "shuffled", key);
    printf("%-34s", label);
    figure(report, key);
    printf("  %7.3f  %6.2f\n", shuffled, shuffled > 0 ? number(report, key, NULL) / shuffled : 0);
}

static void print_baselines(const json_t *rows) {
    printf("\n%-34s  id_kept (train, judge)   nme   colour   yaw\n", "baseline");
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
        printf("%-34s  %7.3f %8.3f      %6.3f  %6.3f  %5.1f\n", json_string_value(json_object_get(row, "name")),
               number(row, "train", "id_kept"), number(row, "judge", "id_kept"), number(row, "nme", NULL),
               number(row, "colour_outside_face", NULL), number(row, "yaw_difference", NULL));
}

void idem_report_print(const json_t *report) {
    printf("%d pairs%22s  %-18s  %-18s\n", (int)number(report, "pairs", NULL), "", "training recogniser", "judge");
    both(report, "identity kept      S(id, out)", "id_kept");
    both(report, "identity leaked    S(attr, out)", "attr_leak");
    both(report, "cosine             (id, out)", "cos_id_out");
    both(report, "cosine             (attr, out)", "cos_attr_out");
    both(report, "cosine             (id, attr)", "cos_id_attr");
    both(report, "source found first among 100", "retrieval_top1");
    printf("\n%-34s  %-18s  shuffled  ratio\n", "from the attribute picture", "");
    against_shuffled(report, "landmarks          NME", "nme");
    against_shuffled(report, "colour outside the face", "colour_outside_face");
    against_shuffled(report, "yaw, degrees", "yaw_difference");
    printf("%-34s  %7.3f\n", "landmarks          MSE at 160 px", number(report, "landmark_mse160", NULL));
    printf("%-34s  %7.2f dB\n", "same face          PSNR", number(report, "psnr_same_face", NULL));
    const json_t *baselines = json_object_get(report, "baselines");
    if (baselines) {
        print_baselines(baselines);
        printf("%s\n", json_is_true(json_object_get(report, "beats_baselines"))
                           ? "The mapper keeps more identity than any baseline of equal or lower NME."
                           : "A baseline of equal or lower NME keeps as much identity as the mapper.");
    }
    printf("\n%.1f pictures a second, %.0f seconds in all\n", number(report, "pictures_per_second", NULL),
           number(report, "seconds", NULL));
}
