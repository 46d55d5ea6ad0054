#include "api/measuring.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/structs.h"
#include "base/status.h"
#include "engine/isa.h"

void idem_measure_free(char *json) {
    free(json);
}

void idem_measure_init(void *options, size_t struct_size) {
    idem_struct_clear(options, struct_size);
}

int idem_measuring_begin(idem_measuring *m, const char *call, const idem_measure_watch *watch, int threads) {
    *m = (idem_measuring){.call = call, .watch = *watch};
    if (threads < 0)
        return idem_fail("%s: threads is %d, expected 0 or more", call, threads);
    if (idem_isa_check())
        return -1;
    if (!m->watch.stop)
        m->watch.stop = &m->own_stop;
    m->plan = (idem_plan_options){.threads = threads, .stop = m->watch.stop};
    m->before = idem_team_enter(threads);
    return 0;
}

int idem_measuring_end(const idem_measuring *m, int status) {
    idem_team_leave(&m->before);
    return status ? -1 : 0;
}

void idem_measuring_tell(idem_measuring *m, const char *what, uint64_t done, uint64_t all) {
    if (m->watch.progress && m->watch.progress(m->watch.user, what, done, all))
        *m->watch.stop = 1;
}

void idem_measuring_note(const idem_measuring *m, const char *line) {
    if (m->watch.note)
        m->watch.note(m->watch.user, line);
}

bool idem_measuring_stopped(const idem_measuring *m) {
    return *m->watch.stop;
}

void idem_measuring_on_line(void *measuring, const char *line) {
    idem_measuring_note(measuring, line);
}

void idem_measuring_on_bad(void *measuring, const char *why) {
    char line[1100];
    snprintf(line, sizeof line, "passed over: %s", why);
    idem_measuring_note(measuring, line);
}

void idem_measuring_left_out(const idem_measuring *m, const idem_left_out *o) {
    char text[1000];
    if (*idem_left_out_text(o, text, sizeof text))
        idem_measuring_note(m, text);
}

idem_model *idem_measuring_model(const char *generator, const char *mapper, const char *identity_net,
                                 const char *models) {
    idem_model *m = idem_model_open(generator);
    if (m && !(identity_net && idem_model_choose_recogniser(m, identity_net, NULL)) &&
        !(mapper && idem_model_load_mapper(m, mapper)) && !idem_model_load_frozen(m, models))
        return m;
    idem_model_free(m);
    return NULL;
}

/* A seed has one bit more than JSON's integers here, so a unique text is written first and then replaced: names have no
 * control characters. */
static const char HELD[] = "\x01", WRITTEN[] = "\"\\u0001\"";

char *idem_measuring_text(json_t *j, int digits, const uint64_t *seed) {
    if (j && seed)
        json_object_set_new(j, "seed", json_string(HELD));
    char *text = j ? json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(digits)) : NULL;
    char *place = text && seed ? strstr(text, WRITTEN) : NULL;
    const bool failed = j && (!text || (seed && !place));
    json_decref(j);
    if (place) {
        char *whole = malloc(strlen(text) + 21);
        if (whole) {
            *place = 0;
            sprintf(whole, "%s%" PRIu64 "%s", text, *seed, place + strlen(WRITTEN));
        }
        free(text);
        text = whole;
    }
    return text || (!j && !failed) ? text : idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
}

void idem_measuring_give(char *text, char **json) {
    if (json)
        *json = text;
    else
        free(text);
}
