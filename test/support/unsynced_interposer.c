/* Loses what was never synced: preload this library and send SIGUSR2 to end the process as a loss
 * of power would, with every file under WEFT_UNSYNCED_DIR rolled back to its last fsync or
 * fdatasync.
 *
 *   WEFT_UNSYNCED_DIR       the directory to watch; unset: nothing is done
 *   WEFT_SYNC_DELAY_MS      every fsync and fdatasync there takes this much longer
 *   WEFT_SYNC_FAIL_AFTER    after so many syncs there, all fail with EIO
 *   WEFT_DISK_FULL_FILE     while this file exists, writes there fail with ENOSPC
 *
 * Model. A file's bytes are durable once a sync that began after they were written has returned 0;
 * one never synced is gone, one that existed when the process first opened it counts as durable as
 * it was then. Overwritten and cut durable bytes come back. Creating, renaming and removing names
 * takes effect at once (as if the directory had been synced): one of the outcomes a real file
 * system allows. mmap and io_uring writes are not seen. The process ends with status 137.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { files_max = 65536, descriptors_max = 65536, pieces_of_one_write_max = 1024 };

/* Durable bytes that were overwritten since the last sync. */
struct undo {
  struct undo* next; /* older */
  off_t at;
  size_t size;
  char bytes[];
};

struct file {
  dev_t device;
  ino_t inode;
  int used;
  int ever_synced; /* 0: created by this process and never synced */
  off_t synced_size;
  struct undo* undo;
  int keep_open; /* our own descriptor for the rollback, so that names do not matter */
};

static struct file files[files_max];
static int file_count;
/* 1 + index into files; 0: not watched. */
static _Atomic int watched[descriptors_max];
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
/* Held shared by every change of a watched file, exclusively and for ever by the rollback. */
static pthread_rwlock_t world;
static char root[PATH_MAX];
static size_t root_size;
static long sync_delay_ms;
static long sync_fail_after = -1;
static const char* disk_full_file;
static atomic_long syncs;

static int (*real_open)(const char*, int, ...);
static int (*real_openat)(int, const char*, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void*, size_t);
static ssize_t (*real_pwrite)(int, const void*, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec*, int);
static ssize_t (*real_pwritev)(int, const struct iovec*, int, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_truncate)(const char*, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_fallocate)(int, int, off_t, off_t);
static int (*real_posix_fallocate)(int, off_t, off_t);
static int (*real_dup)(int);
static int (*real_dup2)(int, int);
static int (*real_dup3)(int, int, int);

static void resolve(void) {
  if (real_open) return;
  *(void**)&real_openat = dlsym(RTLD_NEXT, "openat");
  *(void**)&real_close = dlsym(RTLD_NEXT, "close");
  *(void**)&real_write = dlsym(RTLD_NEXT, "write");
  *(void**)&real_pwrite = dlsym(RTLD_NEXT, "pwrite");
  *(void**)&real_writev = dlsym(RTLD_NEXT, "writev");
  *(void**)&real_pwritev = dlsym(RTLD_NEXT, "pwritev");
  *(void**)&real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
  *(void**)&real_truncate = dlsym(RTLD_NEXT, "truncate");
  *(void**)&real_fsync = dlsym(RTLD_NEXT, "fsync");
  *(void**)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  *(void**)&real_fallocate = dlsym(RTLD_NEXT, "fallocate");
  *(void**)&real_posix_fallocate = dlsym(RTLD_NEXT, "posix_fallocate");
  *(void**)&real_dup = dlsym(RTLD_NEXT, "dup");
  *(void**)&real_dup2 = dlsym(RTLD_NEXT, "dup2");
  *(void**)&real_dup3 = dlsym(RTLD_NEXT, "dup3");
  *(void**)&real_open = dlsym(RTLD_NEXT, "open");
}

