/* Makes each fsync and fdatasync 2 ms slower, as on a disk that is reached over a network, and
 * counts them in the file that SLOW_FSYNC_COUNT names. For LD_PRELOAD, Linux only. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long *syncs;

__attribute__((constructor)) static void map_count(void)
{
    const char *path = getenv("SLOW_FSYNC_COUNT");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    if (ftruncate(fd, sizeof *syncs) == 0) {
        void *at = mmap(NULL, sizeof *syncs, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        syncs = at == MAP_FAILED ? NULL : at;
    }
    close(fd);
}

static int slowed(long call, int fd)
{
    struct timespec left = {0, 2000000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
    if (syncs)
        __atomic_add_fetch(syncs, 1, __ATOMIC_RELAXED);
    return (int)syscall(call, fd);
}

int fsync(int fd)
{
    return slowed(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return slowed(SYS_fdatasync, fd);
}
