#define _GNU_SOURCE
#include "measure/study_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

/* A column of a table over rows: a figure of every recogniser or of all. */
typedef struct {
    const char *head;
    int which;
    bool of_recogniser;
} column;

static idem_text_table *add(idem_study_tables *t, const char *title, const char *note, int rows, int columns) {
    idem_text_table *made = idem_text_table_new(title, note, rows, columns);
    if (made)
        t->at[t->n++] = made;
    return made;
}

void idem_study_tables_free(idem_study_tables *t) {
    for (int i = 0; i < t->n; i++)
        idem_text_table_free(t->at[i]);
    *t = (idem_study_tables){0};
}

/* Column `to` of a table over the rows of the study. */
static void fill(idem_text_table *t, const idem_study *s, int to, int measure, idem_cell what) {
    const idem_study_facts *f = idem_study_about(s);
    for (int i = 0; i < f->rows; i++) {
        const idem_spread spread = idem_study_spread(s, i, measure, NULL);
        idem_text_table_set_spread(t, i + 1, to, &spread, f->measures->table[measure].digits, what);
    }
}

static void name_rows(idem_text_table *t, const idem_study *s) {
    const idem_study_facts *f = idem_study_about(s);
    idem_text_table_set(t, 0, 0, "row");
    for (int i = 0; i < f->rows; i++)
        idem_text_table_set(t, i + 1, 0, "%s", idem_method_name(f->row[i].method));
}

static int add_columns(idem_study_tables *to, const idem_study *s, const char *title, const char *note,
                       const column *columns, int n, int recogniser, idem_cell what) {
    const idem_study_facts *f = idem_study_about(s);
    idem_text_table *t = add(to, title, note, f->rows, n + 1);
    if (!t)
        return -1;
    name_rows(t, s);
    for (int k = 0; k < n; k++) {
        idem_text_table_set(t, 0, k + 1, "%s", columns[k].head);
        fill(t, s, k + 1,
             columns[k].of_recogniser ? idem_measure_of(f->measures, recogniser, columns[k].which)
                                      : idem_measure_of_all(f->measures, columns[k].which),
             what);
    }
    return idem_text_table_check(t);
}

/* ---- the tables ---- */

#define OF(n) (int)(sizeof(n) / sizeof *(n))
static const char ERRORS[] = "Mean ± standard error.";
static const char DEVIATIONS[] = "Mean ± standard deviation, as the paper prints them.";

static int add_paper(idem_study_tables *t, const idem_study *s) {
    static const column cross[] = {{"identity, higher", IDEM_M_COS_ID_OUT, true},
                                   {"expression, lower", IDEM_M_EXPRESSION_LANDMARKS, false},
                                   {"pose, lower", IDEM_M_POSE_L2, false}};
    static const column same[] = {{"RMSE, lower", IDEM_M_SAME_RMSE, false},
                                  {"PSNR, dB, higher", IDEM_M_SAME_PSNR, false},
                                  {"MS-SSIM, higher", IDEM_M_SAME_MSSSIM, false},
                                  {"identity, higher", IDEM_M_SAME_COS, true},
                                  {"expression, lower", IDEM_M_SAME_EXPRESSION_LANDMARKS, false},
                                  {"pose, lower", IDEM_M_SAME_POSE_L2, false}};
    return add_columns(t, s, "Cross pairs", DEVIATIONS, cross, OF(cross), 0, IDEM_CELL_DEVIATION) ||
           add_columns(t, s, "One picture on both sides", DEVIATIONS, same, OF(same), 0, IDEM_CELL_DEVIATION);
}

static int add_identity(idem_study_tables *t, const idem_study *s) {
    static const column columns[] = {{"cos (id, out)", IDEM_M_COS_ID_OUT, true},
                                     {"cos (attr, out)", IDEM_M_COS_ATTR_OUT, true},
                                     {"score", IDEM_M_SCORE, true},
                                     {"kept, S", IDEM_M_ID_KEPT, true},
                                     {"leaked, S", IDEM_M_ATTR_LEAK, true},
                                     {"top-1", IDEM_M_TOP1, true},
                                     {"top-5", IDEM_M_TOP5, true}};
    const idem_study_facts *f = idem_study_about(s);
    for (int r = 0; r < f->measures->about.recognisers; r++) {
        char title[200], note[400];
        snprintf(title, sizeof title, "Identity by %s", idem_observer_about(f->observer, r)->name);
        snprintf(note, sizeof note,
                 "%s S = (cos - s0) / (1 - s0), s0 = %.3f the mean cosine of strangers; retrieval among %d sources.",
                 ERRORS, f->measures->about.strangers[r], f->measures->about.candidates);
        if (add_columns(t, s, title, note, columns, OF(columns), r, IDEM_CELL_ERROR))
            return -1;
    }
    return 0;
}

