/* Fixtures of StyleGAN2 generators, in both layouts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nets/stylegan2.h"
#include "support/fixture.h"

enum { MAX_GRADS = 64, MAX_PSI = 8, SMALL = 32 };

/* The file wants the picture, its average pool to 32x32 or its corner: checks those there are. picture: [N, 3, S, S]
 * row-major. */
static int check_picture(fixture *f, const char *name, const float *picture, int64_t planes, int64_t side) {
    if (fixture_check(f, name, picture, (size_t)(planes * side * side)))
        return -1;
    float *small = malloc((size_t)planes * SMALL * SMALL * sizeof *small);
    if (!small)
        return idem_fail_as(IDEM_MEMORY, "out of memory");
    int status = 0;
    for (int corner = 0; corner < 2 && !status; corner++) {
        char file[96];
        snprintf(file, sizeof file, "%s_%s", name, corner ? "corner" : "pooled");
        const int64_t step = corner ? 1 : side / SMALL;
        for (int64_t i = 0; i < planes * SMALL * SMALL && step > 0; i++) {
            const float *at =
                picture + i / (SMALL * SMALL) * side * side + i / SMALL % SMALL * step * side + i % SMALL * step;
            double sum = 0;
            for (int64_t y = 0; y < step; y++)
                for (int64_t x = 0; x < step; x++)
                    sum += at[y * side + x];
            small[i] = (float)(sum / (double)(step * step));
        }
        if (step > 0)
            status = fixture_check(f, file, small, (size_t)planes * SMALL * SMALL);
    }
    free(small);
    return status;
}

static int check_picture_node(fixture *f, const char *name, const idem_plan *p, const idem_node *n) {
    float *picture = malloc((size_t)idem_shape_count(&n->shape) * sizeof *picture);
    if (!picture)
        return idem_fail_as(IDEM_MEMORY, "out of memory");
    idem_plan_read(p, n, picture);
    const int status = check_picture(f, name, picture, n->shape.d[0] * 3, n->shape.d[2]);
    free(picture);
    return status;
}

/* "image_psi07", "image_psi07_pooled", ...: the names behind `after` without their endings, in order; psi 0.7, for the
 * point stands behind the first digit. False: there is none. */
static bool find_psi(const fixture *f, const char *after, char name[64], float *psi) {
    bool found = false;
    for (size_t i = 0; i < f->n_files; i++) {
        char digits[8], one[64];
        if (sscanf(f->files[i].name, "image_psi%7[0-9]", digits) != 1)
            continue;
        snprintf(one, sizeof one, "image_psi%s", digits);
        if (strcmp(one, after) <= 0 || (found && strcmp(one, name) >= 0))
            continue;
        snprintf(name, 64, "%s", one);
        *psi = (float)(strtod(digits, NULL) / pow(10, (double)strlen(digits) - 1));
        found = true;
    }
    return found;
}

/* z -> w -> picture, truncated too where a file asks for it; gradient to z. */
static int run_z(fixture *f, const idem_stylegan2 *s, idem_graph *g, const json_t *entry) {
    idem_binder b = idem_binder_make(g, f->weights, s->prefix, false);
    idem_node *z = fixture_input(f, g, entry), *w = idem_stylegan2_mapping(&b, s, z), *target[MAX_PSI + 3];
    char psi_name[MAX_PSI][64];
    float psi;
    int n = 0, n_psi = 0, at_grad = -1, status = 0;
    target[n++] = w;
    target[n++] = idem_stylegan2_synthesis(&b, s, w, NULL);
    if (!target[0] || !target[1] || idem_stylegan2_finish(&b, s))
        return -1;
    for (; n_psi < MAX_PSI && find_psi(f, n_psi ? psi_name[n_psi - 1] : "", psi_name[n_psi], &psi); n_psi++) {
        const float *mean = idem_stylegan2_mean_w(s, f->weights);
        if (!mean)
            return idem_fail("%s is asked for but there is no mean w", psi_name[n_psi]);
        idem_node *cut = idem_stylegan2_truncate(s, w, idem_const(g, "mean_w", IDEM_SHAPE(s->w_dim), mean), psi, -1);
        target[n++] = idem_stylegan2_synthesis(&b, s, cut, NULL);
    }
    if (fixture_find(f, "grad_z")) {
        idem_node *seed = fixture_cotangent(f, g, "cotangent.image");
        at_grad = n;
        if (!seed || idem_gradients_seeded(target[1], seed, &z, 1, &target[n++]))
            return -1;
    }
    idem_plan *p = idem_plan_new(target, n, &(idem_plan_options){.threads = f->threads});
    if (!p || idem_plan_run(p) || fixture_check_node(f, "w", p, w) || check_picture_node(f, "image", p, target[1]) ||
        (at_grad >= 0 && fixture_check_node(f, "grad_z", p, target[at_grad])))
        status = -1;
    for (int i = 0; i < n_psi && !status; i++)
        status = check_picture_node(f, psi_name[i], p, target[2 + i]);
    idem_plan_free(p);
    return status;
}

/* ws -> picture; gradients to ws and to weights. */
static int run_ws(fixture *f, const idem_stylegan2 *s, idem_graph *g, const json_t *entry) {
    idem_binder b = idem_binder_make(g, f->weights, s->prefix, fixture_has_prefix(f, "grad."));
    idem_node *ws = fixture_input(f, g, entry), *picture = idem_stylegan2_synthesis(&b, s, ws, NULL);
    idem_node *wrt[MAX_GRADS + 1] = {ws}, *target[MAX_GRADS + 2] = {picture};
    const char *names[MAX_GRADS + 1] = {"grad_ws"};
    if (!picture || idem_stylegan2_finish(&b, s))
        return -1;
    int n = fixture_find(f, "grad_ws") != NULL;
    const int params = fixture_wanted_grads(f, g, wrt + n, names + n, MAX_GRADS);
    if (params < 0)
        return -1;
    n += params;
    idem_node *seed = n ? fixture_cotangent(f, g, "cotangent.image") : NULL;
    if (n && (!seed || idem_gradients_seeded(picture, seed, wrt, n, target + 1)))
        return -1;
    idem_plan *p = idem_plan_new(target, n + 1, &(idem_plan_options){.threads = f->threads});
    int status = !p || idem_plan_run(p) || check_picture_node(f, "image_from_ws", p, picture) ? -1 : 0;
    for (int i = 0; i < n && !status; i++)
        status = fixture_check_node(f, names[i], p, target[i + 1]);
    idem_plan_free(p);
    return status;
}

int fixture_stylegan2(fixture *f) {
    static int (*const parts[2])(fixture *, const idem_stylegan2 *, idem_graph *, const json_t *) = {run_z, run_ws};
    static const char *const inputs[2] = {"input.z", "input.ws"};
    idem_stylegan2 s;
    if (idem_stylegan2_open(&s, f->weights, NULL))
        return -1;
    for (int i = 0; i < 2; i++) {
        const json_t *entry = fixture_entry(f, "inputs", inputs[i]);
        if (!entry)
            continue;
        idem_graph *g = idem_graph_new();
        const int status = g ? parts[i](f, &s, g, entry) : -1;
        idem_graph_free(g);
        if (status)
            return -1;
    }
    return 0;
}
