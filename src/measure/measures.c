#include "measure/measures.h"

#include <math.h>
#include <stdio.h>

#include "measure/pair_scores.h"

enum { TOP = 5, TOP_NEEDS = 10 };

static const idem_measure of_recogniser[IDEM_M_OF_RECOGNISER] = {
    [IDEM_M_COS_ID_OUT] = {"cos_id_out", "identity", "cosine (id, out)", "", IDEM_HIGHER, false, 1, 3, 0},
    [IDEM_M_COS_ATTR_OUT] = {"cos_attr_out", "identity", "cosine (attr, out)", "", IDEM_LOWER, false, 1, 3, 0},
    [IDEM_M_COS_ID_ATTR] = {"cos_id_attr", "identity", "cosine (id, attr)", "", IDEM_NEITHER, false, 1, 3, 0},
    [IDEM_M_ID_KEPT] = {"id_kept", "identity", "identity kept, S(id, out)", "", IDEM_HIGHER, false, 1, 3, 0},
    [IDEM_M_ATTR_LEAK] = {"attr_leak", "identity", "identity leaked, S(attr, out)", "", IDEM_LOWER, false, 1, 3, 0},
    [IDEM_M_SCORE] = {"score", "identity", "score, cos(id, out) - cos(attr, out)", "", IDEM_HIGHER, false, 1, 3, 0},
    [IDEM_M_TOP1] = {"retrieval_top1", "identity", "source found first", "", IDEM_HIGHER, true, 2, 3, 0},
    [IDEM_M_TOP5] = {"retrieval_top5", "identity", "source among the first 5", "", IDEM_HIGHER, true, TOP_NEEDS, 3, 0},
    [IDEM_M_SAME_COS] = {"same_cos", "reconstruction", "identity, cosine", "", IDEM_HIGHER, false, 1, 3, 0},
};

static const idem_measure of_all[IDEM_M_OF_ALL] = {
    [IDEM_M_YAW] = {"yaw", "pose", "yaw", "degrees", IDEM_LOWER, false, 1, 2, -1},
    [IDEM_M_PITCH] = {"pitch", "pose", "pitch", "degrees", IDEM_LOWER, false, 1, 2, -1},
    [IDEM_M_ROLL] = {"roll", "pose", "roll", "degrees", IDEM_LOWER, false, 1, 2, -1},
    [IDEM_M_POSE_MEAN] = {"pose_mean", "pose", "mean of the three", "degrees", IDEM_LOWER, false, 1, 2, -1},
    [IDEM_M_POSE_L2] = {"pose_l2", "pose", "L2 of the three", "degrees", IDEM_LOWER, false, 1, 2, -1},
    [IDEM_M_EXPRESSION_AGREES] = {"expression_agrees", "expression", "same class", "", IDEM_HIGHER, true, 1, 3, -1},
    [IDEM_M_EXPRESSION_L2] = {"expression_l2", "expression", "L2 of the probabilities", "", IDEM_LOWER, false, 1, 3,
                              -1},
    [IDEM_M_EXPRESSION_LANDMARKS] = {"expression_landmarks", "expression", "landmarks after alignment", "eye distances",
                                     IDEM_LOWER, false, 1, 4, -1},
    [IDEM_M_NME] = {"nme", "landmarks", "NME", "eye distances", IDEM_LOWER, false, 1, 4, -1},
    [IDEM_M_LANDMARK_MSE160] = {"landmark_mse160", "landmarks", "MSE at 160 px", "px^2", IDEM_LOWER, false, 1, 3, -1},
    [IDEM_M_COLOUR] = {"colour_outside_face", "around the face", "colour difference", "", IDEM_LOWER, false, 1, 3, -1},
    [IDEM_M_STRUCTURE] = {"structure_outside_face", "around the face", "structure (SSIM's)", "", IDEM_HIGHER, false, 1,
                          3, -1},
    [IDEM_M_NO_FACE] = {"no_face", "failures", "no face is found", "", IDEM_LOWER, true, 1, 3, -1},
    [IDEM_M_W_DISTANCE] = {"w_distance", "codes", "distance of w to the nearest of the generator's codes", "",
                           IDEM_LOWER, false, 1, 3, -1},
    [IDEM_M_SAME_RMSE] = {"same_rmse", "reconstruction", "RMSE", "", IDEM_LOWER, false, 1, 3, -1},
    [IDEM_M_SAME_PSNR] = {"same_psnr", "reconstruction", "PSNR", "dB", IDEM_HIGHER, false, 1, 2, -1},
    [IDEM_M_SAME_MSSSIM] = {"same_msssim", "reconstruction", "MS-SSIM", "", IDEM_HIGHER, false, 1, 3, -1},
    [IDEM_M_SAME_EXPRESSION_L2] = {"same_expression_l2", "reconstruction", "expression, L2 of the probabilities", "",
                                   IDEM_LOWER, false, 1, 3, -1},
    [IDEM_M_SAME_EXPRESSION_LANDMARKS] = {"same_expression_landmarks", "reconstruction",
                                          "expression, landmarks after alignment", "eye distances", IDEM_LOWER, false,
                                          1, 4, -1},
    [IDEM_M_SAME_POSE_L2] = {"same_pose_l2", "reconstruction", "pose, L2", "degrees", IDEM_LOWER, false, 1, 2, -1},
};

