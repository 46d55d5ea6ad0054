#include "cli/compose_job.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/failure.h"
#include "cli/progress.h"

static int smaller(int a, int b) {
    return a < b ? a : b;
}

static size_t picture_bytes(const idem_compose_job *j) {
    return (size_t)j->model.size * (size_t)j->model.size * 3;
}

/* ---- making it ---- */

static int open_side(idem_compose_job *j, idem_sources *side, int code, int pictures) {
    if (idem_set_batch(j->context, smaller(pictures, j->s->batch)) ||
        idem_sources_open(side, j->context, &j->s->choice, code, j->s->refine != 0))
        return -1;
    if (code == IDEM_CODE_OF_ATTRIBUTES) {
        side->which = idem_choice_which(&j->s->choice);
        side->places = j->s->keep_size;
    }
    return 0;
}

/* Buffers of a batch of faces. */
static int open_batch(idem_compose_job *j, int pictures) {
    int batch = smaller(pictures, j->s->batch);
    j->tasks = idem_cli_table((size_t)batch, sizeof *j->tasks);
    j->pairs = idem_cli_table((size_t)batch, sizeof *j->pairs);
    j->rgb = idem_cli_table((size_t)batch, picture_bytes(j));
    return j->tasks && j->pairs && j->rgb ? idem_set_batch(j->context, batch) : -1;
}

/* A result failed: continue with the others, unless none can be made. */
static int pass_over(idem_compose_job *j, idem_combination *c) {
    idem_photograph *photograph = j->attr.at[c->attr].photograph;
    if (!j->s->folder || idem_error_kind() != IDEM_ERROR_INPUT)
        return -1;
    idem_cli_say("idem: passed over: %s", idem_last_error());
    if (photograph)
        idem_drop_pixels(photograph);
    c->failed = true;
    j->failed++;
    return 0;
}

/* The picture of a face; with --keep-size the attribute photograph with all its faces pasted. */
static int save(idem_compose_job *j, const idem_compose_task *t, const uint8_t *rgb) {
    const idem_source *attr = &j->attr.at[t->to->attr];
    idem_photograph *photograph = attr->photograph;
    idem_photograph_info info = {.struct_size = sizeof info};
    const idem_writing writing = idem_cli_writing(IDEM_ORIGIN_GENERATED);
    if (photograph && idem_get_photograph_info(photograph, &info))
        return -1;
    if (!photograph || info.whole)
        return idem_write_view(j->context, t->to->path, &(idem_view){rgb, j->model.size, j->model.size}, &writing);
    int status = idem_paste_face(j->context, photograph, info.first + t->face, rgb);
    if (!status && t->face == attr->n - 1)
        status = idem_write_photograph_as(j->context, t->to->path, photograph, &writing);
    if (status || t->face == attr->n - 1)
        idem_drop_pixels(photograph);
    return status;
}

/* The grid shows the first face of a picture. */
static int show(idem_compose_job *j, const idem_compose_task *t, const uint8_t *rgb) {
    return j->grid.at && !t->face ? idem_compose_grid_show(&j->grid, t->to->id, t->to->attr, rgb) : 0;
}

/* The first `count` tasks, unless other ranks have all of them. Those that share a batch with one of this rank's are
 * made too, since a batch is rounded by how full it is. */
static int run_tasks(idem_compose_job *j, int count) {
    bool mine = false;
    for (int i = 0; i < count; i++)
        mine = mine || !j->tasks[i].to->others;
    if (!mine)
        return 0;
    for (int i = 0; i < count; i++) {
        const idem_compose_task *t = &j->tasks[i];
        j->pairs[i] = (idem_pairing){j->id.at[t->to->id].first, j->attr.at[t->to->attr].first + t->face};
    }
    if (idem_compose_faces(j->id.faces, j->attr.faces, j->pairs, count, j->s->refine, NULL, j->rgb))
        return -1;
    for (int i = 0; i < count; i++) {
        const idem_compose_task *t = &j->tasks[i];
        const uint8_t *rgb = j->rgb + (size_t)i * picture_bytes(j);
        if (t->to->failed || t->to->others)
            continue;
        int status = save(j, t, rgb) || show(j, t, rgb) ? -1 : 0;
        if (status && pass_over(j, t->to))
            return -1;
        j->faces += !status;
        j->written += !status && t->face == j->attr.at[t->to->attr].n - 1;
    }
    return 0;
}