static int add_rest(idem_study_tables *t, const idem_study *s) {
    static const column pose[] = {{"yaw", IDEM_M_YAW, false},
                                  {"pitch", IDEM_M_PITCH, false},
                                  {"roll", IDEM_M_ROLL, false},
                                  {"mean of the three", IDEM_M_POSE_MEAN, false},
                                  {"L2", IDEM_M_POSE_L2, false}};
    static const column rest[] = {{"same class", IDEM_M_EXPRESSION_AGREES, false},
                                  {"probabilities, L2", IDEM_M_EXPRESSION_L2, false},
                                  {"landmarks, aligned", IDEM_M_EXPRESSION_LANDMARKS, false},
                                  {"NME", IDEM_M_NME, false},
                                  {"MSE at 160 px", IDEM_M_LANDMARK_MSE160, false},
                                  {"colour outside", IDEM_M_COLOUR, false},
                                  {"structure outside", IDEM_M_STRUCTURE, false}};
    char note[200];
    snprintf(note, sizeof note, "%s Absolute differences to the attribute picture, degrees.", ERRORS);
    return add_columns(t, s, "Pose", note, pose, OF(pose), 0, IDEM_CELL_ERROR) ||
           add_columns(t, s, "Expression, landmarks, and surroundings of the face", ERRORS, rest, OF(rest), 0,
                       IDEM_CELL_ERROR);
}

static int add_sets(idem_study_tables *to, const idem_study *s) {
    const idem_study_facts *f = idem_study_about(s);
    char note[600];
    snprintf(note, sizeof note,
             "Frechet distance of %d outputs to the %d attribute pictures, by the features of %s; diversity: mean "
             "cosine of two outputs, of two attribute pictures %.3f and %.3f; w: mean distance to the nearest of %d "
             "codes of the generator, of further codes of the generator %.3f.",
             f->pairs, f->pairs, idem_observer_features_name(f->observer), f->source_diversity[0].mean,
             f->source_diversity[1].mean, IDEM_W_CODES, idem_w_space_itself(f->codes));
    idem_text_table *t = add(to, "The outputs as a set", note, f->rows, 7);
    if (!t)
        return -1;
    static const char *const head[] = {"Frechet distance", "diversity, train", "diversity, judge",
                                       "without a face",   "w to W",           "seconds a picture"};
    name_rows(t, s);
    for (int k = 0; k < 6; k++)
        idem_text_table_set(t, 0, k + 1, "%s", head[k]);
    for (int i = 0; i < f->rows; i++) {
        const idem_study_row *r = &f->row[i];
        idem_text_table_set_figure(t, i + 1, 1, &r->frechet, 3);
        idem_text_table_set_figure(t, i + 1, 2, &r->diversity[0], 3);
        idem_text_table_set_figure(t, i + 1, 3, &r->diversity[1], 3);
        const idem_spread lost = idem_study_spread(s, i, idem_measure_of_all(f->measures, IDEM_M_NO_FACE), NULL);
        idem_text_table_set(t, i + 1, 4, "%d of %d", (int)(lost.mean.mean * (double)lost.mean.n + 0.5), f->pairs);
        if (r->seconds_per_picture > 0)
            idem_text_table_set(t, i + 1, 6, "%.3f", r->seconds_per_picture);
        else
            idem_text_table_set(t, i + 1, 6, "-");
    }
    fill(t, s, 5, idem_measure_of_all(f->measures, IDEM_M_W_DISTANCE), IDEM_CELL_ERROR);
    return idem_text_table_check(t);
}

static int add_groups(idem_study_tables *to, const idem_study *s) {
    static const column columns[] = {{"kept, train", IDEM_M_ID_KEPT, true},
                                     {"pose, L2", IDEM_M_POSE_L2, false},
                                     {"expression", IDEM_M_EXPRESSION_LANDMARKS, false},
                                     {"same class", IDEM_M_EXPRESSION_AGREES, false},
                                     {"NME", IDEM_M_NME, false},
                                     {"colour outside", IDEM_M_COLOUR, false}};
    const idem_study_facts *f = idem_study_about(s);
    idem_text_table *t = add(to, "Groups of pairs, of the first row", ERRORS, f->groups->n, 10);
    if (!t)
        return -1;
    static const char *const head[] = {"by", "group", "pairs", "kept, judge"};
    for (int k = 0; k < 4; k++)
        idem_text_table_set(t, 0, k, "%s", head[k]);
    for (int k = 0; k < OF(columns); k++)
        idem_text_table_set(t, 0, k + 4, "%s", columns[k].head);
    for (int i = 0; i < f->groups->n; i++) {
        const idem_pair_group *g = &f->groups->at[i];
        idem_text_table_set(t, i + 1, 0, "%s", g->by);
        idem_text_table_set(t, i + 1, 1, "%s", g->value);
        idem_text_table_set(t, i + 1, 2, "%d", g->n);
        for (int k = -1; k < OF(columns); k++) {
            const int m = k < 0 ? idem_measure_of(f->measures, IDEM_RECOGNISER_JUDGE, IDEM_M_ID_KEPT)
                          : columns[k].of_recogniser ? idem_measure_of(f->measures, 0, columns[k].which)
                                                     : idem_measure_of_all(f->measures, columns[k].which);
            const idem_spread spread = idem_study_spread(s, 0, m, g);
            idem_text_table_set_spread(t, i + 1, k + 4, &spread, f->measures->table[m].digits, IDEM_CELL_ERROR);
        }
    }
    return idem_text_table_check(t);
}

