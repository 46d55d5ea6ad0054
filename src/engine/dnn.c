#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/dnn_private.h"
#include "engine/isa.h"

/* One engine and one stream serve the process: on the CPU neither holds state between calls. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static dnnl_stream_t stream;

/* Before the library's first kernel: it asks the processor once. */
static void start(void) {
    idem_isa runs = idem_isa_runs();
    if (runs < idem_isa_has())
        dnnl_set_max_cpu_isa(runs == IDEM_ISA_PLAIN ? dnnl_cpu_isa_sse41 : dnnl_cpu_isa_avx2);
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success)
        engine = NULL;
    else if (dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success)
        engine = NULL;
}

dnnl_engine_t idem_dnn_engine(void) {
    pthread_once(&once, start);
    if (!engine)
        return idem_fail_null("oneDNN does not start on this machine: no CPU engine");
    return engine;
}

const char *idem_dnn_status(dnnl_status_t s) {
    switch (s) {
    case dnnl_out_of_memory:
        return "out of memory";
    case dnnl_invalid_arguments:
        return "invalid arguments";
    case dnnl_unimplemented:
        return "no kernel for these sizes";
    default:
        return "unexpected failure";
    }
}

const char *idem_dnn_version(char text[64]) {
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, 64, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

/* ---- making ---- */

static int reorder_make(dnn_reorder *r, const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to, size_t *pad,
                        const char *name) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&attr);
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (s == dnnl_success)
        s = dnnl_reorder_primitive_desc_create(&pd, from, engine, to, engine, attr);
    if (s == dnnl_success) {
        size_t bytes = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0));
        *pad = bytes > *pad ? bytes : *pad;
        s = dnnl_primitive_create(&r->primitive, pd);
    }
    if (s == dnnl_success)
        s = dnnl_memory_create(&r->from, from, engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = dnnl_memory_create(&r->to, to, engine, DNNL_MEMORY_NONE);
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return idem_fail("%s: oneDNN cannot reorder an operand: %s", name, idem_dnn_status(s));
    return 0;
}

static void reorder_free(dnn_reorder *r) {
    dnnl_primitive_destroy(r->primitive);
    dnnl_memory_destroy(r->from);
    dnnl_memory_destroy(r->to);
}

static dnnl_status_t reorder_run(const dnn_reorder *r, const void *from, void *to, dnnl_memory_t pad) {
    dnnl_memory_set_data_handle(r->from, (void *)from);
    dnnl_memory_set_data_handle(r->to, to);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, r->from}, {DNNL_ARG_TO, r->to}, {DNNL_ARG_SCRATCHPAD, pad}};
    return dnnl_primitive_execute(r->primitive, stream, pad ? 3 : 2, args);
}

/* What filling a pack needs. */
typedef struct {
    const dnn_operand *operand;
    const dnnl_memory_desc_t *want;
    const char *name;
} pack_order;

static int pack_fill(void *order, void *values) {
    const pack_order *o = order;
    size_t pad = 0;
    dnn_reorder r = {0};
    void *pad_memory = NULL;
    dnnl_memory_t pad_handle = NULL;
    dnnl_status_t s = dnnl_success;
    int status = reorder_make(&r, &o->operand->md, o->want, &pad, o->name);
    if (!status && pad) {
        dnnl_dims_t dims = {(dnnl_dim_t)pad};
        dnnl_memory_desc_t md;
        pad_memory = idem_block_alloc(pad);
        s = pad_memory ? dnnl_memory_desc_init_by_tag(&md, 1, dims, dnnl_u8, dnnl_a) : dnnl_out_of_memory;
        if (s == dnnl_success)
            s = dnnl_memory_create(&pad_handle, &md, engine, pad_memory);
    }
    if (!status && s == dnnl_success)
        s = reorder_run(&r, o->operand->frozen.values, values, pad_handle);
    if (!status && s != dnnl_success)
        status = idem_fail("%s: oneDNN cannot reorder the weights: %s", o->name, idem_dnn_status(s));
    reorder_free(&r);
    dnnl_memory_destroy(pad_handle);
    idem_block_free(pad_memory, pad);
    return status;
}

static idem_pack *pack_make(const dnn_operand *o, const dnnl_memory_desc_t *want, const char *name) {
    pack_order order = {o, want, name};
    /* A square matrix and its transpose have the same values, shape and wanted form: only the given form tells them
     * apart. */
    const dnnl_memory_desc_t key[2] = {o->md, *want};
    return idem_pack_get(o->frozen, key, sizeof key, dnnl_memory_desc_get_size(want), pack_fill, &order);
}

dnnl_primitive_desc_t idem_dnn_describe(const_dnnl_op_desc_t desc, dnnl_primitive_desc_t hint, const float *leaky,
                                        const char *name) {
    if (!idem_dnn_engine())
        return NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&attr);
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (s == dnnl_success && leaky) {
        dnnl_post_ops_t after = NULL;
        s = dnnl_post_ops_create(&after);
        if (s == dnnl_success)
            s = dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, *leaky, 0);
        if (s == dnnl_success)
            s = dnnl_primitive_attr_set_post_ops(attr, after);
        dnnl_post_ops_destroy(after);
    }
    if (s == dnnl_success)
        s = dnnl_primitive_desc_create(&pd, desc, attr, engine, hint);
    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return idem_fail_null("%s: oneDNN cannot run this: %s", name, idem_dnn_status(s));
    return pd;
}

static size_t take(size_t *scratch, size_t bytes) {
    size_t offset = *scratch;
    *scratch += (bytes + 63) / 64 * 64;
    return offset;
}