void idem_measures_make(idem_measures *m, const idem_measures_about *about) {
    *m = (idem_measures){.about = *about};
    for (int r = 0; r < about->recognisers; r++)
        for (int k = 0; k < IDEM_M_OF_RECOGNISER; k++) {
            idem_measure *to = &m->table[m->n++];
            *to = of_recogniser[k];
            snprintf(to->key, sizeof to->key, "%.30s.%.30s", about->key[r], of_recogniser[k].key);
            to->recogniser = r;
        }
    for (int k = 0; k < IDEM_M_OF_ALL; k++)
        m->table[m->n++] = of_all[k];
}

int idem_measure_of(const idem_measures *m, int recogniser, int which) {
    (void)m;
    return recogniser * IDEM_M_OF_RECOGNISER + which;
}

int idem_measure_of_all(const idem_measures *m, int which) {
    return m->about.recognisers * IDEM_M_OF_RECOGNISER + which;
}

void idem_measures_clear(const idem_measures *m, float *row) {
    for (int k = 0; k < m->n; k++)
        row[k] = NAN;
}

static double kept(double cosine, double strangers) {
    return (cosine - strangers) / fmax(1 - strangers, 1e-6);
}

static void identity(const idem_measures *m, int r, int i, const float *out, float *to) {
    const idem_measures_about *a = &m->about;
    const int dim = a->dim[r];
    const float *id = a->id->id[r], *attr = a->attr->id[r] + (size_t)i * (size_t)dim;
    const float *own = id + (size_t)i * (size_t)dim;
    int first, end;
    idem_pair_candidates(i, a->n, a->candidates, &first, &end);
    const int rank = idem_pair_rank(out, id, i, first, end, dim);
    const double io = idem_pair_cosine(own, out, dim), ao = idem_pair_cosine(attr, out, dim);
    to[IDEM_M_COS_ID_OUT] = (float)io;
    to[IDEM_M_COS_ATTR_OUT] = (float)ao;
    to[IDEM_M_COS_ID_ATTR] = (float)idem_pair_cosine(own, attr, dim);
    to[IDEM_M_ID_KEPT] = (float)kept(io, a->strangers[r]);
    to[IDEM_M_ATTR_LEAK] = (float)kept(ao, a->strangers[r]);
    to[IDEM_M_SCORE] = (float)(io - ao);
    to[IDEM_M_TOP1] = rank == 0;
    to[IDEM_M_TOP5] = rank < TOP;
}

static double l2(const float *a, const float *b, int n) {
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
    return sqrt(sum);
}

