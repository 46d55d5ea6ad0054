/* A study as tables, as JSON and as one row per pair. */
#ifndef IDEM_MEASURE_STUDY_TABLES_H
#define IDEM_MEASURE_STUDY_TABLES_H

#include "measure/study.h"
#include "measure/text_table.h"

enum { IDEM_STUDY_TABLES_MAX = 16 };

typedef struct {
    int n;
    idem_text_table *at[IDEM_STUDY_TABLES_MAX];
} idem_study_tables;
/* The paper's two tables first, then all figures by subject, then groups. -1: memory is short. */
int idem_study_tables_make(idem_study_tables *t, const idem_study *s);
void idem_study_tables_free(idem_study_tables *t);

/* Sentences about the basis of the figures: pairs, seed, features, networks; lines end with '\n'. malloc'ed; NULL if
 * memory is short. */
char *idem_study_preface(const idem_study *s);

int idem_study_markdown(const idem_study *s, const char *path);
int idem_study_latex(const idem_study *s, const char *path);
/* Every pair of every row: name of the row, number and name of the pair, all figures; absent figures are empty fields.
 */
int idem_study_csv(const idem_study *s, const idem_pairs *pairs, const char *path);
/* NULL: memory is short. */
json_t *idem_study_json(const idem_study *s);

#endif
