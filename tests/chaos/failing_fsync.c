// A library for LD_PRELOAD that lets a node's disk fail to flush, and its wall clock jump.
//
// CHAOS_DATA_DIR     flushes of files below this directory are watched
// CHAOS_FSYNC_FILE   while this file exists, they fail with EIO. If it has content, that is a path, and only files
//                    below that path fail
// CHAOS_CLOCK_FILE   8 bytes: how many nanoseconds the wall clock is ahead, as a native int64. The monotonic clock is
//                    never changed
//
// Each may be missing, and then has no effect.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t kNanosecondsPerSecond = 1000000000;
static const volatile int64_t* clock_offset_ns;

__attribute__((constructor)) static void map_clock_file(void) {
  const char* path = getenv("CHAOS_CLOCK_FILE");
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void* page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page != MAP_FAILED) clock_offset_ns = page;
}

// --- Flushing ---

static int is_below(const char* path, const char* directory) {
  size_t length = strlen(directory);
  return length > 0 && strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// Reads what the control file says. Returns 0 when there is none.
static int read_control(char* directory, size_t size) {
  const char* control = getenv("CHAOS_FSYNC_FILE");
  int file = control == NULL ? -1 : open(control, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, directory, size - 1);
  close(file);
  directory[length < 0 ? 0 : length] = '\0';
  directory[strcspn(directory, "\n")] = '\0';
  return 1;
}

static int must_fail(int file) {
  const char* data = getenv("CHAOS_DATA_DIR");
  char only[PATH_MAX], link[64], path[PATH_MAX];
  int saved = errno;
  int fails = 0;
  if (data != NULL && read_control(only, sizeof only)) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
      path[length] = '\0';
      fails = is_below(path, data) && (only[0] == '\0' || is_below(path, only));
    }
  }
  errno = saved;
  return fails;
}

static int flush_or_fail(int file, const char* name) {
  if (must_fail(file)) {
    errno = EIO;
    return -1;
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return real(file);
}

int fsync(int file) { return flush_or_fail(file, "fsync"); }
int fdatasync(int file) { return flush_or_fail(file, "fdatasync"); }

// --- The wall clock ---

int clock_gettime(clockid_t clock, struct timespec* now) {
  static int (*real)(clockid_t, struct timespec*);
  if (real == NULL) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  if (result != 0 || clock_offset_ns == NULL) return result;
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return result;
  int64_t total = (int64_t)now->tv_sec * kNanosecondsPerSecond + now->tv_nsec + *clock_offset_ns;
  now->tv_sec = total / kNanosecondsPerSecond;
  now->tv_nsec = total % kNanosecondsPerSecond;
  return result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  struct timespec precise;
  (void)zone;
  int result = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return result;
}

time_t time(time_t* out) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (out != NULL) *out = precise.tv_sec;
  return precise.tv_sec;
}
