/* The frame of the command line: `idem COMMAND ...`. A command is one file cmd_NAME.c with `int idem_cmd_NAME(int argc,
 * char **argv)` and one row below. argv[0] is "idem NAME". It returns an exit code: 0 ok, 1 failed, 2 wrong usage, 130
 * interrupted. */
#ifndef IDEM_CLI_COMMAND_H
#define IDEM_CLI_COMMAND_H

#include "cli/stop.h"

/* symbol, typed name, group of the help, one line of help. Groups appear in the order of their first row. */
#define IDEM_COMMANDS(ROW)                                                                                             \
    ROW(compose, "compose", "Use", "one face's identity with another's pose, expression, hair, light, background")     \
    ROW(anonymise, "anonymise", "Use", "replace every face of photographs and clips, keep everything else")            \
    ROW(interpolate, "interpolate", "Use",                                                                             \
        "interpolate from one identity to another, or from one picture's attributes to another's")                     \
    ROW(video, "video", "Use", "give the faces of a clip another identity, keep everything else")                      \
    ROW(align, "align", "Use", "find the faces of photographs and cut them out in a generator's frame")                \
    ROW(encode, "encode", "Use", "write the codes of faces: biometric data, written only by this command")             \
    ROW(verify, "verify", "Use", "whether two photographs show one person; accuracy on a list of pairs")               \
    ROW(serve, "serve", "Use", "a page in the browser, only on this machine, and its JSON interface")                  \
    ROW(sample, "sample", "Train and measure", "sample pictures and their codes from a generator")                     \
    ROW(train, "train", "Train and measure", "train the mapper of a frozen generator")                                 \
    ROW(train_generator, "train-generator", "Train and measure", "train a generator on a folder of pictures")          \
    ROW(evaluate, "evaluate", "Train and measure",                                                                     \
        "measure how much identity is kept, how much leaks, how well the rest follows")                                \
    ROW(report, "report", "Train and measure", "the paper's tables: all figures with their spread, beside baselines")  \
    ROW(evaluate_generator, "evaluate-generator", "Train and measure",                                                 \
        "whether a generator makes many people, and new ones")                                                         \
    ROW(distance, "distance", "Train and measure", "the Frechet distance of two sets of pictures or generators")       \
    ROW(measure_anonymity, "measure-anonymity", "Train and measure",                                                   \
        "whether people can be recognised in anonymised pictures, and what was kept")                                  \
    ROW(measure_video, "measure-video", "Train and measure", "compare a clip with its result")                         \
    ROW(model, "model", "Look", "list, fetch, inspect and convert models")                                             \
    ROW(doctor, "doctor", "Look", "report on this machine: processor, memory, kernels, models")

#define IDEM_COMMAND_PROTOTYPE(symbol, name, group, summary) int idem_cmd_##symbol(int argc, char **argv);
IDEM_COMMANDS(IDEM_COMMAND_PROTOTYPE)
#undef IDEM_COMMAND_PROTOTYPE

/* Runs the command argv[0] ("compose") with its arguments; its exit code. */
int idem_cli_run(int argc, char **argv);

/* The summary of "idem NAME ..." from the rows above. */
const char *idem_cli_summary(const char *command);

/* After a library call failed: prints "idem: " and its message on stderr; the exit code to return (130 if interrupted).
 */
int idem_cli_failed(void);

#endif