static void roll_back(void) {
  pthread_rwlock_wrlock(&world);
  for (int i = 0; i < file_count; ++i) {
    struct file* file = &files[i];
    if (!file->used) continue;
    if (!file->ever_synced) {
      /* The name may have changed since; the descriptor knows. */
      char link[64];
      char name[PATH_MAX];
      snprintf(link, sizeof link, "/proc/self/fd/%d", file->keep_open);
      const ssize_t size = readlink(link, name, sizeof name - 1);
      if (size > 0) {
        name[size] = 0;
        struct stat now;
        if (stat(name, &now) == 0 && now.st_ino == file->inode) unlink(name);
      }
      continue;
    }
    /* Newest first: the oldest pre-image, which is the synced one, is written last. */
    for (struct undo* undo = file->undo; undo; undo = undo->next) {
      if (real_pwrite(file->keep_open, undo->bytes, undo->size, undo->at) < 0) abort();
    }
    struct stat now;
    if (fstat(file->keep_open, &now) == 0 && now.st_size != file->synced_size &&
        real_ftruncate(file->keep_open, file->synced_size) != 0) {
      abort();
    }
  }
  _exit(137);
}

static void* wait_for_signal(void* unused) {
  (void)unused;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  int signal_number = 0;
  sigwait(&set, &signal_number);
  roll_back();
  return NULL;
}

__attribute__((constructor)) static void start(void) {
  resolve();
  const char* directory = getenv("WEFT_UNSYNCED_DIR");
  if (!directory || !realpath(directory, root)) return;
  root_size = strlen(root);
  const char* value = getenv("WEFT_SYNC_DELAY_MS");
  if (value) sync_delay_ms = atol(value);
  value = getenv("WEFT_SYNC_FAIL_AFTER");
  if (value) sync_fail_after = atol(value);
  disk_full_file = getenv("WEFT_DISK_FULL_FILE");
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&world, &attributes);
  /* Every later thread inherits the mask, so that only ours receives the signal. */
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_signal, NULL) != 0) abort();
  pthread_detach(thread);
}

static struct file* file_of(int descriptor) {
  if (descriptor < 0 || descriptor >= descriptors_max) return NULL;
  const int index = watched[descriptor];
  return index ? &files[index - 1] : NULL;
}

/* Looks whether a fresh descriptor is a regular file below the root, and watches it. `existed`:
 * the name was there before this open. */
static void watch(int descriptor, int existed) {
  if (descriptor < 0 || descriptor >= descriptors_max || root_size == 0) return;
  struct stat now;
  char link[64];
  char name[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t size = readlink(link, name, sizeof name - 1);
  if (size <= 0) return;
  name[size] = 0;
  if (strncmp(name, root, root_size) != 0 || name[root_size] != '/') return;
  if (fstat(descriptor, &now) != 0 || !S_ISREG(now.st_mode)) return;
  pthread_mutex_lock(&table);
  int index = 0;
  while (index < file_count && !(files[index].used && files[index].inode == now.st_ino &&
                                 files[index].device == now.st_dev)) {
    ++index;
  }
  if (index == file_count) {
    if (file_count == files_max) abort();
    struct file* file = &files[index];
    file->device = now.st_dev;
    file->inode = now.st_ino;
    file->ever_synced = existed;
    file->synced_size = existed ? now.st_size : 0;
    file->keep_open = real_open(link, O_RDWR | O_CLOEXEC);
    if (file->keep_open >= 0) {
      file->used = 1;
      ++file_count;
    }
  }
  if (files[index].used) watched[descriptor] = index + 1;
  pthread_mutex_unlock(&table);
}

/* An inode stays ours as long as keep_open holds it; once it has no name it may be forgotten. */
static void forget_nameless(void) {
  pthread_rwlock_rdlock(&world); /* not while they are rolled back */
  pthread_mutex_lock(&table);
  for (int i = 0; i < file_count; ++i) {
    struct stat now;
    if (!files[i].used || fstat(files[i].keep_open, &now) != 0 || now.st_nlink != 0) continue;
    int open_elsewhere = 0;
    for (int d = 0; d < descriptors_max && !open_elsewhere; ++d) {
      open_elsewhere = watched[d] == i + 1;
    }
    if (open_elsewhere) continue;
    real_close(files[i].keep_open);
    while (files[i].undo) {
      struct undo* next = files[i].undo->next;
      free(files[i].undo);
      files[i].undo = next;
    }
    memset(&files[i], 0, sizeof files[i]);
  }
  pthread_mutex_unlock(&table);
  pthread_rwlock_unlock(&world);
}

/* Keeps the durable bytes that a change of [at, at + size) is about to destroy. */
static void keep_durable(struct file* file, off_t at, size_t size) {
  pthread_mutex_lock(&table);
  if (file->ever_synced && at < file->synced_size && size > 0) {
    size_t lost = (size_t)(file->synced_size - at);
    if (lost > size) lost = size;
    struct undo* undo = malloc(sizeof *undo + lost);
    if (!undo) abort();
    const ssize_t got = pread(file->keep_open, undo->bytes, lost, at);
    undo->at = at;
    undo->size = got > 0 ? (size_t)got : 0;
    undo->next = file->undo;
    file->undo = undo;
  }
  pthread_mutex_unlock(&table);
}

static off_t write_position(int descriptor, struct file* file) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags >= 0 && (flags & O_APPEND)) {
    struct stat now;
    return fstat(file->keep_open, &now) == 0 ? now.st_size : 0;
  }
  return lseek(descriptor, 0, SEEK_CUR);
}