/* The list, a batch of faces at a time; combinations are the rank's with whose batch they begin, if `shared`. done:
 * pictures before, for progress. */
static int compose(idem_compose_job *j, int batch, bool shared, int done) {
    int count = 0, batches = 0;
    for (int i = 0; i < j->made.n; i++) {
        j->made.at[i].others = shared && batches % j->shares.size != j->shares.rank;
        for (int face = 0; face < j->attr.at[j->made.at[i].attr].n; face++) {
            j->tasks[count++] = (idem_compose_task){&j->made.at[i], face};
            if (count < batch)
                continue;
            if (run_tasks(j, count))
                return -1;
            batches++;
            count = 0;
            idem_progress_update((uint64_t)(done + i + 1), NULL);
        }
    }
    return count ? run_tasks(j, count) : 0;
}

static int open_reader(idem_compose_job *j, size_t n) {
    if (n > INT_MAX)
        return idem_cli_fail("%zu are too many pictures", n);
    j->reader = n ? idem_choice_reader(j->context, &j->s->choice, j->order, (int)n, j->model.size) : NULL;
    return j->reader || !n ? 0 : -1;
}

/* ---- all combinations ---- */

/* One network after the other: their weights in the kernels' layout take most of the memory. */
static int read_side(idem_compose_job *j, idem_sources *side, int code, const idem_files *files, bool grid,
                     const char *doing) {
    if (idem_files_check(files, files->n) || open_side(j, side, code, files->n))
        return -1;
    side->thumbs = grid ? IDEM_GRID_PIXELS : 0;
    idem_progress_start(doing, "pictures", (uint64_t)files->n, 0, j->quiet);
    int status = 0;
    for (int i = 0; i < files->n && !status; i++) {
        status = idem_sources_read(side, j->reader, files->paths[i], files->names[i], !files->folder);
        if (!status && (idem_waiting_faces(side->faces) >= j->s->batch || i == files->n - 1))
            status = idem_encode_faces(side->faces);
        idem_progress_update((uint64_t)i + 1, NULL);
    }
    idem_progress_clear();
    idem_sources_keep_good(side);
    if (!status)
        status = idem_free_networks(j->context, IDEM_FREE_PAINTING);
    if (!status)
        status = idem_files_check(files, side->n);
    return status;
}

static int list_all(idem_compose_job *j) {
    if (idem_combinations_clear(&j->made, (size_t)j->id.n * (size_t)j->attr.n))
        return -1;
    for (int i = 0; i < j->id.n; i++)
        for (int k = 0; k < j->attr.n; k++)
            if (idem_combinations_add(&j->made, i, k, j->id.at[i].name, j->attr.at[k].name))
                return -1;
    return idem_combinations_differ(&j->made);
}

