/* Replaces every face of a photograph by that of a person who does not exist.
 *
 *     cc anonymise.c $(pkg-config --cflags --libs idem) -o anonymise
 *     ./anonymise GENERATOR MAPPER PHOTOGRAPH.jpg OUT-FOLDER
 *
 * The file is written again in its own format: all blocks of a JPEG that no face touches keep their coefficients. The
 * networks that find and recognise faces are looked for in $IDEM_MODELS, else in idem's own folder. */
#include <idem.h>

#include <stdio.h>

static int anonymise(idem_context *context, const char *photograph, const char *folder) {
    idem_anonymising how;
    idem_anonymising_default(&how);
    idem_anonymise_job job;
    idem_anonymise_job_default(&job);
    job.inputs = &photograph;
    job.n_inputs = 1;
    job.output = folder;
    unsigned char *report;
    if (idem_anonymise_files(context, &how, &job, &report))
        return -1;
    puts((const char *)report);
    idem_free_bytes(report);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: %s GENERATOR MAPPER PHOTOGRAPH FOLDER\n", argv[0]);
        return 2;
    }
    idem_options options;
    idem_options_default(&options);
    options.generator = argv[1];
    options.mapper = argv[2];
    options.batch = 1;
    options.pose = 1; /* to recognise faces in profile */
    idem_context *context = idem_open(&options);
    const int status = context ? anonymise(context, argv[3], argv[4]) : -1;
    if (status)
        fprintf(stderr, "%s\n", idem_last_error());
    idem_close(context);
    return status ? 1 : 0;
}
