/* SPDX-License-Identifier: MIT */
/* test_command.c: from command= to what is executed, and the sentences of what cannot be. */
#include "supervisor/workers/command.h"

#include "by_hand.h"
#include "tmp_dir.h"
#include "unit.h"

#include <fcntl.h>

static char text[512];
static struct command command;

static enum command_error resolve(const char *line, const char *path)
{
    struct env_var var = { (char[]){ "PATH" }, NULL };
    struct process_config config = { 0 };
    char line_copy[256], path_copy[256];
    (void)snprintf(line_copy, sizeof(line_copy), "%s", line);
    (void)snprintf(path_copy, sizeof(path_copy), "%s", path ? path : "");
    config.command = line_copy;
    if (path) {
        var.value = path_copy;
        config.environment = (struct env_list){ &var, 1 };
    }
    text[0] = '\0';
    return command_resolve(&config, &command, text, sizeof(text));
}

static void a_word_with_a_slash_is_taken_as_it_is(void)
{
    CU_ASSERT_EQUAL_FATAL(resolve("/bin/echo \"b c\" 'd e' f\\ g", NULL), COMMAND_OK);
    CU_ASSERT_STRING_EQUAL(command.path, "/bin/echo");
    CU_ASSERT_STRING_EQUAL(command.argv[0], "/bin/echo");
    CU_ASSERT_STRING_EQUAL(command.argv[1], "b c");
    CU_ASSERT_STRING_EQUAL(command.argv[2], "d e");
    CU_ASSERT_STRING_EQUAL(command.argv[3], "f g");
    CU_ASSERT_PTR_NULL(command.argv[4]);
    command_free(&command);
}

static void a_bare_word_is_looked_up_in_the_programs_own_PATH(void)
{
    CU_ASSERT_EQUAL_FATAL(resolve("sh -c x", "/nosuch:/bin"), COMMAND_OK);
    CU_ASSERT_STRING_EQUAL(command.path, "/bin/sh");
    CU_ASSERT_STRING_EQUAL(command.argv[0], "sh");
    command_free(&command);
    CU_ASSERT_EQUAL(resolve("sh", "/nosuch"), COMMAND_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(text, "can't find command 'sh'");
}

static void what_cannot_be_run_is_said_in_the_references_words(void)
{
    CU_ASSERT_EQUAL(resolve("/no/such/file", NULL), COMMAND_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(text, "can't find command '/no/such/file'");
    CU_ASSERT_EQUAL(resolve("/tmp", NULL), COMMAND_NOT_EXECUTABLE);
    CU_ASSERT_STRING_EQUAL(text, "command at '/tmp' is a directory");
    CU_ASSERT_EQUAL(resolve("/etc/passwd", NULL), COMMAND_NOT_EXECUTABLE);
    CU_ASSERT_STRING_EQUAL(text, "command at '/etc/passwd' is not executable");
    CU_ASSERT_EQUAL(resolve("/bin/echo \"abc", NULL), COMMAND_NOT_EXECUTABLE);
    CU_ASSERT_STRING_EQUAL(text, "can't parse command '/bin/echo \"abc': No closing quotation");
    CU_ASSERT_EQUAL(resolve("a x\\", NULL), COMMAND_NOT_EXECUTABLE);
    CU_ASSERT_STRING_EQUAL(text, "can't parse command 'a x\\\\': No escaped character");
    CU_ASSERT_EQUAL(resolve(" \t", NULL), COMMAND_NOT_EXECUTABLE);
    CU_ASSERT_STRING_EQUAL(text, "command is empty");
}

static void the_first_that_exists_wins_even_if_it_cannot_be_run(void)
{
    char path[256], expected[400];
    tmp_dir_make();
    int fd = open(tmp_path("sh"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    CU_ASSERT_TRUE(fd >= 0);
    (void)close(fd);
    (void)snprintf(path, sizeof(path), "%s:/bin", tmp_dir);
    (void)snprintf(expected, sizeof(expected), "command at '%s/sh' is not executable", tmp_dir);
    CU_ASSERT_EQUAL(resolve("sh", path), COMMAND_NOT_EXECUTABLE);
    CU_ASSERT_STRING_EQUAL(text, expected);
    tmp_dir_remove();
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_word_with_a_slash_is_taken_as_it_is),
        UNIT_TEST(a_bare_word_is_looked_up_in_the_programs_own_PATH),
        UNIT_TEST(what_cannot_be_run_is_said_in_the_references_words),
        UNIT_TEST(the_first_that_exists_wins_even_if_it_cannot_be_run),
    };
    return UNIT_RUN("command", tests);
}
