/* Anonymising many files, photographs and clips: reads, anonymises and writes one after another in constant memory,
 * continues an interrupted run, and reports. With several ranks each has a file at a time. */
#ifndef IDEM_COMPOSE_ANONYMISE_RUN_H
#define IDEM_COMPOSE_ANONYMISE_RUN_H

#include <jansson.h>

#include "compose/anonymise.h"

typedef struct {
    char *const *inputs; /* files and folders */
    int n_inputs;
    const char *output; /* folder */
    idem_anonymise_options options;
    bool strict;            /* a picture with a face that could not be made a stranger's is not written */
    bool rename;            /* results are numbered */
    const char *exempt;     /* folder of pictures of persons to be left alone; NULL: none */
    const char *project;    /* project file (project.h): made if it is not there; NULL: none */
    const void *passphrase; /* of the project */
    size_t passphrase_size;
    const char *boxes;         /* what was said by hand (hand_boxes.h); NULL: nothing */
    const char *boxes_out;     /* where to write what was found, to be edited; NULL: nowhere */
    const uint64_t *test_seed; /* for tests: the secret follows from it; NULL: from the system */
    int quality;               /* of clips (video_write.h) */
    bool no_audio;             /* clips go without sound */
    void (*clip_progress)(void *user, const char *clip, int pass, int64_t done, int64_t of); /* NULL: nobody is told */
    void *user;
    idem_rank_table ranks; /* each takes a share of the photographs; rank 0 takes the clips, and writes state, project
                              and report */
} idem_anonymise_run_options;

/* report: {"pictures": [...], "clips": [...], "summary": {...}, "look_first": [...]}, for the caller to release; also
 * written into the output folder as anonymise-report.json and, to be read, .html. Files that cannot be read are named
 * in the log, passed over and counted in the summary; a run that ends early leaves a state file in the output folder,
 * readable by its owner alone, that the next run goes on from, and that is removed at the end. The studio tells how
 * many files are done. -1 with a message, on all ranks.
 *
 * All ranks call it with the same options, but for the passphrase, which only rank 0 needs; the run's secret, persons
 * and surrogates are given to all. Results and report are those of one process. */
int idem_anonymise_run(idem_studio *s, const idem_anonymise_run_options *o, json_t **report);

#endif
