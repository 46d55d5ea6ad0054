/* idem measure-anonymity: re-identification in anonymised pictures, and what was kept. */
#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/measuring.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "idem.h"

enum { RECOGNISERS = 2, ATTACKS = 2 };
static const char *const recognisers[RECOGNISERS] = {"recogniser", "judge"};
static const char *const attacks[ATTACKS] = {"ridge", "network"};

/* ---- text ---- */

static double number(const json_t *j, const char *key) {
    return json_number_value(json_object_get(j, key));
}

static void line(const json_t *r, const char *label, const char *key, double scale, int digits, const char *unit) {
    printf("%-47s", label);
    for (int by = 0; by < RECOGNISERS; by++)
        idem_report_figure(json_object_get(r, recognisers[by]), key, 9, digits, scale, unit, true);
    putchar('\n');
}

static void print_learned(const json_t *r) {
    static const char *const labels[ATTACKS] = {"ridge regression", "network of one hidden layer"};
    for (int i = 0; i < ATTACKS; i++) {
        char text[64];
        const json_t *of_one =
            json_object_get(json_object_get(json_object_get(r, "recogniser"), "learned"), attacks[i]);
        snprintf(text, sizeof text, "%s: rank 1 of %.0f", labels[i], 1 / number(of_one, "chance"));
        printf("  %-45s", text);
        for (int by = 0; by < RECOGNISERS; by++)
            idem_report_figure(
                json_object_get(json_object_get(json_object_get(r, recognisers[by]), "learned"), attacks[i]), "rank1",
                9, 2, 100, " %", true);
        putchar('\n');
    }
}

static void print_recognisers(const json_t *r) {
    const json_t *one = json_object_get(r, "recogniser");
    char all[64];
    printf("%.0f pictures, in %.0f of them no face is found any more; %.0f persons, %.0f with another picture\n"
           "thresholds: from %.0f pairs of originals of two persons, at a false accept rate of 0.1 %%\n\n",
           number(r, "pictures"), number(r, "hidden"), number(one, "persons"),
           number(one, "persons_with_another_picture"), number(one, "impostor_pairs"));
    printf("%-47s  %-20s %-20s\n", "lower is better hidden", "training recogniser", "judge");
    line(r, "threshold", "threshold", 1, 3, "");
    line(r, "recognised before          TAR at FAR 0.1 %", "tar_before", 100, 2, " %");
    line(r, "recognised                 TAR at FAR 0.1 %", "tar", 100, 2, " %");
    line(r, "  at idem's own threshold  (FAR 0.1 %)", "tar_at_known_threshold", 100, 2, " %");
    snprintf(all, sizeof all, "found first among all      chance %.2f %%", 100 * number(one, "rank1_chance"));
    line(r, all, "rank1", 100, 2, " %");
    snprintf(all, sizeof all, "found first among 100      chance %.2f %%", 100 * number(one, "rank1_of_100_chance"));
    line(r, all, "rank1_of_100", 100, 2, " %");
    snprintf(all, sizeof all, "its own original nearest   chance %.2f %%", 100 / number(r, "pictures"));
    line(r, all, "reid", 100, 2, " %");
    line(r, "equal error rate           chance 50 %", "eer", 100, 2, " %");
    line(r, "matches lost               at FAR 0.1 %", "protected", 100, 2, " %");
    line(r, "                           at the best threshold", "protected_at_best_threshold", 100, 2, " %");
    printf("attacks by who knows the method\n");
    line(r, "  anonymised pictures enrolled: rank 1", "parrot_rank1", 100, 2, " %");
    if (number(r, "attack_pairs") > 0)
        print_learned(r);
}

static void print_spreads(const json_t *r) {
    static const char *const keys[2] = {"cosine_to_itself", "cosine_to_another"}, *const labels[2] = {
                                                                                      "to the very photograph",
                                                                                      "to another of the person"};
    printf("\n%-36s  %7s %7s %7s %7s %7s %7s %7s\n", "cosine of the anonymised face", "mean", "5 %", "25 %", "50 %",
           "75 %", "95 %", "most");
    for (int by = 0; by < RECOGNISERS; by++)
        for (int k = 0; k < 2; k++) {
            const json_t *s = json_object_get(json_object_get(r, recognisers[by]), keys[k]);
            printf("%-10s  %-24s  %7.3f %7.3f %7.3f %7.3f %7.3f %7.3f %7.3f\n", recognisers[by], labels[k],
                   number(s, "mean"), number(s, "p5"), number(s, "p25"), number(s, "p50"), number(s, "p75"),
                   number(s, "p95"), number(s, "p100"));
        }
}

static void kept(const json_t *u, const char *label, const char *key, double scale, int digits, const char *unit) {
    const json_t *shuffled = json_object_get(u, "shuffled");
    printf("%-47s", label);
    idem_report_figure(u, key, 9, digits, scale, unit, true);
    idem_report_figure(shuffled, key, 9, digits, scale, unit, false);
    if (number(shuffled, key) > 0)
        printf("  %7.2f", number(u, key) / number(shuffled, key));
    putchar('\n');
}

