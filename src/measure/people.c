#include "measure/people.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "data/picture_tree.h"
#include "face/cut.h"
#include "media/format.h"

size_t idem_people_person(const char *name) {
    const char *slash = strrchr(name, '/');
    if (slash)
        return (size_t)(slash - name);
    const char *dot = strrchr(name, '.'), *end = dot ? dot : name + strlen(name), *digits = end;
    while (digits > name && isdigit((unsigned char)digits[-1]))
        digits--;
    const bool numbered = digits < end && digits > name + 1 && digits[-1] == '_';
    return (size_t)((numbered ? digits - 1 : end) - name);
}

static bool one_person(const char *a, const char *b) {
    const size_t n = idem_people_person(a);
    /* Folders and file names are distinct persons. */
    return n == idem_people_person(b) && !memcmp(a, b, n) && (a[n] == '/') == (b[n] == '/');
}

/* ---- reading ---- */

enum { EACH = 4 }; /* files that a rank looks at between exchanges */

typedef struct {
    idem_people *people;
    const idem_people_options *options;
    idem_finder *finder;
    size_t *order;
    int *person; /* of each file of the tree */
} reader;

static int open_finder(reader *r) {
    const idem_plan_options plan = {.threads = r->options->threads, .stop = r->options->stop};
    return (r->finder = idem_finder_open(r->options->models, false, &plan)) ? 0 : -1;
}

static void tell(const reader *r, const char *why) {
    r->people->bad++;
    if (r->options->bad)
        r->options->bad(r->options->user, why);
}

/* The files in random order, and their persons. Names are sorted, so a person's files are not always adjacent: "a_1",
 * "a_b_1", "a_2". */
static int number_persons(reader *r, size_t files) {
    const idem_picture_tree *t = r->people->tree;
    int persons = 0;
    for (size_t i = 0; i < files; i++) {
        r->person[i] = -1;
        for (size_t k = i; k-- > 0 && r->person[i] < 0;)
            if (one_person(idem_picture_tree_name(t, i), idem_picture_tree_name(t, k)))
                r->person[i] = r->person[k];
            else if (idem_picture_tree_name(t, i)[0] != idem_picture_tree_name(t, k)[0])
                break;
        if (r->person[i] < 0)
            r->person[i] = persons++;
    }
    return persons;
}

/* What was found in a file: a row of a table in which ranks fill in their own rows. */
enum { POINT_NUMBERS = 2 * IDEM_POINTS, FRAME_NUMBERS = 6, FOUND = 1, NO_FACE = 2 };
typedef struct {
    float found, cut_out, frame[FRAME_NUMBERS], points[POINT_NUMBERS];
} row;
enum { ROW = sizeof(row) / sizeof(float) };

static size_t numbers(const idem_people *p) {
    return (size_t)p->size * (size_t)p->size * 3;
}

/* 0, also without a face, with the message; or -1. */
static int look(const reader *r, size_t file, row *found, float *picture) {
    const idem_people *p = r->people;
    idem_cut cut;
    if (r->options->stop && *r->options->stop)
        return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
    const int status = idem_cut_file(&cut, r->finder, idem_picture_tree_path(p->tree, file), p->size);
    *found = (row){.found = status ? NO_FACE : FOUND};
    if (status)
        return status < 0 && idem_error_kind() != IDEM_INPUT ? -1 : 0;
    idem_image_to_float(picture, &cut.picture, 0, 1);
    idem_image_free(&cut.picture);
    found->cut_out = cut.cut_out;
    memcpy(found->frame, cut.frame.m, sizeof found->frame);
    memcpy(found->points, cut.points, sizeof found->points);
    return 0;
}

/* Rows and pictures of files first .. first + n - 1 of the order, by all ranks. */
static int look_at_some(const reader *r, size_t first, size_t n, row *rows, float *pictures) {
    const idem_measure_share *share = r->options->share;
    memset(rows, 0, n * sizeof *rows);
    if (share)
        memset(pictures, 0, n * numbers(r->people) * sizeof *pictures);
    for (size_t i = 0; i < n; i++)
        if ((!share || idem_share_has(share, i)) &&
            look(r, r->order[first + i], &rows[i], pictures + i * numbers(r->people)))
            return -1;
    return share && (idem_share_join(share, (float *)rows, n * ROW) ||
                     idem_share_join(share, pictures, n * numbers(r->people)))
               ? -1
               : 0;
}

/* Only the rank that looked at it has the message. */
static int leave_out(const reader *r, size_t file, bool mine, float *picture) {
    row again;
    if (!mine && r->options->bad && look(r, file, &again, picture))
        return -1;
    tell(r, idem_error());
    return 0;
}

static void take(const reader *r, size_t file, const row *found, const float *picture) {
    idem_people *p = r->people;
    memcpy(p->pictures + (size_t)p->n * numbers(p), picture, numbers(p) * sizeof *picture);
    idem_person_picture *at = &p->at[p->n++];
    *at = (idem_person_picture){
        .path = idem_picture_tree_path(p->tree, file), .person = r->person[file], .cut_out = found->cut_out > 0};
    memcpy(at->frame.m, found->frame, sizeof found->frame);
    memcpy(at->points, found->points, sizeof found->points);
}

