/* Fixtures: folders with a fixture.json that says how to fill tensors and inputs, and the outputs expected of them
 * (tests/fixtures/README.md). One file per network runs it; this one opens, compares and keeps count. */
#ifndef IDEM_TESTS_SUPPORT_FIXTURE_H
#define IDEM_TESTS_SUPPORT_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "engine/graph.h"
#include "engine/plan.h"
#include "format/weights.h"
#include "nets/norm_conv.h"

typedef struct {
    char *name; /* of the output: the file's without its extension */
    char *path;
    bool is_input; /* stored data that a network reads, no output */
    bool checked;
} fixture_file;

typedef struct {
    const char *models; /* folder of downloaded models */
    int threads;        /* 0: all */
    FILE *out;          /* a line per output */

    json_t *root;
    const char *network, *salt;
    double tolerance;
    idem_weights *weights; /* the filled tensors */
    size_t n_files;
    fixture_file *files;
    int n_checked, n_failed;
    bool missing_model; /* a model file is not there */
} fixture;

/* Runs a whole folder: 0 if everything is as expected, 1 if anything failed, -1 with a message (idem_error) if the
 * folder cannot be run at all. `missing_model`, if not NULL, is set when the only reason is a model file that is not
 * there. */
int fixture_run(const char *dir, const char *models, int threads, FILE *out, bool *missing_model);

/* ---- for the files that know a network; each returns 0 or -1 with a message ---- */
int fixture_stylegan2(fixture *f);
int fixture_onnx(fixture *f);
int fixture_judge(fixture *f);
int fixture_resnet(fixture *f);
int fixture_inception3(fixture *f);
int fixture_inception3_fid(fixture *f);
int fixture_facenet(fixture *f);
int fixture_losses(fixture *f);

/* The entry of `list` ("inputs", "cotangents") with this name; NULL when there is none. */
const json_t *fixture_entry(const fixture *f, const char *list, const char *name);
/* Shape and filled values (malloc'ed, row-major) of an entry. */
int fixture_fill_entry(const fixture *f, const json_t *entry, idem_shape *shape, float **values);
/* An input node filled by the entry's rule; "layout": "NHWC" means the shape and order N, H, W, C. */
idem_node *fixture_input(const fixture *f, idem_graph *g, const json_t *entry);
/* The same for a cotangent, for outputs of this shape. */
idem_node *fixture_cotangent(const fixture *f, idem_graph *g, const char *name);

/* The file of this output, if the folder has one. */
fixture_file *fixture_find(const fixture *f, const char *name);
bool fixture_has_prefix(const fixture *f, const char *prefix);
/* The values of a stored file, which then counts as input. */
int fixture_read(fixture *f, const char *name, idem_shape *shape, float **values);

/* Compares with the file of that name and prints the line; no file of that name: nothing to do. */
int fixture_check(fixture *f, const char *name, const float *got, size_t count);
int fixture_check_node(fixture *f, const char *name, const idem_plan *p, const idem_node *n);
/* Compares with a number of fixture.json. */
void fixture_check_value(fixture *f, const char *name, double got, double want);
void fixture_failed(fixture *f, const char *name, const char *why);

/* Every grad.NAME file of the folder: parameter nodes of the graph by that name, and the files' names ("grad.NAME"). At
 * most max. -1 when there is no such parameter. */
int fixture_wanted_grads(const fixture *f, idem_graph *g, idem_node **param, const char **name, int max);

/* One input, one output: checks OUTPUT, grad_input and grad.NAME; with running averages also after.NAME, behind one
 * update. */
int fixture_check_net(fixture *f, idem_graph *g, idem_node *input, idem_node *output, const char *name,
                      const idem_running_list *running);

#endif
