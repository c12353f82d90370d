/* SPDX-License-Identifier: MIT */
/* unit.c: runs one CUnit suite and reports honestly. */
#include "unit.h"

#include <CUnit/Basic.h>
#include <stdio.h>

int unit_run(const char *name, const struct unit_test *tests, unsigned n)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (unsigned i = 0; suite && i < n; i++) {
        if (!CU_add_test(suite, tests[i].name, tests[i].run))
            suite = NULL;
    }
    if (!suite) {
        fprintf(stderr, "%s: %s\n", name, CU_get_error_msg());
        return 2;
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_ErrorCode rc = CU_basic_run_tests();
    bool ok = rc == CUE_SUCCESS && CU_get_number_of_tests_run() == n && n > 0 &&
              CU_get_number_of_failures() == 0;
    CU_cleanup_registry();
    return ok ? 0 : 1;
}
