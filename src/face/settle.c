#include "face/settle.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "face/align.h"

enum {
    LOOKS = 7,  /* upright faces need two, turned ones up to four */
    STEADY = 3, /* from this look on a box is the mean of all from the previous look on: some faces alternate */
};

/* The frame's side in the detector's pixels at a look: a box is then a third of the detector's height. */
static const double frame_seen = 120;
/* A frame that moves less than the first allows to start with all views; one that moves less than the second has
 * settled. */
static const double settling = 0.02, settled = 0.002;
/* If views disagree more than this after three looks, they will not agree. */
static const double hopeless = 0.06;
/* The limit for a face: a line between movement and spread, lower by line_slope for each natural logarithm that the
 * detector's odds lack of line_odds (a score of 0.996), as the views disagree on hair, hands and fences no more than on
 * half-hidden faces. Or, for profiles, on which the views agree less, a settled frame with a certain detector score. */
static const double most_off = 0.012, most_spread = 0.032, line_odds = 5.5, line_slope = 0.08, hidden_spread = 0.05;
static const float certain = 0.99f;
/* Share of a face's box that is skin, from its centre to either side. */
static const double amid = 0.8;
/* Least cosine of the angle between two aligned faces: 60 degrees. */
static const double aligned = 0.5;
/* Most spread of a face that is seen clearly better than another, divided by the other's. */
static const double better_seen = 2.0 / 3;
/* Least overlap of a box with that of the previous look. */
static const double least_overlap = 0.3;

/* ---- lists ---- */

int idem_faces_seen_add(idem_faces_seen *list, const idem_face_seen *face) {
    if (list->n == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 8;
        idem_face_seen *at = realloc(list->at, (size_t)capacity * sizeof *at);
        if (!at)
            return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", capacity);
        list->at = at;
        list->capacity = capacity;
    }
    list->at[list->n++] = *face;
    return 0;
}

/* Faces cheek to cheek have overlapping boxes, but distant centres. */
static bool is_same(const idem_candidate *a, const idem_candidate *b) {
    double p = sqrt(a->width * a->height), q = sqrt(b->width * b->height);
    return hypot(a->x - b->x, a->y - b->y) < 0.3 * fmax(p, q) && p < 1.8 * q && q < 1.8 * p;
}

bool idem_faces_seen_has(const idem_faces_seen *list, const idem_candidate *box) {
    for (int i = 0; i < list->n; i++)
        if (is_same(&list->at[i].box, box))
            return true;
    return false;
}

/* On the skin of a face, and smaller than it. */
static bool is_amid(const idem_candidate *box, const idem_candidate *face) {
    double x = box->x - face->x, y = box->y - face->y, c = cos(face->turn), s = sin(face->turn);
    return fabs(x * c + y * s) < amid * face->width / 2 && fabs(y * c - x * s) < amid * face->height / 2 &&
           box->width * box->height < face->width * face->height;
}

/* By less than an eighth of a turn. */
static bool turned_alike(double a, double b) {
    return cos(a - b) > cos(IDEM_QUARTER / 2);
}

bool idem_faces_seen_explain(const idem_faces_seen *list, const idem_candidate *box) {
    for (int i = 0; i < list->n; i++) {
        const idem_face_seen *face = &list->at[i];
        if (face->spread < IDEM_PLAIN_SPREAD ? is_same(&face->box, box) || is_amid(box, &face->box)
                                             : is_same(&face->box, box) && turned_alike(face->box.turn, box->turn))
            return true;
    }
    return false;
}

int idem_faces_seen_improve(idem_faces_seen *list, const idem_face_seen *face) {
    int kept = 0;
    bool better = true;
    for (int i = 0; i < list->n; i++) {
        bool same = is_same(&list->at[i].box, &face->box);
        better &= !same || face->spread < list->at[i].spread;
        if (!same || face->spread >= list->at[i].spread)
            list->at[kept++] = list->at[i];
    }
    list->n = kept;
    return better ? idem_faces_seen_add(list, face) : 0;
}

bool idem_faces_seen_misaligned(const idem_faces_seen *list, const idem_face_seen *face) {
    int better = 0;
    for (int i = 0; i < list->n && face->spread >= IDEM_PLAIN_SPREAD; i++)
        if (list->at[i].spread < face->spread * better_seen) {
            if (cos(list->at[i].box.turn - face->box.turn) > aligned)
                return false;
            better++;
        }
    return better > 0;
}

bool idem_face_seen_holds(const idem_face_seen *face) {
    double score = face->box.score, lacking = fmax(line_odds - log(score / (1 - score)), 0);
    return face->off / most_off + face->spread / most_spread < 1 - line_slope * lacking ||
           (face->off < settled && face->spread < hidden_spread && face->box.score > certain);
}

/* ---- one look ---- */

