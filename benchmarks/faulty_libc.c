/* A C library in which files are slow or fail and the clock jumps, to be put before the real one:

       gcc -shared -fPIC -O2 -o faulty_libc.so faulty_libc.c -ldl
       LD_PRELOAD=./faulty_libc.so FAULTY_FOLDER=/runs/one FAULTY_DELAY=20 FAULTY_ONE_IN=40 FAULTY_CLOCK=1 python ...

   FAULTY_FOLDER   writes below it are touched, and no others
   FAULTY_DELAY    each takes up to twice so many milliseconds longer
   FAULTY_ONE_IN   one in so many fails: no space, an error of the device, a read-only file system, a quota
   FAULTY_CLOCK    the wall clock jumps by up to two days, to and fro
   FAULTY_SEED     of all that, mixed with the process's id */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int ERRORS[] = {ENOSPC, EIO, EROFS, EDQUOT};
static __thread unsigned state;

static unsigned drawn(unsigned below) {
    if (!state) {
        const char *seed = getenv("FAULTY_SEED");
        state = (seed ? (unsigned)atoi(seed) : 0) * 2654435761u + (unsigned)getpid();
    }
    return below ? (unsigned)rand_r(&state) % below : 0;
}

static int number(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

static int inside(const char *path) {
    const char *folder = getenv("FAULTY_FOLDER");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int of_folder(int descriptor) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return inside(path);
}

/* Waits as asked; whether the call is to fail, with errno set. */
static int fails(int concerned) {
    if (!concerned)
        return 0;
    int delay = number("FAULTY_DELAY"), one_in = number("FAULTY_ONE_IN");
    if (delay)
        usleep(drawn(2000u * (unsigned)delay));
    if (one_in && drawn((unsigned)one_in) == 0) {
        errno = ERRORS[drawn(4)];
        return 1;
    }
    return 0;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

int fsync(int descriptor) { return fails(of_folder(descriptor)) ? -1 : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return fails(of_folder(descriptor)) ? -1 : REAL(fdatasync)(descriptor); }
int rename(const char *from, const char *to) { return fails(inside(to)) ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return fails(inside(path)) ? -1 : REAL(unlink)(path); }

ssize_t write(int descriptor, const void *content, size_t length) {
    if (fails(of_folder(descriptor))) {
        if (length > 1 && drawn(2)) /* a part of it got there */
            return REAL(write)(descriptor, content, length / 2);
        return -1;
    }
    return REAL(write)(descriptor, content, length);
}

static time_t jump(void) {
    static __thread time_t offset;
    if (number("FAULTY_CLOCK") && drawn(4) == 0)
        offset = (time_t)drawn(345600) - 172800;
    return offset;
}

int clock_gettime(clockid_t clock, struct timespec *found) {
    int code = REAL(clock_gettime)(clock, found);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        found->tv_sec += jump();
    return code;
}

int gettimeofday(struct timeval *restrict found, void *restrict zone) {
    int code = REAL(gettimeofday)(found, zone);
    found->tv_sec += jump();
    return code;
}

time_t time(time_t *place) {
    time_t now = REAL(time)(NULL) + jump();
    if (place)
        *place = now;
    return now;
}