static int disk_is_full(void) { return disk_full_file && access(disk_full_file, F_OK) == 0; }

#define CHANGE(descriptor, position, size, failure, call) \
  do {                                                    \
    resolve();                                            \
    struct file* const file = file_of(descriptor);        \
    if (!file) return call;                               \
    pthread_rwlock_rdlock(&world);                        \
    if (disk_is_full()) {                                 \
      pthread_rwlock_unlock(&world);                      \
      errno = ENOSPC;                                     \
      return failure;                                     \
    }                                                     \
    keep_durable(file, position, size);                   \
    const ssize_t outcome = call;                         \
    const int reason = errno;                             \
    pthread_rwlock_unlock(&world);                        \
    errno = reason;                                       \
    return outcome;                                       \
  } while (0)

static size_t total(const struct iovec* pieces, int count) {
  size_t size = 0;
  for (int i = 0; i < count && i < pieces_of_one_write_max; ++i) size += pieces[i].iov_len;
  return size;
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  CHANGE(descriptor, write_position(descriptor, file), size, -1,
         real_write(descriptor, bytes, size));
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t at) {
  CHANGE(descriptor, at, size, -1, real_pwrite(descriptor, bytes, size, at));
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off_t at) {
  return pwrite(descriptor, bytes, size, at);
}

ssize_t writev(int descriptor, const struct iovec* pieces, int count) {
  CHANGE(descriptor, write_position(descriptor, file), total(pieces, count), -1,
         real_writev(descriptor, pieces, count));
}

ssize_t pwritev(int descriptor, const struct iovec* pieces, int count, off_t at) {
  CHANGE(descriptor, at, total(pieces, count), -1, real_pwritev(descriptor, pieces, count, at));
}

ssize_t pwritev64(int descriptor, const struct iovec* pieces, int count, off_t at) {
  return pwritev(descriptor, pieces, count, at);
}

static int cut(int descriptor, struct file* file, off_t size) {
  pthread_rwlock_rdlock(&world);
  if (size < file->synced_size) keep_durable(file, size, (size_t)(file->synced_size - size));
  const int outcome = real_ftruncate(descriptor, size);
  const int reason = errno;
  pthread_rwlock_unlock(&world);
  errno = reason;
  return outcome;
}

int ftruncate(int descriptor, off_t size) {
  resolve();
  struct file* const file = file_of(descriptor);
  return file ? cut(descriptor, file, size) : real_ftruncate(descriptor, size);
}

int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }

int fallocate(int descriptor, int mode, off_t at, off_t size) {
  CHANGE(descriptor, at, 0, -1, real_fallocate(descriptor, mode, at, size));
}

int fallocate64(int descriptor, int mode, off_t at, off_t size) {
  return fallocate(descriptor, mode, at, size);
}

int posix_fallocate(int descriptor, off_t at, off_t size) {
  CHANGE(descriptor, at, 0, ENOSPC, real_posix_fallocate(descriptor, at, size));
}

