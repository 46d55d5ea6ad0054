/* The cases of test_ops: every operator of the table, by gradcheck.h. */
#ifndef IDEM_TESTS_SUPPORT_OPS_CASES_H
#define IDEM_TESTS_SUPPORT_OPS_CASES_H

#include "support/gradcheck.h"

extern const gc_case ops_cases[];
extern const int n_ops_cases;

#endif
