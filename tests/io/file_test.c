/* file_test.c - whole files in and out: what is refused, what stays when saving fails, and that no scraps are left. */
#define _XOPEN_SOURCE 700 /* mkdtemp, setrlimit, the directory calls */

#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "io/file.h"

static char directory[] = "/tmp/aenc_file_test_XXXXXX";

/* A path inside the directory, in buffer. */
static const char *inside(char buffer[512], const char *name) {
    snprintf(buffer, 512, "%s/%s", directory, name);
    return buffer;
}

static int count_files(void) {
    DIR *open = opendir(directory);
    int count = 0;
    for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

static void check_content(aenc_context *ctx, const char *path, const void *want, size_t want_size) {
    void *bytes;
    size_t size;
    CHECK_STATUS(ctx, aenc_file_read(ctx, path, 0, &bytes, &size), AENC_OK);
    CHECK(size == want_size && bytes != NULL && (size == 0 || memcmp(bytes, want, size) == 0));
    aenc_release(ctx, bytes);
}

static void check_round_trip(aenc_context *ctx) {
    char path[512];
    const size_t large = 3000000;
    unsigned char *bytes = malloc(large);
    for (size_t i = 0; i < large; i++) bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    inside(path, "a");
    CHECK_STATUS(ctx, aenc_file_save(ctx, path, bytes, large), AENC_OK);
    check_content(ctx, path, bytes, large);
    CHECK_STATUS(ctx, aenc_file_save(ctx, path, "abc", 3), AENC_OK);
    check_content(ctx, path, "abc", 3);
    CHECK_STATUS(ctx, aenc_file_save(ctx, path, NULL, 0), AENC_OK);
    check_content(ctx, path, "", 0);
    CHECK(count_files() == 1);
    CHECK(chdir(directory) == 0);
    CHECK_STATUS(ctx, aenc_file_save(ctx, "b", "b", 1), AENC_OK);
    check_content(ctx, "./b", "b", 1);
    CHECK(unlink("b") == 0 && count_files() == 1);
    free(bytes);
}

static void check_limit(aenc_context *ctx) {
    char path[512];
    void *bytes;
    size_t size;
    CHECK_STATUS(ctx, aenc_file_save(ctx, inside(path, "a"), "12345", 5), AENC_OK);
    CHECK_STATUS(ctx, aenc_file_read(ctx, path, 5, &bytes, &size), AENC_OK);
    aenc_release(ctx, bytes);
    CHECK_STATUS(ctx, aenc_file_read(ctx, path, 4, &bytes, &size), AENC_ERR_IO);
    CHECK(bytes == NULL && strstr(aenc_message(ctx), "5 bytes; at most 4") != NULL);
    CHECK(strstr(aenc_message(ctx), path) != NULL);
}

static void check_permissions(aenc_context *ctx) {
    char path[512];
    struct stat facts;
    mode_t mask = umask(027);
    CHECK_STATUS(ctx, aenc_file_save(ctx, inside(path, "p"), "1", 1), AENC_OK);
    CHECK(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0640);
    CHECK(chmod(path, 0604) == 0);
    CHECK_STATUS(ctx, aenc_file_save(ctx, path, "2", 1), AENC_OK);
    CHECK(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0604);
    umask(mask);
    unlink(path);
}

static void check_failure(aenc_context *ctx, aenc_status got, const char *path, const char *words) {
    CHECK_STATUS(ctx, got, AENC_ERR_IO);
    if (!CHECK(strstr(aenc_message(ctx), path) != NULL && strstr(aenc_message(ctx), words) != NULL))
        fprintf(stderr, "  %s\n", aenc_message(ctx));
}

static void check_refused(aenc_context *ctx) {
    char path[512];
    void *bytes = &path;
    size_t size;
    check_failure(ctx, aenc_file_read(ctx, inside(path, "none"), 0, &bytes, &size), path, "No such file");
    CHECK(bytes == NULL && size == 0);
    check_failure(ctx, aenc_file_read(ctx, directory, 0, &bytes, &size), directory, "not a regular file");
    check_failure(ctx, aenc_file_read(ctx, "/dev/null", 0, &bytes, &size), "/dev/null", "not a regular file");
    check_failure(ctx, aenc_file_read(ctx, "", 0, &bytes, &size), "''", "No such file");
    CHECK_STATUS(ctx, aenc_file_read(ctx, NULL, 0, &bytes, &size), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_file_save(ctx, NULL, "", 0), AENC_ERR_ARGUMENT);
    inside(path, "pipe");
    CHECK(mkfifo(path, 0600) == 0);
    check_failure(ctx, aenc_file_read(ctx, path, 0, &bytes, &size), path, "not a regular file");
    check_failure(ctx, aenc_file_save(ctx, path, "x", 1), path, "not a regular file");
    unlink(path);
    check_failure(ctx, aenc_file_save(ctx, inside(path, "none/x"), "x", 1), path, "No such file");
    check_failure(ctx, aenc_file_save(ctx, directory, "x", 1), directory, "not a regular file");
    /* through a link of ours, so that a library that got this wrong replaces the link and not the machine's device */
    CHECK(symlink("/dev/null", inside(path, "device")) == 0);
    check_failure(ctx, aenc_file_save(ctx, path, "x", 1), path, "not a regular file");
    unlink(path);
    check_failure(ctx, aenc_file_save(ctx, "", "x", 1), "''", "");
    char name[400];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    check_failure(ctx, aenc_file_save(ctx, inside(path, name), "x", 1), "nnn", "name too long");
    CHECK(count_files() == 1);
}

/* The file may not grow beyond 4096 bytes: the first write is short, the second fails. The old file stays. */
static void check_full(aenc_context *ctx) {
    char path[512];
    static char bytes[10000];
    struct rlimit was, small;
    CHECK_STATUS(ctx, aenc_file_save(ctx, inside(path, "a"), "old", 3), AENC_OK);
    CHECK(getrlimit(RLIMIT_FSIZE, &was) == 0);
    signal(SIGXFSZ, SIG_IGN);
    small = was;
    small.rlim_cur = 4096;
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    aenc_status status = aenc_file_save(ctx, path, bytes, sizeof bytes);
    CHECK(setrlimit(RLIMIT_FSIZE, &was) == 0);
    check_failure(ctx, status, path, "cannot write");
    check_content(ctx, path, "old", 3);
    CHECK(count_files() == 1);
}

/* A scrap of the same name, left by a process that was killed, is stepped over. */
static void check_scrap(aenc_context *ctx) {
    char path[512], scrap[600];
    inside(path, "a");
    snprintf(scrap, sizeof scrap, "%s.%ld-0.tmp", path, (long)getpid());
    CHECK_STATUS(ctx, aenc_file_save(ctx, scrap, "scrap", 5), AENC_OK);
    CHECK_STATUS(ctx, aenc_file_save(ctx, path, "new", 3), AENC_OK);
    check_content(ctx, path, "new", 3);
    check_content(ctx, scrap, "scrap", 5);
    CHECK(unlink(scrap) == 0 && count_files() == 1);
}

/* A process that is the first of its container has the same number every time, and finds what the ones before it left. */
static void check_scraps(aenc_context *ctx) {
    enum { SCRAPS = 150 };
    char path[512], scrap[600];
    inside(path, "many");
    for (int n = 0; n < SCRAPS; n++) {
        snprintf(scrap, sizeof scrap, "%s.%ld-%d.tmp", path, (long)getpid(), n);
        FILE *file = fopen(scrap, "wb");
        CHECK(file != NULL && fclose(file) == 0);
    }
    CHECK_STATUS(ctx, aenc_file_save(ctx, path, "new", 3), AENC_OK);
    check_content(ctx, path, "new", 3);
    for (int n = 0; n < SCRAPS; n++) {
        snprintf(scrap, sizeof scrap, "%s.%ld-%d.tmp", path, (long)getpid(), n);
        CHECK(unlink(scrap) == 0);
    }
    CHECK(unlink(path) == 0);
}

static void check_link(aenc_context *ctx) {
    char path[512], link[512];
    CHECK_STATUS(ctx, aenc_file_save(ctx, inside(path, "a"), "old", 3), AENC_OK);
    CHECK(symlink(path, inside(link, "link")) == 0);
    CHECK_STATUS(ctx, aenc_file_save(ctx, link, "new", 3), AENC_OK);
    check_content(ctx, path, "old", 3);
    check_content(ctx, link, "new", 3);
    unlink(link);
}

/* Not as root, who may do everything. */
static int save_unreadable(aenc_context *ctx, const char *path) {
    if (geteuid() == 0 && seteuid(65534) != 0) return 0;
    aenc_status status = aenc_file_save(ctx, path, "new", 3);
    if (status != AENC_OK) fprintf(stderr, "  %s\n", aenc_message(ctx));
    return status == AENC_OK ? 0 : 1;
}

/* A folder of mode -wx cannot be opened and so not be synced; what is saved there is saved. */
static void check_unreadable(aenc_context *ctx) {
    char folder[512], path[512];
    int status = 1;
    CHECK(mkdir(inside(folder, "wx"), 0777) == 0 && chmod(folder, 0333) == 0 && chmod(directory, 0711) == 0);
    pid_t child = fork();
    if (child == 0) _exit(save_unreadable(ctx, inside(path, "wx/a")));
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(chmod(folder, 0700) == 0);
    check_content(ctx, inside(path, "wx/a"), "new", 3);
    CHECK(unlink(path) == 0 && rmdir(folder) == 0);
}

static aenc_status scenario(aenc_context *ctx) {
    char path[512];
    void *bytes;
    size_t size;
    aenc_status status = aenc_file_save(ctx, inside(path, "a"), "abc", 3);
    if (status != AENC_OK) return status;
    status = aenc_file_read(ctx, path, 0, &bytes, &size);
    CHECK((status == AENC_OK) == (bytes != NULL));
    aenc_release(ctx, bytes);
    return status;
}

int main(void) {
    struct faults faults;
    char path[512];
    aenc_context *ctx = faults_context(&faults);
    if (!CHECK(mkdtemp(directory) != NULL)) return check_finish();
    const long blocks = faults.blocks;
    check_round_trip(ctx);
    check_limit(ctx);
    check_permissions(ctx);
    check_refused(ctx);
    check_full(ctx);
    check_scrap(ctx);
    check_scraps(ctx);
    check_link(ctx);
    check_unreadable(ctx);
    CHECK(faults.blocks == blocks);
    aenc_context_free(ctx);
    faults_exhaust(scenario);
    unlink(inside(path, "a"));
    CHECK(count_files() == 0 && rmdir(directory) == 0);
    return check_finish();
}