static int run_combinations(idem_compose_job *j) {
    int n = j->id_files.n, k = j->attr_files.n;
    bool grid = j->s->folder && !j->s->no_grid;
    if (grid && (n > IDEM_GRID_MOST || k > IDEM_GRID_MOST)) {
        if (!j->shared->quiet)
            idem_cli_say("idem: no grid.png: it holds %d identities and %d attributes at most", IDEM_GRID_MOST,
                         IDEM_GRID_MOST);
        grid = false;
    }
    if (!(j->order = idem_cli_table((size_t)n + (size_t)k, sizeof *j->order)))
        return -1;
    memcpy(j->order, j->id_files.paths, (size_t)n * sizeof *j->order);
    memcpy(j->order + n, j->attr_files.paths, (size_t)k * sizeof *j->order);
    int pictures = n && k > INT_MAX / n ? INT_MAX : n * k;
    for (int i = 0; i < n; i++)
        for (int l = 0; l < k; l++)
            if (idem_combinations_check(&j->made, j->id_files.names[i], j->attr_files.names[l]))
                return -1;
    if (open_reader(j, (size_t)n + (size_t)k) ||
        read_side(j, &j->id, IDEM_CODE_OF_IDENTITY, &j->id_files, grid, "encoding identities") ||
        read_side(j, &j->attr, IDEM_CODE_OF_ATTRIBUTES, &j->attr_files, grid, "encoding attributes"))
        return -1;
    if (idem_free_networks(j->context, IDEM_FREE_FINDER) || open_batch(j, pictures) || list_all(j) ||
        (j->s->folder && idem_folder_make(j->s->output, NULL)) ||
        (grid && idem_compose_grid_open(&j->grid, j->id.n, j->attr.n, j->model.size)))
        return -1;
    idem_cli_mute(false);
    idem_progress_start("composing", "pictures", (uint64_t)j->made.n, 0, j->quiet);
    if (compose(j, smaller(pictures, j->s->batch), true, 0))
        return -1;
    idem_progress_update((uint64_t)j->made.n, NULL);
    idem_progress_finish();
    if (!grid || idem_compose_grid_gather(&j->grid, &j->shares))
        return grid ? -1 : 0;
    return j->shares.rank ? 0 : idem_compose_grid_save(&j->grid, j->context, j->s->output, &j->id, &j->attr);
}

/* ---- pairs ---- */

/* Partners of the identities' files in both lists, [n]; reports files without one. */
static int match(idem_compose_job *j, int *partner) {
    int n = 0;
    for (int i = 0; i < j->id_files.n; i++) {
        partner[i] = idem_files_find(&j->attr_files, j->id_files.names[i]);
        n += partner[i] >= 0;
        if (partner[i] < 0)
            idem_cli_say("idem: passed over: %s has no partner in %s", j->id_files.names[i], j->s->attributes);
    }
    for (int i = 0; i < j->attr_files.n; i++)
        if (idem_files_find(&j->id_files, j->attr_files.names[i]) < 0)
            idem_cli_say("idem: passed over: %s has no partner in %s", j->attr_files.names[i], j->s->identity);
    j->without_partner = j->id_files.n + j->attr_files.n - 2 * n;
    return n ? n
             : idem_cli_fail(
                   "%s and %s have no file names in common; --pairs needs the same name for both files of a pair",
                   j->s->identity, j->s->attributes);
}

/* Reads and makes pairs first .. first + count - 1, then frees them. */
static int run_block(idem_compose_job *j, const int (*pairs)[2], int first, int count, int batch) {
    idem_sources_clear(&j->id);
    idem_sources_clear(&j->attr);
    if (idem_combinations_clear(&j->made, (size_t)count))
        return -1;
    for (int side = 0; side < 2; side++) {
        idem_sources *to = side ? &j->attr : &j->id;
        const idem_files *files = side ? &j->attr_files : &j->id_files;
        for (int i = first; i < first + count; i++)
            if (idem_sources_read(to, j->reader, files->paths[pairs[i][side]], files->names[pairs[i][side]], false))
                return -1;
        if (idem_encode_faces(to->faces))
            return -1;
    }
    for (int i = 0; i < count; i++) {
        if (!j->id.at[i].n || !j->attr.at[i].n || !idem_combinations_fit(&j->made, j->id.at[i].name, NULL))
            j->incomplete++;
        else if (idem_combinations_add(&j->made, i, i, j->id.at[i].name, NULL))
            return -1;
    }
    return compose(j, batch, false, first);
}

