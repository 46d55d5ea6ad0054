#include "measure/study_files.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/status.h"
#include "measure/applications.h"
#include "measure/study_page.h"
#include "measure/study_tables.h"
#include "model/origin.h"

static int write_page(const idem_study *s, idem_model *m, idem_pairs *pairs, const char *path, int batch,
                      const idem_plan_options *plan) {
    idem_image applications[IDEM_APPLICATIONS];
    if (idem_applications_draw(applications, m, pairs, batch, plan))
        return -1;
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, m, &idem_study_about(s)->seed);
    const int status = idem_study_page(s, applications, &origin.marks, path);
    for (int i = 0; i < IDEM_APPLICATIONS; i++)
        idem_image_free(&applications[i]);
    return status;
}

int idem_study_write(const idem_study *s, idem_model *m, idem_pairs *pairs, const char *folder, int batch,
                     const idem_plan_options *plan) {
    char *html = idem_path_join(folder, "report.html"), *md = idem_path_join(folder, "report.md");
    char *tex = idem_path_join(folder, "report.tex"), *csv = idem_path_join(folder, "pairs.csv");
    const int status = html && md && tex && csv
                           ? idem_study_markdown(s, md) || idem_study_latex(s, tex) || idem_study_csv(s, pairs, csv) ||
                                 write_page(s, m, pairs, html, batch, plan)
                           : idem_fail_as(IDEM_MEMORY, "out of memory for a path");
    free(html);
    free(md);
    free(tex);
    free(csv);
    return status ? -1 : 0;
}
