/* SPDX-License-Identifier: MIT */
/* test_fcgi_socket.c: one listening socket for a group, held as long as one process lives. */
#include "supervisor/core/log.h"
#include "supervisor/workers/fcgi_socket.h"
#include "tmp_dir.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static char url[160];
static char path[128];
static char host[] = "127.0.0.1";

static struct fcgi_config unix_config(const char *name)
{
    (void)snprintf(path, sizeof(path), "%s", tmp_path(name));
    (void)snprintf(url, sizeof(url), "unix://%s", path);
    return (struct fcgi_config){
        .url = url, .path = path, .owner_uid = (uid_t)-1, .owner_gid = (gid_t)-1, .mode = 0700
    };
}

static int connect_to(const char *name)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%.100s", name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
    (void)close(fd);
    return error;
}

static void the_socket_lives_from_first_to_last_process(void)
{
    struct fcgi_config config = unix_config("life");
    struct fcgi_socket *s = NULL;
    CU_ASSERT_EQUAL(fcgi_socket_new(&config, &s), 0);
    CU_ASSERT_EQUAL(tmp_size(path), -1); /* nothing yet */
    char text[256];
    int one = -1;
    int two = -1;
    CU_ASSERT_EQUAL(fcgi_socket_acquire(s, &one, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(fcgi_socket_acquire(s, &two, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(one, two);
    CU_ASSERT_EQUAL(fcntl(one, F_GETFD), FD_CLOEXEC);
    fcgi_socket_release(s);
    CU_ASSERT_EQUAL(connect_to(path), 0);
    fcgi_socket_release(s);
    CU_ASSERT_EQUAL(connect_to(path), -ECONNREFUSED); /* closed, the name stays */
    CU_ASSERT_EQUAL(fcgi_socket_acquire(s, &one, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(connect_to(path), 0);
    fcgi_socket_release(s);
    fcgi_socket_free(s);
    CU_ASSERT(tmp_has(tmp_path("daemon"), "INFO Creating socket unix:///"));
    CU_ASSERT(tmp_has(tmp_path("daemon"), "INFO Closing socket unix:///"));
}

static void the_mode_is_set_whatever_the_umask(void)
{
    struct fcgi_config config = unix_config("mode");
    config.mode = 0766;
    struct fcgi_socket *s = NULL;
    CU_ASSERT_EQUAL(fcgi_socket_new(&config, &s), 0);
    char text[256];
    int fd;
    CU_ASSERT_EQUAL(fcgi_socket_acquire(s, &fd, text, sizeof(text)), 0);
    struct stat st;
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0766);
    fcgi_socket_release(s);
    fcgi_socket_free(s);
}

static void somebody_elses_socket_is_not_taken(void)
{
    struct fcgi_config config = unix_config("taken");
    struct fcgi_socket *owner = NULL;
    struct fcgi_socket *thief = NULL;
    CU_ASSERT_EQUAL(fcgi_socket_new(&config, &owner), 0);
    CU_ASSERT_EQUAL(fcgi_socket_new(&config, &thief), 0);
    char text[256];
    int fd;
    CU_ASSERT_EQUAL(fcgi_socket_acquire(owner, &fd, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(fcgi_socket_acquire(thief, &fd, text, sizeof(text)), -EADDRINUSE);
    CU_ASSERT_EQUAL(strncmp(text, "Could not create FastCGI socket unix://", 39), 0);
    CU_ASSERT_EQUAL(connect_to(path), 0); /* still the owner's */
    fcgi_socket_release(owner);
    fcgi_socket_free(owner);
    CU_ASSERT_EQUAL(fcgi_socket_test(thief, text, sizeof(text)), 0); /* stale now */
    fcgi_socket_free(thief);
}

static void a_file_in_the_way_stays(void)
{
    struct fcgi_config config = unix_config("file");
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    struct fcgi_socket *s = NULL;
    CU_ASSERT_EQUAL(fcgi_socket_new(&config, &s), 0);
    char text[256];
    CU_ASSERT_EQUAL(fcgi_socket_test(s, text, sizeof(text)), -EEXIST);
    CU_ASSERT_EQUAL(tmp_size(path), 0);
    fcgi_socket_free(s);
}

static void a_directory_that_is_missing_is_an_error_and_no_more(void)
{
    struct fcgi_config config = unix_config("no/such");
    struct fcgi_socket *s = NULL;
    CU_ASSERT_EQUAL(fcgi_socket_new(&config, &s), 0);
    char text[256];
    int fd = -1;
    CU_ASSERT_EQUAL(fcgi_socket_acquire(s, &fd, text, sizeof(text)), -ENOENT);
    CU_ASSERT_EQUAL(fd, -1);
    CU_ASSERT(strstr(text, ": No such file or directory") != NULL);
    fcgi_socket_free(s);
}

static void tcp_sockets_listen_where_they_were_told(void)
{
    char tcp_url[] = "tcp://127.0.0.1:0";
    struct fcgi_config config = { .url = tcp_url, .host = host, .port = 0 };
    struct fcgi_socket *s = NULL;
    CU_ASSERT_EQUAL(fcgi_socket_new(&config, &s), 0);
    char text[256];
    int fd = -1;
    CU_ASSERT_EQUAL(fcgi_socket_acquire(s, &fd, text, sizeof(text)), 0);
    struct sockaddr_in addr;
    socklen_t len = sizeof(addr);
    CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    CU_ASSERT_EQUAL(addr.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    int on = 0;
    len = sizeof(on);
    CU_ASSERT(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on);

    struct fcgi_config same = { .url = tcp_url, .host = host, .port = ntohs(addr.sin_port) };
    struct fcgi_socket *other = NULL;
    CU_ASSERT_EQUAL(fcgi_socket_new(&same, &other), 0);
    CU_ASSERT_EQUAL(fcgi_socket_test(other, text, sizeof(text)), -EADDRINUSE);
    CU_ASSERT_STRING_EQUAL(
        text, "Could not create FastCGI socket tcp://127.0.0.1:0: Address already in use");
    fcgi_socket_release(s);
    fcgi_socket_free(s);
    fcgi_socket_free(other);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(the_socket_lives_from_first_to_last_process),
        UNIT_TEST(the_mode_is_set_whatever_the_umask),
        UNIT_TEST(somebody_elses_socket_is_not_taken),
        UNIT_TEST(a_file_in_the_way_stays),
        UNIT_TEST(a_directory_that_is_missing_is_an_error_and_no_more),
        UNIT_TEST(tcp_sockets_listen_where_they_were_told),
    };
    tmp_dir_make();
    struct log_config log = { .path = tmp_path("daemon"), .level = LOG_LEVEL_INFO };
    int status = log_open(&log) == 0 ? UNIT_RUN("fcgi_socket", tests) : 2;
    tmp_dir_remove();
    return status;
}
