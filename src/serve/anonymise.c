#include "serve/anonymise.h"

#include <limits.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/task.h"

/* The options from the form; *seed -1: none. */
static int take_settings(idem_task *t, idem_anonymising *how, int *seed, int *report) {
    static const char *const ways[] = {"pixels", "blur", "solid"};
    static const int hidings[] = {IDEM_HIDE_IN_PIXELS, IDEM_HIDE_BLURRED, IDEM_HIDE_IN_ONE_COLOUR};
    double similarity;
    int hide;
    idem_anonymising_default(how);
    if (idem_form_real(t->form, IDEM_FIELD_SIMILARITY, -0.2, 1, &similarity) ||
        idem_form_choice(t->form, IDEM_FIELD_HIDE, ways, 3, &hide) ||
        idem_form_number(t->form, IDEM_FIELD_SEED, 0, INT_MAX, -1, seed) ||
        idem_form_number(t->form, IDEM_FIELD_REPORT, 0, 1, 0, report))
        return idem_answer_form_error(t->answer, t->form), -1;
    how->hiding = hidings[hide];
    how->refine = t->refine < 0 ? how->refine : t->refine;
    how->wants_similarity = !isnan(similarity);
    how->similarity = how->wants_similarity ? (float)similarity : 0;
    return 0;
}

/* {"report": ..., "type": ..., "picture": ...}, the picture in base 64, without further copies of large data. */
static void answer_both(idem_answer *answer, const unsigned char *bytes, size_t size, const char *report) {
    const size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL),
                 most = strlen(report) + room + 80;
    char *text = malloc(most);
    if (!text) {
        idem_answer_no_memory(answer);
        return;
    }
    char *to = text + snprintf(text, most, "{\"report\": %s, \"type\": \"%s\", \"picture\": \"", report,
                               idem_answer_picture_type(bytes, size));
    to += strlen(sodium_bin2base64(to, room, bytes, size, sodium_base64_VARIANT_ORIGINAL));
    memcpy(to, "\"}", 2);
    *answer = (idem_answer){MHD_HTTP_OK, "application/json", text, (size_t)(to + 2 - text)};
}

static void run(idem_task *t, idem_anonymiser *a, int wants_report) {
    const idem_form_picture *p = &t->form->pictures[IDEM_PICTURE_PHOTOGRAPH];
    unsigned char *bytes, *report;
    size_t size;
    idem_jobs_say(t->job, "replacing faces");
    if (idem_anonymise_bytes(a, p->bytes, p->size, &bytes, &size, &report)) {
        idem_answer_library_error(t->answer, idem_form_picture_name(IDEM_PICTURE_PHOTOGRAPH));
        return;
    }
    if (wants_report) {
        answer_both(t->answer, bytes, size, (const char *)report);
        idem_free_bytes(bytes);
    } else {
        idem_answer_picture(t->answer, bytes, size);
    }
    idem_free_bytes(report);
}

void idem_work_anonymise(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer) {
    idem_task t = {.context = context, .job = job, .form = form, .answer = answer};
    idem_anonymising how;
    int seed, report;
    if (idem_task_begin(&t) || take_settings(&t, &how, &seed, &report) || idem_task_wants(&t, IDEM_PICTURE_PHOTOGRAPH))
        return;
    idem_jobs_say(job, "looking for faces");
    idem_anonymiser *a =
        seed < 0 ? idem_open_anonymiser(context, &how) : idem_open_test_anonymiser(context, &how, (uint64_t)seed);
    if (a)
        run(&t, a, report);
    else
        idem_answer_library_error(answer, NULL);
    idem_close_anonymiser(a);
}