static void print_utility(const json_t *r) {
    const json_t *u = json_object_get(r, "utility"), *f = json_object_get(r, "frechet");
    printf("\n%-47s  %-20s %10s  %s\n", "kept; hidden faces count as failures", "", "shuffled", "ratio");
    printf("%-47s", "faces found again");
    idem_report_figure(u, "found", 9, 2, 100, " %", true);
    putchar('\n');
    kept(u, "landmarks, NME", "nme", 1, 3, "");
    kept(u, "yaw, degrees", "yaw", 1, 2, "");
    kept(u, "pitch, degrees", "pitch", 1, 2, "");
    kept(u, "roll, degrees", "roll", 1, 2, "");
    kept(u, "same expression", "expression", 100, 1, " %");
    kept(u, "colour outside the face", "colour_outside_face", 1, 4, "");
    if (f)
        printf("Frechet distance to the originals: %.2f (two halves of the originals: %.2f); %.0f pictures, %s\n",
               number(f, "distance"), number(f, "halves_of_originals"), number(f, "pictures"),
               json_string_value(json_object_get(f, "features")));
}

static void print_worst(const json_t *r) {
    static const struct {
        const char *key, *label, *unit;
        double scale;
    } rows[] = {{"recogniser_tar", "recognised, training recogniser", " %", 100},
                {"judge_tar", "recognised, judge", " %", 100},
                {"recogniser_rank1", "found first among all, training recogniser", " %", 100},
                {"judge_rank1", "found first among all, judge", " %", 100},
                {"found", "faces found again", " %", 100},
                {"nme", "landmarks, NME", "", 1},
                {"yaw", "yaw, degrees", "", 1},
                {"expression", "same expression", " %", 100}};
    const json_t *worst = json_object_get(r, "worst_groups");
    printf("\nworst group of %zu\n", json_array_size(json_object_get(r, "groups")));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const json_t *w = json_object_get(worst, rows[i].key);
        if (w)
            idem_cli_print("  %-45s  %7.3g%s  %s: %s (%.0f pictures)", rows[i].label,
                           rows[i].scale * number(w, "value"), rows[i].unit,
                           json_string_value(json_object_get(w, "by")), json_string_value(json_object_get(w, "group")),
                           number(w, "pictures"));
    }
}

static void print_text(const json_t *r) {
    print_recognisers(r);
    print_spreads(r);
    print_utility(r);
    print_worst(r);
    idem_report_needs(json_object_get(r, recognisers[0])); /* the judge's pairs are the same */
}

/* ---- command ---- */

static int print_report(const char *json, bool as_json) {
    json_t *report = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    if (!report)
        return idem_cli_fail("the report cannot be read");
    if (as_json)
        puts(json);
    else
        print_text(report);
    const double bad = number(report, "unreadable");
    json_decref(report);
    return bad > 0 ? idem_cli_fail("%.0f pairs of pictures could not be measured; the others are", bad) : 0;
}

static int run(const idem_measure_anonymity_options *o, bool as_json) {
    char *json;
    if (idem_measure_anonymity(o, &json))
        return -1;
    const int status = print_report(json, as_json);
    idem_measure_free(json);
    return status;
}

int idem_cmd_measure_anonymity(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    idem_texts train = {0};
    idem_measure_anonymity_options o;
    idem_measure_anonymity_options_default(&o);
    const idem_option options[] = {
        {IDEM_OPT_TEXTS, "attack-train", 0, "DIR DIR", &train,
         .help = "two more folders, ORIGINALS ANONYMISED by the same method, of other people: two attacks, a ridge "
                 "regression and a network, are trained on them to invert the method, and tested on the pictures"},
        {IDEM_OPT_INT, "attack-pairs", 0, "N", &o.train_pairs, .min = 20, .max = 1e6, .help = "most pairs to train on"},
        {IDEM_OPT_TEXT, "groups", 0, "FILE", &o.groups,
         .help = "table of groups (CSV): the first line names the columns, each further line has a picture's name and "
                 "its group in each column; groups.csv among the originals if not given"},
        {0}};
    idem_command_line line = {
        .args = "ORIGINALS ANONYMISED",
        .about = "Measures whether people in anonymised pictures can be recognised with other pictures of them: each "
                 "anonymised picture is compared with other originals of the same person and of others, by the "
                 "training recogniser and by a second one, the judge, at thresholds from pairs of the originals. Then "
                 "it measures what was kept: faces, landmarks, pose, expression, colours; and the worst group of each "
                 "figure. A person is a picture's folder, or its name without _NUMBER. The largest face of each "
                 "picture is measured; if no face is found any more, the recognisers see its place, and the face "
                 "counts as a failure in the figures of what was kept. docs/anonymise.md explains each figure.",
        .examples = "  idem measure-anonymity photographs/ anonymised/\n"
                    "  idem measure-anonymity people/ out/ --attack-train portraits/ portraits-out/ --json\n",
        .options = options,
        .min_args = 2,
        .max_args = 2,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS};
    char **args;
    idem_parse(&line, argc, argv, &shared, &args);
    if (train.n == 1)
        return idem_cli_usage("--attack-train: give two folders, ORIGINALS ANONYMISED");
    idem_cli_measuring measuring = {.unit = "pairs", .finish = true, .quiet = shared.quiet};
    o.watch = idem_cli_watch(&measuring);
    o.originals = args[0];
    o.anonymised = args[1];
    o.train_originals = train.n ? train.at[0] : NULL;
    o.train_anonymised = train.n ? train.at[1] : NULL;
    o.seed = shared.seed;
    o.threads = shared.threads;
    return run(&o, shared.json) ? idem_cli_failed() : 0;
}