static int sync_file(int descriptor, int (*real_sync)(int)) {
  struct file* const file = file_of(descriptor);
  if (!file) return real_sync(descriptor);
  if (sync_delay_ms > 0) {
    const struct timespec delay = {sync_delay_ms / 1000, (sync_delay_ms % 1000) * 1000000};
    nanosleep(&delay, NULL);
  }
  pthread_rwlock_rdlock(&world);
  if (sync_fail_after >= 0 && atomic_fetch_add(&syncs, 1) >= sync_fail_after) {
    pthread_rwlock_unlock(&world);
    errno = EIO;
    return -1;
  }
  /* Only what was there before the sync began is covered by it. */
  pthread_mutex_lock(&table);
  struct stat before;
  const int known = fstat(file->keep_open, &before);
  struct undo* covered = file->undo;
  pthread_mutex_unlock(&table);
  const int outcome = real_sync(descriptor);
  const int reason = errno;
  if (outcome == 0 && known == 0) {
    pthread_mutex_lock(&table);
    file->ever_synced = 1;
    file->synced_size = before.st_size;
    /* Pre-images taken before the sync are of no use any more; newer ones stay. */
    struct undo** end = &file->undo;
    while (*end && *end != covered) end = &(*end)->next;
    *end = NULL;
    while (covered) {
      struct undo* next = covered->next;
      free(covered);
      covered = next;
    }
    pthread_mutex_unlock(&table);
  }
  pthread_rwlock_unlock(&world);
  errno = reason;
  return outcome;
}

int fsync(int descriptor) {
  resolve();
  return sync_file(descriptor, real_fsync);
}

int fdatasync(int descriptor) {
  resolve();
  return sync_file(descriptor, real_fdatasync);
}

/* Whether the name exists before an open that may create or empty it, and its file watched. */
static int prepare(int directory, const char* path, int flags) {
  struct stat before;
  const int existed = fstatat(directory, path, &before, 0) == 0;
  if (existed && (flags & O_TRUNC) && root_size > 0) {
    const int descriptor = real_openat(directory, path, O_WRONLY | O_CLOEXEC);
    if (descriptor >= 0) {
      watch(descriptor, 1);
      struct file* const file = file_of(descriptor);
      if (file) cut(descriptor, file, 0);
      if (file) watched[descriptor] = 0;
      real_close(descriptor);
    }
  }
  return existed;
}

static int open_any(int directory, const char* path, int flags, mode_t mode) {
  resolve();
  const int writes = (flags & O_ACCMODE) != O_RDONLY;
  if (root_size == 0 || !writes) return real_openat(directory, path, flags, mode);
  pthread_rwlock_rdlock(&world);
  pthread_rwlock_unlock(&world);
  const int existed = prepare(directory, path, flags);
  const int descriptor = real_openat(directory, path, flags, mode);
  const int reason = errno;
  watch(descriptor, existed);
  errno = reason;
  return descriptor;
}

#define OPEN_MODE(flags)                   \
  mode_t mode = 0;                         \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { \
    va_list arguments;                     \
    va_start(arguments, flags);            \
    mode = va_arg(arguments, mode_t);      \
    va_end(arguments);                     \
  }

int open(const char* path, int flags, ...) {
  OPEN_MODE(flags)
  return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  OPEN_MODE(flags)
  return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  OPEN_MODE(flags)
  return open_any(directory, path, flags, mode);
}

int openat64(int directory, const char* path, int flags, ...) {
  OPEN_MODE(flags)
  return open_any(directory, path, flags, mode);
}

int creat(const char* path, mode_t mode) {
  return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int close(int descriptor) {
  resolve();
  if (!file_of(descriptor)) return real_close(descriptor);
  watched[descriptor] = 0;
  const int outcome = real_close(descriptor);
  const int reason = errno;
  forget_nameless();
  errno = reason;
  return outcome;
}

static int duplicated(int from, int to) {
  if (to >= 0 && to < descriptors_max && from >= 0 && from < descriptors_max && to != from) {
    watched[to] = watched[from];
  }
  return to;
}

int dup(int descriptor) {
  resolve();
  return duplicated(descriptor, real_dup(descriptor));
}

int dup2(int from, int to) {
  resolve();
  return duplicated(from, real_dup2(from, to));
}

int dup3(int from, int to, int flags) {
  resolve();
  return duplicated(from, real_dup3(from, to, flags));
}

/* By name: only files that are watched already or lie below the root. */
int truncate(const char* path, off_t size) {
  resolve();
  const int descriptor = open_any(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const int outcome = ftruncate(descriptor, size);
  const int reason = errno;
  close(descriptor);
  errno = reason;
  return outcome;
}
