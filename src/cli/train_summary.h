/* idem train --recipe summary, which has other options. */
#ifndef IDEM_CLI_TRAIN_SUMMARY_H
#define IDEM_CLI_TRAIN_SUMMARY_H

int idem_cmd_train_summary(int argc, char **argv); /* the exit code */

#endif