/* Until `capacity` faces are found. Ranks look at a few files each, then all take what they found. */
static int take_all(const reader *r, size_t files, size_t capacity) {
    const idem_measure_share *share = r->options->share;
    const size_t some = share ? (size_t)share->ranks * EACH : 1;
    row *rows = malloc(some * sizeof *rows);
    float *pictures = malloc(some * numbers(r->people) * sizeof *pictures);
    int status = rows && pictures ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %zu photographs", some);
    for (size_t first = 0; first < files && (size_t)r->people->n < capacity && !status; first += some) {
        const size_t n = files - first < some ? files - first : some;
        status = look_at_some(r, first, n, rows, pictures);
        for (size_t i = 0; i < n && (size_t)r->people->n < capacity && !status; i++) {
            const size_t file = r->order[first + i];
            float *picture = pictures + i * numbers(r->people);
            if (rows[i].found == FOUND)
                take(r, file, &rows[i], picture);
            else
                status = leave_out(r, file, !share, picture);
            if (r->options->progress && !status)
                r->options->progress(r->options->user, r->people->n, (int)capacity);
        }
    }
    free(rows);
    free(pictures);
    return status;
}

static int count_persons(const idem_people *p, int persons) {
    char *seen = calloc((size_t)persons + 1, 1);
    if (!seen)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d persons", persons);
    int n = 0;
    for (int i = 0; i < p->n; i++)
        n += !seen[p->at[i].person]++;
    free(seen);
    return n;
}

static int read_pictures(reader *r, const char *dir, size_t files, int most) {
    idem_people *p = r->people;
    const size_t capacity = (size_t)most < files ? (size_t)most : files;
    r->order = malloc((files + 1) * sizeof *r->order);
    r->person = malloc((files + 1) * sizeof *r->person);
    p->at = malloc((capacity + 1) * sizeof *p->at);
    p->pictures = malloc((capacity + 1) * numbers(p) * sizeof *p->pictures);
    if (!r->order || !r->person || !p->at || !p->pictures)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu photographs", capacity);
    idem_rng rng = idem_rng_make(p->seed, "people");
    for (size_t i = 0; i < files; i++)
        r->order[i] = i;
    for (size_t i = files; i-- > 1;) {
        const size_t k = (size_t)idem_rng_below(&rng, i + 1), other = r->order[i];
        r->order[i] = r->order[k];
        r->order[k] = other;
    }
    const int persons = number_persons(r, files);
    if (take_all(r, files, capacity))
        return -1;
    if ((p->persons = count_persons(p, persons)) < 0)
        return -1;
    return p->persons >= 2
               ? 0
               : idem_fail("%s: %d picture%s (" IDEM_FORMATS ") with a face, of %d person%s, expected two persons or "
                           "more: name a folder with photographs NAME_NUMBER, or with a folder of them for each person",
                           dir, p->n, p->n == 1 ? "" : "s", p->persons, p->persons == 1 ? "" : "s");
}

static int open_people(reader *r, const char *dir, int most) {
    idem_people *p = r->people;
    if (!(p->tree = idem_picture_tree_open(dir)))
        return -1;
    for (size_t i = 0; i < idem_picture_tree_bad_count(p->tree); i++)
        tell(r, idem_picture_tree_bad(p->tree, i));
    return open_finder(r) || read_pictures(r, dir, idem_picture_tree_count(p->tree), most) ? -1 : 0;
}

idem_people *idem_people_open(const char *dir, int most, const idem_people_options *o) {
    idem_people *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for photographs");
    p->size = o->size;
    p->seed = o->seed;
    reader r = {.people = p, .options = o};
    const int status = open_people(&r, dir, most);
    idem_finder_free(r.finder);
    free(r.order);
    free(r.person);
    if (!status)
        return p;
    idem_people_free(p);
    return NULL;
}

void idem_people_free(idem_people *p) {
    if (!p)
        return;
    idem_picture_tree_free(p->tree);
    free(p->at);
    free(p->pictures);
    free(p);
}

/* ---- pairs ---- */

/* Partners for all pictures: a random cycle, in which a picture with a partner of the same person swaps partners with
 * the next one for which both are valid. */
static int pair_round(const idem_people *p, int *partner, uint64_t seed) {
    idem_rng rng = idem_rng_make(seed, "pairs of people");
    for (int i = 0; i < p->n; i++)
        partner[i] = i;
    for (int i = p->n - 1; i > 0; i--) {
        const int k = (int)idem_rng_below(&rng, (uint64_t)i), other = partner[i];
        partner[i] = partner[k];
        partner[k] = other;
    }
#define PERSON(i) (p->at[i].person)
    for (int i = 0; i < p->n; i++) {
        int k = 0;
        if (PERSON(partner[i]) != PERSON(i))
            continue;
        while (k < p->n && (PERSON(partner[k]) == PERSON(i) || PERSON(partner[i]) == PERSON(k)))
            k++;
        if (k == p->n)
            return idem_fail("one person has more than half of the %d photographs: they cannot be paired with those of "
                             "others",
                             p->n);
        const int other = partner[i];
        partner[i] = partner[k];
        partner[k] = other;
    }
#undef PERSON
    return 0;
}

int idem_people_pair(const idem_people *p, int *id, int *attr, int n) {
    int *partner = malloc((size_t)p->n * sizeof *partner), status = partner ? 0 : -1;
    if (!partner)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", p->n);
    for (int i = 0; i < n && !status; i++) {
        const int at = i % p->n;
        if (!at)
            status = pair_round(p, partner, p->seed + (uint64_t)(i / p->n));
        id[i] = at;
        attr[i] = partner[at];
    }
    free(partner);
    return status;
}
