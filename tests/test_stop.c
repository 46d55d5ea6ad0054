/* Signals that end the program: their handler's stack, and what it sets. */
#define _GNU_SOURCE /* sigaltstack */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/stop.h"

static int cancelled;
static uintptr_t stack_of_handler;

static void cancel(void) {
    char here;
    cancelled++;
    stack_of_handler = (uintptr_t)&here;
}

/* Not on the stack that is in use: kernels point elsewhere with the stack pointer. */
static void the_handler_has_its_own_stack(void **state) {
    (void)state;
    char here;
    stack_t stack;
    idem_cli_catch_signals(cancel);
    assert_int_equal(sigaltstack(NULL, &stack), 0);
    assert_false(stack.ss_flags & SS_DISABLE);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(idem_cli_stop, SIGTERM);
    assert_int_equal(cancelled, 1);
    const uintptr_t at = stack_of_handler, from = (uintptr_t)stack.ss_sp;
    assert_true(at >= from && at < from + stack.ss_size);
    assert_false((uintptr_t)&here >= from && (uintptr_t)&here < from + stack.ss_size);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        struct sigaction now;
        assert_int_equal(sigaction(numbers[i], NULL, &now), 0);
        assert_true(now.sa_handler == SIG_IGN || (now.sa_flags & SA_ONSTACK));
    }
    /* A Ctrl-C at once after another signal is the same wish. */
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(idem_cli_stop, SIGTERM);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_handler_has_its_own_stack)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