static int run_matched(idem_compose_job *j, int (*pairs)[2], int n) {
    int batch = smaller(n, j->s->batch), read = 0;
    if (!(j->order = idem_cli_table(2 * (size_t)n, sizeof *j->order)))
        return -1;
    const int begin = batch * j->shares.rank, step = batch * j->shares.size;
    for (int first = begin; first < n; first += step)
        for (int side = 0; side < 2; side++)
            for (int i = first; i < smaller(first + batch, n); i++)
                j->order[read++] = side ? j->attr_files.paths[pairs[i][1]] : j->id_files.paths[pairs[i][0]];
    if (open_reader(j, (size_t)read) || open_side(j, &j->id, IDEM_CODE_OF_IDENTITY, n) ||
        open_side(j, &j->attr, IDEM_CODE_OF_ATTRIBUTES, n) || open_batch(j, n) || idem_folder_make(j->s->output, NULL))
        return -1;
    idem_progress_start("composing", "pairs", (uint64_t)n, 0, j->quiet);
    for (int first = begin; first < n; first += step) {
        if (run_block(j, (const int(*)[2])pairs, first, smaller(batch, n - first), batch))
            return -1;
        idem_progress_update((uint64_t)smaller(first - begin + step, n), NULL);
    }
    idem_progress_finish();
    return 0;
}

static int run_pairs(idem_compose_job *j) {
    int *partner = idem_cli_table((size_t)j->id_files.n, sizeof *partner), count = partner ? match(j, partner) : -1,
        n = 0;
    int(*pairs)[2] = count > 0 ? idem_cli_table((size_t)count, sizeof *pairs) : NULL;
    for (int i = 0; i < j->id_files.n && pairs; i++)
        if (partner[i] >= 0) {
            pairs[n][0] = i;
            pairs[n++][1] = partner[i];
        }
    int status = pairs ? 0 : -1;
    for (int i = 0; i < n && !status; i++)
        status = idem_combinations_check(&j->made, j->id_files.names[pairs[i][0]], NULL);
    idem_cli_mute(false);
    if (!status)
        status = run_matched(j, pairs, n);
    free(pairs);
    free(partner);
    return status;
}

/* ---- all ---- */

/* Every rank's counts become those of all. Of combinations every rank has read all sources. */
static int add_up(idem_compose_job *j) {
    const int mine[] = {j->written, j->faces, j->failed, j->id.bad, j->attr.bad};
    enum { COUNTS = sizeof mine / sizeof *mine };
    const size_t ranks = (size_t)j->shares.size;
    int(*all)[COUNTS] = idem_cli_table(ranks, sizeof *all), sum[COUNTS] = {0};
    double outside[2] = {j->id.outside_most, j->attr.outside_most}, (*most)[2] = idem_cli_table(ranks, sizeof *most);
    int status =
        all && most && !idem_ranks_gather(mine, sizeof mine, all) && !idem_ranks_gather(outside, sizeof outside, most)
            ? 0
            : -1;
    for (size_t r = 0; r < ranks && !status; r++) {
        for (int i = 0; i < COUNTS; i++)
            sum[i] += all[r][i];
        j->id.outside_most = fmax(j->id.outside_most, most[r][0]);
        j->attr.outside_most = fmax(j->attr.outside_most, most[r][1]);
    }
    free(all);
    free(most);
    if (status)
        return -1;
    j->written = sum[0];
    j->faces = sum[1];
    j->failed = sum[2];
    if (j->s->pairs) {
        j->id.bad = sum[3];
        j->attr.bad = sum[4];
    }
    return 0;
}

int idem_compose_job_run(idem_compose_job *j) {
    if (idem_combinations_open(&j->made, j->s->output, j->s->folder, j->s->pairs))
        return -1;
    idem_cli_mute(j->shares.rank);
    int status = (j->s->pairs ? run_pairs(j) : run_combinations(j)) || add_up(j) ? -1 : 0;
    j->ended = !status;
    if (status)
        idem_progress_clear();
    return status;
}

void idem_compose_job_free(idem_compose_job *j) {
    idem_combinations_free(&j->made);
    idem_compose_grid_free(&j->grid);
    free(j->tasks);
    free(j->pairs);
    free(j->rgb);
    idem_sources_free(&j->attr);
    idem_sources_free(&j->id);
    idem_close_reader(j->reader);
    free(j->order);
    idem_free_file_list(j->list);
    idem_cli_close(j->context);
}