idem_dnn *idem_dnn_make(const_dnnl_op_desc_t desc, dnnl_primitive_desc_t hint, const float *leaky,
                        const dnn_operand *in, int n_in, const dnn_operand *out, size_t out_count, const char *name) {
    dnnl_primitive_desc_t pd = idem_dnn_describe(desc, hint, leaky, name);
    if (!pd)
        return NULL;
    idem_dnn *k = calloc(1, sizeof *k);
    if (!k) {
        dnnl_primitive_desc_destroy(pd);
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory", name);
    }
    k->n_in = n_in;
    k->out_arg = out->arg;
    k->out_count = out_count;
    const char *kernel = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &kernel) == dnnl_success && kernel)
        snprintf(k->kernel, sizeof k->kernel, "%s", kernel);
    size_t pad = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0));
    dnnl_status_t s = dnnl_primitive_create(&k->primitive, pd);
    for (int i = 0; i < n_in && s == dnnl_success; i++) {
        const dnnl_memory_desc_t *want = dnnl_primitive_desc_query_md(pd, in[i].query, in[i].index);
        k->arg[i] = in[i].arg;
        s = dnnl_memory_create(&k->in[i], want, engine, DNNL_MEMORY_NONE);
        if (s != dnnl_success || dnnl_memory_desc_equal(want, &in[i].md))
            continue;
        if (in[i].frozen.values) {
            k->pack[i] = pack_make(&in[i], want, name);
            if (!k->pack[i])
                goto failed;
            dnnl_memory_set_data_handle(k->in[i], (void *)idem_pack_values(k->pack[i]));
        } else {
            if (reorder_make(&k->before[i], &in[i].md, want, &pad, name))
                goto failed;
            k->before[i].offset = take(&k->scratch, dnnl_memory_desc_get_size(want));
        }
    }
    if (s == dnnl_success) {
        const dnnl_memory_desc_t *give = dnnl_primitive_desc_query_md(pd, out->query, 0);
        s = dnnl_memory_create(&k->out, give, engine, DNNL_MEMORY_NONE);
        if (s == dnnl_success && !dnnl_memory_desc_equal(give, &out->md)) {
            if (reorder_make(&k->after, give, &out->md, &pad, name))
                goto failed;
            k->after.offset = take(&k->scratch, dnnl_memory_desc_get_size(give));
        }
    }
    if (s == dnnl_success && pad) {
        dnnl_dims_t dims = {(dnnl_dim_t)pad};
        dnnl_memory_desc_t md;
        k->pad_offset = take(&k->scratch, pad);
        s = dnnl_memory_desc_init_by_tag(&md, 1, dims, dnnl_u8, dnnl_a);
        if (s == dnnl_success)
            s = dnnl_memory_create(&k->pad, &md, engine, DNNL_MEMORY_NONE);
    }
    if (s == dnnl_success) {
        dnnl_primitive_desc_destroy(pd);
        return k;
    }
    idem_fail("%s: oneDNN cannot prepare this: %s", name, idem_dnn_status(s));
failed:
    dnnl_primitive_desc_destroy(pd);
    idem_dnn_free(k);
    return NULL;
}

void idem_dnn_free(idem_dnn *k) {
    if (!k)
        return;
    for (int i = 0; i < DNN_MAX_IN; i++) {
        dnnl_memory_destroy(k->in[i]);
        reorder_free(&k->before[i]);
        idem_pack_release(k->pack[i]);
    }
    reorder_free(&k->after);
    dnnl_memory_destroy(k->out);
    dnnl_memory_destroy(k->pad);
    dnnl_primitive_destroy(k->primitive);
    free(k);
}

/* ---- running ---- */

bool idem_dnn_reads(const idem_dnn *k, int i) {
    return !k->pack[i];
}

size_t idem_dnn_scratch(const idem_dnn *k) {
    return k->scratch;
}

const char *idem_dnn_kernel(const idem_dnn *k) {
    return k->kernel;
}

void idem_dnn_run(const idem_dnn *k, const float *const *in, float *out, void *scratch) {
    dnnl_exec_arg_t args[DNN_MAX_IN + 2];
    int n = 0;
    dnnl_status_t s = dnnl_success;
    if (k->pad) {
        dnnl_memory_set_data_handle(k->pad, (char *)scratch + k->pad_offset);
        args[n++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, k->pad};
    }
    for (int i = 0; i < k->n_in && s == dnnl_success; i++) {
        if (k->before[i].primitive) {
            void *to = (char *)scratch + k->before[i].offset;
            s = reorder_run(&k->before[i], in[i], to, k->pad);
            dnnl_memory_set_data_handle(k->in[i], to);
        } else if (!k->pack[i]) {
            dnnl_memory_set_data_handle(k->in[i], (void *)in[i]);
        }
        args[n++] = (dnnl_exec_arg_t){k->arg[i], k->in[i]};
    }
    void *to = k->after.primitive ? (char *)scratch + k->after.offset : (void *)out;
    dnnl_memory_set_data_handle(k->out, to);
    args[n++] = (dnnl_exec_arg_t){k->out_arg, k->out};
    if (s == dnnl_success)
        s = dnnl_primitive_execute(k->primitive, stream, n, args);
    if (s == dnnl_success && k->after.primitive)
        s = reorder_run(&k->after, to, out, k->pad);
    if (s != dnnl_success)
        for (size_t j = 0; j < k->out_count; j++)
            out[j] = NAN;
}
