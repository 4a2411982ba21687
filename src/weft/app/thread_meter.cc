// Stands in for functions of the C and C++ libraries, in whatever program it is linked into.

#include "weft/app/thread_meter.h"

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

using weft::base::Usage;

constinit thread_local Usage used;
constinit thread_local Usage used_at_turn_begin;
constinit std::atomic<std::uint64_t> all_allocations{0};
constinit std::atomic<std::size_t> copy_bytes_min{SIZE_MAX};

void* allocate(std::size_t size) noexcept {
  ++used.allocations;
  all_allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size != 0 ? size : 1);
}

void* allocate_or_throw(std::size_t size) {
  if (void* const out = allocate(size)) return out;
  throw std::bad_alloc();
}

void note_copy(std::size_t bytes) noexcept {
  if (bytes >= copy_bytes_min.load(std::memory_order_relaxed)) ++used.copies;
}

/// What would have been called without us.
template <typename Function>
Function* next(const char* name) noexcept {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

class LinkedMeter final : public weft::app::ThreadMeter {
 public:
  Usage used() const override { return ::used; }
  Usage used_at_turn_begin() const override { return ::used_at_turn_begin; }
  void count_copies(std::size_t bytes_min) const override { copy_bytes_min = bytes_min; }
  std::uint64_t allocations_of_all_threads() const override { return all_allocations; }
};

}  // namespace

namespace weft::app {

const ThreadMeter* thread_meter() {
  static const LinkedMeter meter;
  return &meter;
}

}  // namespace weft::app

// --- allocations --------------------------------------------------------------------------------

void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }

extern "C" {

// --- copies -------------------------------------------------------------------------------------
// Word by word, and compiled so that no loop is taken for a call of itself.

using word [[gnu::may_alias, gnu::aligned(1)]] = std::uint64_t;

static void copy_forwards(unsigned char* to, const unsigned char* from, std::size_t size) {
  for (; size >= sizeof(word); size -= sizeof(word), to += sizeof(word), from += sizeof(word)) {
    *reinterpret_cast<word*>(to) = *reinterpret_cast<const word*>(from);
  }
  while (size-- > 0) *to++ = *from++;
}

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) noexcept {
  note_copy(size);
  copy_forwards(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), size);
  return to;
}

void* memmove(void* to, const void* from, std::size_t size) noexcept {
  note_copy(size);
  auto* const out = static_cast<unsigned char*>(to);
  const auto* const in = static_cast<const unsigned char*>(from);
  if (out <= in || out >= in + size) {
    copy_forwards(out, in, size);
  } else {
    while (size-- > 0) out[size] = in[size];
  }
  return to;
}

// --- system calls -------------------------------------------------------------------------------
// Only what was looked up by name knows where to go on; each is looked up once.

#define WEFT_COUNTED(name, ...)                           \
  static const auto real = next<decltype(::name)>(#name); \
  ++used.system_calls;                                    \
  return real(__VA_ARGS__)

int epoll_wait(int epoll, epoll_event* events, int count_max, int timeout_ms) {
  static const auto real = next<decltype(::epoll_wait)>("epoll_wait");
  ++used.system_calls;
  const int out = real(epoll, events, count_max, timeout_ms);
  used_at_turn_begin = used;
  return out;
}
int epoll_ctl(int epoll, int what, int fd, epoll_event* event) noexcept {
  WEFT_COUNTED(epoll_ctl, epoll, what, fd, event);
}
int eventfd_read(int fd, eventfd_t* value) { WEFT_COUNTED(eventfd_read, fd, value); }
int eventfd_write(int fd, eventfd_t value) { WEFT_COUNTED(eventfd_write, fd, value); }
ssize_t recv(int fd, void* into, std::size_t size, int flags) {
  WEFT_COUNTED(recv, fd, into, size, flags);
}
ssize_t send(int fd, const void* from, std::size_t size, int flags) {
  WEFT_COUNTED(send, fd, from, size, flags);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  WEFT_COUNTED(sendmsg, fd, message, flags);
}
ssize_t write(int fd, const void* from, std::size_t size) { WEFT_COUNTED(write, fd, from, size); }
ssize_t pwrite(int fd, const void* from, std::size_t size, off_t at) {
  WEFT_COUNTED(pwrite, fd, from, size, at);
}
ssize_t pwrite64(int fd, const void* from, std::size_t size, off64_t at) {
  WEFT_COUNTED(pwrite64, fd, from, size, at);
}
int fsync(int fd) { WEFT_COUNTED(fsync, fd); }
int fdatasync(int fd) { WEFT_COUNTED(fdatasync, fd); }
int statvfs(const char* path, struct statvfs* out) noexcept { WEFT_COUNTED(statvfs, path, out); }

#undef WEFT_COUNTED

}  // extern "C"
