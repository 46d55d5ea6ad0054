#include "cli/report_text.h"

#include <stdio.h>

static double number(const json_t *j, const char *key) {
    return json_number_value(json_object_get(j, key));
}

void idem_report_figure(const json_t *report, const char *key, int width, int digits, double scale, const char *unit,
                        bool with_error) {
    const json_t *mean = json_object_get(report, key),
                 *error = json_object_get(json_object_get(report, "standard_errors"), key);
    char text[64], after[64] = "";
    if (json_is_number(mean))
        snprintf(text, sizeof text, "%.*f%s", digits, scale * json_number_value(mean), unit);
    else
        snprintf(text, sizeof text, "-");
    if (json_is_number(mean) && json_is_number(error))
        snprintf(after, sizeof after, "+- %.*f", digits, scale * json_number_value(error));
    printf("  %*s", width, text);
    if (with_error)
        printf(" %-9s", after);
}

void idem_report_needs(const json_t *report) {
    const char *key;
    json_t *need;
    json_object_foreach(json_object_get(report, "needs"), key, need)
        printf("- %s: needs %lld %s, has %lld\n", key, (long long)number(need, "needs"),
               json_string_value(json_object_get(need, "of")), (long long)number(need, "has"));
}

static void both(const json_t *report, const char *label, const char *key) {
    printf("%-34s", label);
    idem_report_figure(json_object_get(report, "train"), key, 7, 3, 1, "", true);
    idem_report_figure(json_object_get(report, "judge"), key, 7, 3, 1, "", true);
    putchar('\n');
}

static void against_shuffled(const json_t *report, const char *label, const char *key) {
    const json_t *shuffled = json_object_get(report, "shuffled");
    printf("%-34s", label);
    idem_report_figure(report, key, 7, 3, 1, "", true);
    idem_report_figure(shuffled, key, 7, 3, 1, "", false);
    if (json_is_number(json_object_get(report, key)) && number(shuffled, key) > 0)
        printf("  %6.2f\n", number(report, key) / number(shuffled, key));
    else
        printf("  %6s\n", "-");
}

static void print_baselines(const json_t *report, const json_t *rows) {
    printf("\n%-34s  id_kept (train, judge)   nme   colour   yaw\n", "baseline");
    size_t i;
    const json_t *row, *beats = json_object_get(report, "beats_baselines");
    json_array_foreach(rows, i, row) {
        printf("%-34s", json_string_value(json_object_get(row, "name")));
        idem_report_figure(json_object_get(row, "train"), "id_kept", 7, 3, 1, "", false);
        idem_report_figure(json_object_get(row, "judge"), "id_kept", 7, 3, 1, "", false);
        idem_report_figure(row, "nme", 10, 3, 1, "", false);
        idem_report_figure(row, "colour_outside_face", 6, 3, 1, "", false);
        idem_report_figure(row, "yaw_difference", 5, 1, 1, "", false);
        putchar('\n');
    }
    if (json_is_boolean(beats))
        printf("%s\n", json_is_true(beats) ? "The mapper keeps more identity than any baseline of equal or lower NME."
                                           : "A baseline of equal or lower NME keeps as much identity as the mapper.");
}

/* A row: network, figure, control. */
static void realism_row(const json_t *report, const char *label, const char *key, const json_t *control,
                        const char *control_key, const char *control_label) {
    printf("%-34s", label);
    idem_report_figure(report, key, 7, 3, 1, "", true);
    if (control) {
        idem_report_figure(control, control_key, 7, 3, 1, "", false);
        printf("  %s", control_label);
    }
    putchar('\n');
}

static void alone_row(const json_t *alone, const char *label, const char *key) {
    const json_t *shuffled = json_object_get(alone, "shuffled");
    printf("  %s", label);
    if (json_is_number(json_object_get(alone, key)) && number(shuffled, key) > 0)
        printf(" %.2f", number(alone, key) / number(shuffled, key));
    else
        printf(" -");
}

static void print_photographs(const json_t *report) {
    const json_t *about = json_object_get(report, "photographs"), *frechet = json_object_get(report, "frechet"),
                 *alone = json_object_get(report, "mapper_alone"), *judge = json_object_get(alone, "judge");
    printf("\n%d photographs of %d persons, %d left out; %d steps of refining\n", (int)number(about, "pictures"),
           (int)number(about, "persons"), (int)number(about, "left_out"), (int)number(report, "refine"));
    realism_row(report, "expression is the attributes'", "expression_agrees", json_object_get(report, "shuffled"),
                "expression_agrees", "shuffled");
    realism_row(report, "one well-framed face found", "one_well_framed_face", report,
                "one_well_framed_face_of_photographs", "of the photographs as cut");
    realism_row(report, "gradient where pasting blends", "seam_gradient", NULL, NULL, NULL);
    printf("Frechet distance to photographs     %7.2f %-9s  %7.2f  of the mapper alone; n %d, %s\n",
           number(frechet, "distance"), "", number(frechet, "mapper_alone"), (int)number(frechet, "n"),
           json_string_value(json_object_get(frechet, "features")));
    printf("mapper alone:  kept");
    idem_report_figure(judge, "id_kept", 0, 3, 1, "", false);
    printf("  leaked");
    idem_report_figure(judge, "attr_leak", 0, 3, 1, "", false);
    printf("  first");
    idem_report_figure(judge, "retrieval_top1", 0, 3, 1, "", false);
    printf(" (judge); ratios:");
    alone_row(alone, "NME", "nme");
    alone_row(alone, "colour", "colour_outside_face");
    alone_row(alone, "yaw", "yaw_difference");
    printf("  same face");
    idem_report_figure(alone, "psnr_same_face", 0, 1, 1, " dB", false);
    putchar('\n');
}

void idem_report_print(const json_t *report) {
    char found[64];
    snprintf(found, sizeof found, "source found first among %d", (int)number(report, "retrieval_candidates"));
    printf("%d pairs%22s  %-18s  %-18s\n", (int)number(report, "pairs"), "", "training recogniser", "judge");
    both(report, "identity kept      S(id, out)", "id_kept");
    both(report, "identity leaked    S(attr, out)", "attr_leak");
    both(report, "cosine             (id, out)", "cos_id_out");
    both(report, "cosine             (attr, out)", "cos_attr_out");
    both(report, "cosine             (id, attr)", "cos_id_attr");
    both(report, found, "retrieval_top1");
    printf("\n%-34s  %-18s  shuffled  ratio\n", "from the attribute picture", "");
    against_shuffled(report, "landmarks          NME", "nme");
    against_shuffled(report, "colour outside the face", "colour_outside_face");
    against_shuffled(report, "yaw, degrees", "yaw_difference");
    printf("%-34s", "landmarks          MSE at 160 px");
    idem_report_figure(report, "landmark_mse160", 7, 3, 1, "", true);
    printf("\n%-34s", "same face          PSNR, dB");
    idem_report_figure(report, "psnr_same_face", 7, 2, 1, "", true);
    putchar('\n');
    const json_t *baselines = json_object_get(report, "baselines");
    if (json_object_get(report, "photographs"))
        print_photographs(report);
    if (baselines)
        print_baselines(report, baselines);
    idem_report_needs(report);
    printf("\n%.1f pictures a second, %.0f seconds in all\n", number(report, "pictures_per_second"),
           number(report, "seconds"));
}