int idem_study_tables_make(idem_study_tables *t, const idem_study *s) {
    *t = (idem_study_tables){0};
    if (!add_paper(t, s) && !add_identity(t, s) && !add_rest(t, s) && !add_sets(t, s) && !add_groups(t, s))
        return 0;
    idem_study_tables_free(t);
    return -1;
}

/* ---- files ---- */

char *idem_study_preface(const idem_study *s) {
    const idem_study_facts *f = idem_study_about(s);
    char *text, drawn[120] = "", left_out[120] = "", faceless[120] = "";
    if (f->drawn)
        snprintf(drawn, sizeof drawn, ", drawn from the generator with seed %llu, truncated by %g",
                 (unsigned long long)f->seed, f->truncation);
    if (f->left_out)
        snprintf(left_out, sizeof left_out, " %d further pairs were unusable and are left out.", f->left_out);
    if (f->sources_without_face)
        snprintf(faceless, sizeof faceless, " In %d of the %d source pictures the detector finds no face; they count.",
                 f->sources_without_face, 2 * f->pairs);
    if (asprintf(&text,
                 "%d pairs%s.%s%s\nIdentity is compared with the identity picture, everything else with the attribute "
                 "picture. The mapper was trained with the training recogniser, whose figures are therefore too good; "
                 "no gradient came from the judge, from the witnesses, or from the networks of pose and expression.",
                 f->pairs, drawn, left_out, faceless) < 0)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
    return text;
}

typedef void print_table(const idem_text_table *t, FILE *to);

/* mark: before each line of the preface. */
static int write_tables(const idem_study *s, const char *path, const char *title, const char *mark,
                        print_table *print) {
    idem_study_tables t;
    idem_writer w;
    char *preface = idem_study_preface(s), *rest = preface, *line;
    if (!preface || idem_study_tables_make(&t, s)) {
        free(preface);
        return -1;
    }
    int status = idem_writer_open(&w, path);
    if (!status) {
        fputs(title, w.stream);
        while ((line = strsep(&rest, "\n")))
            fprintf(w.stream, "%s%s\n", mark, line);
        fputc('\n', w.stream);
        for (int i = 0; i < t.n; i++)
            print(t.at[i], w.stream);
        status = idem_writer_commit(&w);
    }
    idem_study_tables_free(&t);
    free(preface);
    return status;
}

int idem_study_markdown(const idem_study *s, const char *path) {
    return write_tables(s, path, "# Report\n\n", "", idem_text_table_markdown);
}

/* For inclusion in a document: only tables, the preface as comments. */
int idem_study_latex(const idem_study *s, const char *path) {
    return write_tables(s, path, "", "% ", idem_text_table_latex);
}

static void csv_text(const char *text, FILE *to) {
    fputc('"', to);
    for (; text && *text; text++)
        fprintf(to, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', to);
}

int idem_study_csv(const idem_study *s, const idem_pairs *pairs, const char *path) {
    const idem_study_facts *f = idem_study_about(s);
    const idem_measures *m = f->measures;
    idem_writer w;
    if (idem_writer_open(&w, path))
        return -1;
    fputs("row,pair,name", w.stream);
    for (int k = 0; k < m->n; k++)
        fprintf(w.stream, ",%s", m->table[k].key);
    fputc('\n', w.stream);
    for (int r = 0; r < f->rows; r++)
        for (int i = 0; i < f->pairs; i++) {
            csv_text(idem_method_name(f->row[r].method), w.stream);
            fprintf(w.stream, ",%d,", i);
            csv_text(idem_pairs_name(pairs, i), w.stream);
            for (int k = 0; k < m->n; k++) {
                const float v = f->row[r].values[(size_t)i * (size_t)m->n + (size_t)k];
                fprintf(w.stream, isnan(v) ? "," : ",%.9g", (double)v);
            }
            fputc('\n', w.stream);
        }
    return idem_writer_commit(&w);
}