static void pose(const float *out, const float *want, float *to) {
    double sum = 0;
    for (int k = 0; k < IDEM_ANGLES; k++) {
        const double off = fabs((double)out[k] - want[k]);
        to[IDEM_M_YAW + k] = (float)off;
        sum += off / IDEM_ANGLES;
    }
    to[IDEM_M_POSE_MEAN] = (float)sum;
    to[IDEM_M_POSE_L2] = (float)l2(out, want, IDEM_ANGLES);
}

static int top_class(const float *p) {
    int best = 0;
    for (int k = 1; k < IDEM_EXPRESSIONS; k++)
        if (p[k] > p[best])
            best = k;
    return best;
}

int idem_measures_cross(const idem_measures *m, int i, const idem_seen *out, int at, const float *x_out,
                        const float *x_attr, float *row) {
    const idem_measures_about *a = &m->about;
    const size_t k = (size_t)i, o = (size_t)at;
    for (int r = 0; r < a->recognisers; r++)
        identity(m, r, i, out->id[r] + o * (size_t)a->dim[r], row + idem_measure_of(m, r, 0));
    float *to = row + idem_measure_of_all(m, 0);
    pose(out->pose + o * IDEM_ANGLES, a->attr->pose + k * IDEM_ANGLES, to);
    const float *p = out->expression + o * IDEM_EXPRESSIONS, *q = a->attr->expression + k * IDEM_EXPRESSIONS;
    to[IDEM_M_EXPRESSION_AGREES] = top_class(p) == top_class(q);
    to[IDEM_M_EXPRESSION_L2] = (float)l2(p, q, IDEM_EXPRESSIONS);
    const float *points = out->points + o * IDEM_POINT_NUMBERS, *want = a->attr->points + k * IDEM_POINT_NUMBERS;
    to[IDEM_M_EXPRESSION_LANDMARKS] = (float)idem_pair_landmark_expression(points, want);
    to[IDEM_M_NME] = (float)idem_pair_nme(points, want);
    to[IDEM_M_LANDMARK_MSE160] = (float)idem_pair_landmark_mse160(points, want);
    to[IDEM_M_COLOUR] = (float)idem_pair_colour(x_out, x_attr, a->size, a->outside);
    to[IDEM_M_NO_FACE] = !out->face[at];
    double structure;
    if (idem_pair_structure(&structure, x_out, x_attr, a->size, a->outside))
        return -1;
    to[IDEM_M_STRUCTURE] = (float)structure;
    return 0;
}

void idem_measures_same(const idem_measures *m, int i, const idem_seen *out, int at, const float *x_out,
                        const float *x_id, float msssim, float *row) {
    const idem_measures_about *a = &m->about;
    const size_t k = (size_t)i, o = (size_t)at;
    for (int r = 0; r < a->recognisers; r++) {
        const size_t dim = (size_t)a->dim[r];
        row[idem_measure_of(m, r, IDEM_M_SAME_COS)] =
            (float)idem_pair_cosine(out->id[r] + o * dim, a->id->id[r] + k * dim, a->dim[r]);
    }
    float *to = row + idem_measure_of_all(m, 0);
    const double mse = idem_pair_mean_square(x_out, x_id, (size_t)a->size * (size_t)a->size * 3);
    to[IDEM_M_SAME_RMSE] = (float)sqrt(mse);
    to[IDEM_M_SAME_PSNR] = (float)idem_pair_psnr(mse);
    to[IDEM_M_SAME_MSSSIM] = msssim;
    to[IDEM_M_SAME_EXPRESSION_L2] =
        (float)l2(out->expression + o * IDEM_EXPRESSIONS, a->id->expression + k * IDEM_EXPRESSIONS, IDEM_EXPRESSIONS);
    to[IDEM_M_SAME_EXPRESSION_LANDMARKS] = (float)idem_pair_landmark_expression(out->points + o * IDEM_POINT_NUMBERS,
                                                                                a->id->points + k * IDEM_POINT_NUMBERS);
    to[IDEM_M_SAME_POSE_L2] = (float)l2(out->pose + o * IDEM_ANGLES, a->id->pose + k * IDEM_ANGLES, IDEM_ANGLES);
}