/* Mean distance of the corners of two frames, divided by the first's side. */
static double moved(const idem_crop *a, const idem_crop *b, const idem_image *im) {
    static const float corners[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    float p[4][2], q[4][2];
    double sum = 0;
    idem_crop_points(p, corners, 4, a);
    idem_crop_points(q, corners, 4, b);
    for (int i = 0; i < 4; i++)
        sum += hypot((double)(p[i][0] - q[i][0]) * im->width, (double)(p[i][1] - q[i][1]) * im->height) / 4;
    return sum / idem_align_side(a, im->width, im->height);
}

/* Intersection over union, as if both had the same turn. */
static double overlap(const idem_candidate *a, const idem_candidate *b) {
    double w = fmin(a->x + a->width / 2, b->x + b->width / 2) - fmax(a->x - a->width / 2, b->x - b->width / 2);
    double h = fmin(a->y + a->height / 2, b->y + b->height / 2) - fmax(a->y - a->height / 2, b->y - b->height / 2);
    return w <= 0 || h <= 0 ? 0 : w * h / (a->width * a->height + b->width * b->height - w * h);
}

/* The detector on the face in its frame. 1: the box is updated; 0: it finds none that overlaps the old one. */
static int look(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face) {
    const idem_image *im = &photo->level[0];
    idem_candidates seen = {0};
    double side = idem_align_side(&face->frame, im->width, im->height);
    double turn = atan2((double)face->frame.m[3] * im->height, (double)face->frame.m[0] * im->width);
    float middle[1][2] = {{0.5f, 0.5f}};
    idem_crop_points(middle, (const float(*)[2])middle, 1, &face->frame);
    double x = (double)middle[0][0] * im->width, y = (double)middle[0][1] * im->height;
    int status = idem_scan_part(n->scanner, &seen, photo, x, y, side / frame_seen, turn, IDEM_CANDIDATE_CONFIDENCE),
        best = -1;
    double most = least_overlap;
    for (int i = 0; i < seen.n; i++)
        if (overlap(&seen.at[i], &face->box) > most) {
            most = overlap(&seen.at[i], &face->box);
            best = i;
        }
    if (best >= 0)
        face->box = seen.at[best];
    free(seen.at);
    return status ? -1 : best >= 0;
}

static int find_points(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face,
                       idem_landmarks_effort effort) {
    const idem_image *im = &photo->level[0];
    idem_crop box = idem_candidate_crop(&face->box, im);
    return idem_landmarks_run(n->landmarks, photo, &box, effort, face->points, &face->spread) ||
                   idem_align_frame(&face->frame, (const float(*)[2])face->points, im->width, im->height)
               ? -1
               : 0;
}

/* Candidates that cannot be looked at (coinciding points, a frame far outside the photograph) are no faces. */
static int no_face(void) {
    return idem_error_kind() == IDEM_INPUT ? 0 : -1;
}

int idem_settle_look(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face,
                     idem_landmarks_effort effort) {
    int seen = look(n, photo, face);
    return seen < 0 || (seen && find_points(n, photo, face, effort)) ? no_face() : seen;
}

/* ---- until the frame stays ---- */

/* Part t of the way from a to b. */
static idem_candidate between(const idem_candidate *a, const idem_candidate *b, double t) {
    return (idem_candidate){a->x + (b->x - a->x) * t,
                            a->y + (b->y - a->y) * t,
                            a->width + (b->width - a->width) * t,
                            a->height + (b->height - a->height) * t,
                            b->turn,
                            b->score};
}

int idem_settle_points(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face) {
    return find_points(n, photo, face, IDEM_LANDMARKS_FULL) ? no_face() : 1;
}

static int settle_frame(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face,
                        const idem_faces_seen *known) {
    idem_landmarks_effort effort = IDEM_LANDMARKS_QUICK;
    if (find_points(n, photo, face, effort))
        return no_face();
    for (int i = 0; i < LOOKS; i++) {
        const idem_crop before = face->frame;
        const idem_candidate last = face->box;
        int seen = look(n, photo, face);
        if (seen > 0 && i >= STEADY)
            face->box = between(&last, &face->box, 1.0 / (i - STEADY + 2));
        if (seen < 0 || (seen && find_points(n, photo, face, effort)))
            return no_face();
        if (!seen || idem_faces_seen_explain(known, &face->box))
            return 0;
        face->off = moved(&before, &face->frame, &photo->level[0]);
        if (effort == IDEM_LANDMARKS_FULL && face->off < settled)
            break;
        if (effort == IDEM_LANDMARKS_QUICK && face->off < settling) {
            effort = IDEM_LANDMARKS_FULL;
            if (find_points(n, photo, face, effort))
                return no_face();
        }
        if (effort == IDEM_LANDMARKS_QUICK && (i >= STEADY || (i > 1 && face->spread > hopeless)))
            return 0;
    }
    return effort == IDEM_LANDMARKS_FULL && idem_face_seen_holds(face);
}

int idem_settle(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face, const idem_faces_seen *known) {
    const idem_candidate candidate = face->box;
    int is = settle_frame(n, photo, face, known);
    if (!is)
        face->box = candidate;
    return is;
}
