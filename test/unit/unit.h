/* SPDX-License-Identifier: MIT */
/* unit.h: one CUnit suite, run as one program.
 *
 * CUnit's own exit status hides failed asserts and empty suites; unit_run() does not.
 */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <CUnit/CUnit.h>
#include <stdbool.h>

struct unit_test {
    const char *name; /* a sentence: what holds */
    void (*run)(void);
};

/* Run tests[0..n-1] as one suite; returns the status for exit(): 0 only if at least one
 * test ran and every assert held. */
int unit_run(const char *suite, const struct unit_test *tests, unsigned n);

#define UNIT_TEST(f) { #f, f }
#define UNIT_RUN(suite, tests) unit_run((suite), (tests), sizeof(tests) / sizeof((tests)[0]))

#endif
