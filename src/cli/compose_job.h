/* The work of idem compose: reads both sides, makes the pictures of this rank's share and writes them. */
#ifndef IDEM_CLI_COMPOSE_JOB_H
#define IDEM_CLI_COMPOSE_JOB_H

#include "cli/combinations.h"
#include "cli/compose_grid.h"
#include "cli/files.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/shares.h"
#include "cli/sources.h"

typedef struct {
    idem_model_files files;
    const char *identity, *attributes, *output;
    bool pairs, no_grid, folder, keep_size;
    int batch, refine;
    idem_choice choice;
} idem_compose_settings;

/* A face of a picture to make. */
typedef struct {
    idem_combination *to;
    int face; /* of the attribute picture */
} idem_compose_task;

typedef struct {
    idem_compose_settings *s;
    const idem_shared *shared;
    idem_shares shares;
    bool quiet; /* no progress: also of a single picture, and of ranks above 0 */
    idem_context *context;
    idem_info model;
    idem_file_list *list;
    idem_files id_files, attr_files;
    const char **order; /* paths in the order of reading, borrowed */
    idem_reader *reader;
    idem_sources id, attr;
    int without_partner, incomplete, faces, failed;
    idem_combinations made;
    int written;
    bool ended;               /* all were read */
    idem_compose_task *tasks; /* this and the next two: [batch] */
    idem_pairing *pairs;
    uint8_t *rgb;           /* [batch, S, S, 3] */
    idem_compose_grid grid; /* .at NULL: none */
} idem_compose_job;

/* The context is open, the files are listed and the ranks joined. Counts are then those of all ranks. */
int idem_compose_job_run(idem_compose_job *j);
void idem_compose_job_free(idem_compose_job *j);

#endif
