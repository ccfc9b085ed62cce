/*
 * The border between JavaScript and Linux: system calls with their numbers and pointers, without
 * any decisions.
 *
 * A call returns the kernel's own result: a negative error number where it was refused.
 * Descriptors, mappings and watches that a thread holds through this file are released when its
 * environment ends, for any reason: a terminated worker runs no more JavaScript, and the kernel
 * only knows the process.
 *
 * Freestanding: no C library is linked, so that one file works with glibc and musl. The few
 * functions that are taken from the process's C library, and from libuv, are weak.
 *
 * In an environment that is being torn down every Node-API function may fail. So every status is
 * checked, and a failure means: return. This file never calls napi_fatal_error.
 */

#define NAPI_VERSION 8
#define _GNU_SOURCE

#include <node_api.h>

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define WEAK __attribute__((weak))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- The C library and libuv of the process ------------------------------------------------------------------------- */

extern WEAK int pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
extern WEAK int pthread_detach(pthread_t);
extern WEAK int pthread_join(pthread_t, void **);
extern WEAK int pthread_attr_init(pthread_attr_t *);
extern WEAK int pthread_attr_setstacksize(pthread_attr_t *, size_t);
extern WEAK int pthread_attr_destroy(pthread_attr_t *);
extern WEAK int pthread_mutex_lock(pthread_mutex_t *);
extern WEAK int pthread_mutex_unlock(pthread_mutex_t *);
extern WEAK void *memset(void *, int, size_t);
extern WEAK int getpagesize(void);

/*
 * libuv's stable interface (docs.libuv.org, version 1): handles are opaque, and begin with a
 * pointer for the user.
 */
typedef struct uv_handle { void *data; } uv_handle;
enum { UV_POLL_TYPE = 8, UV_READABLE_EVENT = 1 };
extern WEAK size_t uv_handle_size(int type);
extern WEAK int uv_poll_init(struct uv_loop_s *, uv_handle *, int fd);
extern WEAK int uv_poll_start(uv_handle *, int events, void (*)(uv_handle *, int status, int events));
extern WEAK void uv_close(uv_handle *, void (*)(uv_handle *));
extern WEAK void uv_ref(uv_handle *);
extern WEAK void uv_unref(uv_handle *);

/* Missing in runtimes other than Node. */
extern WEAK napi_status napi_get_uv_event_loop(napi_env, struct uv_loop_s **);
extern WEAK napi_status napi_add_async_cleanup_hook(napi_env, napi_async_cleanup_hook, void *,
                                                    napi_async_cleanup_hook_handle *);
extern WEAK napi_status napi_remove_async_cleanup_hook(napi_async_cleanup_hook_handle);
extern WEAK napi_status napi_fatal_exception(napi_env, napi_value);

/* ---- System calls --------------------------------------------------------------------------------------------------- */

#define ARGUMENT_COUNT_MAX 6

#if defined(__x86_64__)
static long enter_kernel(long number, const long a[ARGUMENT_COUNT_MAX]) {
  long result;
  register long fourth __asm__("r10") = a[3];
  register long fifth __asm__("r8") = a[4];
  register long sixth __asm__("r9") = a[5];
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(fourth), "r"(fifth), "r"(sixth)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static long enter_kernel(long number, const long a[ARGUMENT_COUNT_MAX]) {
  register long name __asm__("x8") = number;
  register long first __asm__("x0") = a[0];
  register long second __asm__("x1") = a[1];
  register long third __asm__("x2") = a[2];
  register long fourth __asm__("x3") = a[3];
  register long fifth __asm__("x4") = a[4];
  register long sixth __asm__("x5") = a[5];
  __asm__ volatile("svc 0"
                   : "+r"(first)
                   : "r"(name), "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth)
                   : "memory");
  return first;
}
#else
#error "The border is written for x86-64 and arm64"
#endif

/* The calls that this file makes itself: SYSTEM_CALL(close, fd). Omitted arguments are 0. */
#define SYSTEM_CALL(name, ...) enter_kernel(__NR_##name, (const long[ARGUMENT_COUNT_MAX]){__VA_ARGS__})

/* ---- Memory of our own ---------------------------------------------------------------------------------------------- */

static void *allocate_zeroed(size_t bytes) {
  long address =
      SYSTEM_CALL(mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return address < 0 ? NULL : (void *)address;
}

static void give_back(void *memory, size_t bytes) {
  if (memory != NULL) SYSTEM_CALL(munmap, (long)memory, (long)bytes);
}

/* Twice as large, with zeros after the old contents. NULL: no memory, and the old one stays. */
static void *grow_zeroed(void *memory, size_t bytes, size_t bytes_wanted) {
  if (memory == NULL) return allocate_zeroed(bytes_wanted);
  long address = SYSTEM_CALL(mremap, (long)memory, (long)bytes, (long)bytes_wanted, MREMAP_MAYMOVE);
  return address < 0 ? NULL : (void *)address;
}

/* ---- Sets of descriptor numbers: a bit each -------------------------------------------------------------------------- */

#define WORD_BITS 64
#define SET_BYTES_FIRST 4096

struct fd_set_of_any_size {
  uint64_t *words;
  size_t bytes;
};

static size_t word_of(long fd) { return (size_t)fd / WORD_BITS; }
static uint64_t bit_of(long fd) { return (uint64_t)1 << ((size_t)fd % WORD_BITS); }

static bool set_reaches(const struct fd_set_of_any_size *set, long fd) {
  return fd >= 0 && word_of(fd) < set->bytes / sizeof(uint64_t);
}

static bool set_add(struct fd_set_of_any_size *set, long fd) {
  if (fd < 0) return false;
  if (!set_reaches(set, fd)) {
    size_t wanted = set->bytes == 0 ? SET_BYTES_FIRST : set->bytes;
    while (wanted / sizeof(uint64_t) <= word_of(fd)) wanted *= 2;
    uint64_t *words = grow_zeroed(set->words, set->bytes, wanted);
    if (words == NULL) return false;
    set->words = words;
    set->bytes = wanted;
  }
  set->words[word_of(fd)] |= bit_of(fd);
  return true;
}

static void set_remove(struct fd_set_of_any_size *set, long fd) {
  if (set_reaches(set, fd)) set->words[word_of(fd)] &= ~bit_of(fd);
}

/* Removes and returns the lowest member from `from_word` on. -1: there is none. */
static long set_take_first(struct fd_set_of_any_size *set, size_t from_word) {
  for (size_t word = from_word; word < set->bytes / sizeof(uint64_t); word += 1) {
    if (set->words[word] == 0) continue;
    long fd = (long)(word * WORD_BITS) + __builtin_ctzll(set->words[word]);
    set_remove(set, fd);
    return fd;
  }
  return -1;
}

/* ---- What an environment holds --------------------------------------------------------------------------------------- */

struct mapping {
  long address;
  long length;
};

struct mapping_list {
  struct mapping *items;
  size_t count;
  size_t bytes;
};

struct environment {
  struct fd_set_of_any_size held;
  struct mapping_list mappings;
  /* Memory of the engine that a file is mapped over. */
  struct mapping_list windows;
};

/*
 * Without memory to record it, a descriptor is not closed at the end of its thread. That is no
 * reason to refuse the call.
 */
static void hold(struct environment *environment, long fd) {
  if (environment != NULL) set_add(&environment->held, fd);
}

static void let_go(struct environment *environment, long fd) {
  if (environment != NULL) set_remove(&environment->held, fd);
}

static void list_add(struct mapping_list *list, long address, long length) {
  if ((list->count + 1) * sizeof(struct mapping) > list->bytes) {
    size_t wanted = list->bytes == 0 ? SET_BYTES_FIRST : 2 * list->bytes;
    struct mapping *items = grow_zeroed(list->items, list->bytes, wanted);
    if (items == NULL) return;
    list->items = items;
    list->bytes = wanted;
  }
  list->items[list->count] = (struct mapping){address, length};
  list->count += 1;
}

static void list_remove(struct mapping_list *list, long address, long length) {
  for (size_t at = 0; at < list->count; at += 1) {
    struct mapping *mapping = &list->items[at];
    if (mapping->address != address || mapping->length != length) continue;
    list->count -= 1;
    *mapping = list->items[list->count];
    return;
  }
}

/* The last of this environment's hooks to run: its watches have ended by then. */
static void end_environment(void *data) {
  struct environment *environment = data;
  for (size_t at = 0; at < environment->mappings.count; at += 1) {
    const struct mapping *mapping = &environment->mappings.items[at];
    SYSTEM_CALL(munmap, mapping->address, mapping->length);
  }
  /* The engine hands this memory out again: whoever gets it must not get the file. */
  for (size_t at = 0; at < environment->windows.count; at += 1) {
    const struct mapping *window = &environment->windows.items[at];
    SYSTEM_CALL(mmap, window->address, window->length, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  }
  for (long fd = set_take_first(&environment->held, 0); fd >= 0;
       fd = set_take_first(&environment->held, word_of(fd))) {
    SYSTEM_CALL(close, fd);
  }
  give_back(environment->mappings.items, environment->mappings.bytes);
  give_back(environment->windows.items, environment->windows.bytes);
  give_back(environment->held.words, environment->held.bytes);
  give_back(environment, sizeof(struct environment));
}

static struct environment *environment_of(napi_env env) {
  void *data = NULL;
  return napi_get_instance_data(env, &data) == napi_ok ? data : NULL;
}

/* ---- Values of JavaScript -------------------------------------------------------------------------------------------- */

#define PATH_BYTES_MAX 4096

static napi_value to_number(napi_env env, long value) {
  napi_value number = NULL;
  return napi_create_int64(env, value, &number) == napi_ok ? number : NULL;
}

static napi_value refuse_arguments(napi_env env) {
  napi_throw_type_error(env, NULL, "An argument of a system call is of the wrong kind");
  return NULL;
}

/* Whole numbers only: a conversion would truncate others, and turn NaN into descriptor 0. */
static bool read_long(napi_env env, napi_value value, long *out) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(number >= -0x1p63 && number < 0x1p63)) return false;
  *out = (long)number;
  return (double)*out == number;
}

/*
 * A descriptor, or another `int` or `unsigned int` in C: the kernel would read only the lower half.
 */
static bool read_int(napi_env env, napi_value value, long *out) {
  return read_long(env, value, out) && *out >= INT32_MIN && *out <= (long)UINT32_MAX;
}

/* The address of a typed array's first byte, or 0 for null. */
static bool read_pointer(napi_env env, napi_value value, long *out) {
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, value, &type) != napi_ok) return false;
  if (type == napi_null) {
    *out = 0;
    return true;
  }
  void *data = NULL;
  if (type != napi_object) return false;
  if (napi_get_typedarray_info(env, value, NULL, NULL, &data, NULL, NULL) != napi_ok) return false;
  *out = (long)data;
  return true;
}

/* ---- Calls, by their names ------------------------------------------------------------------------------------------- */

enum effect { NONE, GIVES_FD, GIVES_TWO_FDS, MAPS, UNMAPS, CLOSES, DUPLICATES, RECEIVES };

/*
 * `arguments`, one letter each: i of 32 bits, n of 64 bits, p typed array or null, s string, and
 * constants that JavaScript does not pass: 0 zero, C the working directory, Z a timeout of zero.
 */
struct call {
  const char *name;
  long number;
  const char *arguments;
  enum effect effect;
};

static const struct call calls[] = {
    {"accept4", __NR_accept4, "ippi", GIVES_FD},
    {"bind", __NR_bind, "ipi", NONE},
    {"close", __NR_close, "i", CLOSES},
    {"connect", __NR_connect, "ipi", NONE},
    {"epoll_create1", __NR_epoll_create1, "i", GIVES_FD},
    {"epoll_ctl", __NR_epoll_ctl, "iiip", NONE},
    {"epoll_wait", __NR_epoll_pwait, "ipi000", NONE},
    {"fallocate", __NR_fallocate, "iinn", NONE},
    {"fcntl", __NR_fcntl, "iin", DUPLICATES},
    {"flock", __NR_flock, "ii", NONE},
    {"fstatfs", __NR_fstatfs, "ip", NONE},
    {"ftruncate", __NR_ftruncate, "in", NONE},
    {"getsockopt", __NR_getsockopt, "iiipp", NONE},
    {"gettid", __NR_gettid, "", NONE},
    {"ioctl", __NR_ioctl, "inp", NONE},
    {"kcmp", __NR_kcmp, "iiinn", NONE},
    {"listen", __NR_listen, "ii", NONE},
    {"lseek", __NR_lseek, "ini", NONE},
    {"madvise", __NR_madvise, "nni", NONE},
    {"memfd_create", __NR_memfd_create, "si", GIVES_FD},
    {"mincore", __NR_mincore, "nnp", NONE},
    {"mmap", __NR_mmap, "nniiin", MAPS},
    {"mremap", __NR_mremap, "nnnin", NONE},
    {"munmap", __NR_munmap, "nn", UNMAPS},
    {"open", __NR_openat, "Csi0", GIVES_FD},
    {"pidfd_getfd", __NR_pidfd_getfd, "iii", GIVES_FD},
    {"pidfd_open", __NR_pidfd_open, "ii", GIVES_FD},
    {"poll", __NR_ppoll, "pnZ00", NONE},
    {"prlimit64", __NR_prlimit64, "iipp", NONE},
    {"read", __NR_read, "ipn", NONE},
    {"recvmsg", __NR_recvmsg, "ipi", RECEIVES},
    {"sendmsg", __NR_sendmsg, "ipi", NONE},
    {"setsockopt", __NR_setsockopt, "iiipi", NONE},
    {"shutdown", __NR_shutdown, "ii", NONE},
    {"socket", __NR_socket, "iii", GIVES_FD},
    {"socketpair", __NR_socketpair, "iiip", GIVES_TWO_FDS},
    {"statx", __NR_statx, "isiip", NONE},
    {"tgkill", __NR_tgkill, "iii", NONE},
};

static void hold_each(struct environment *environment, const int *fds, size_t count) {
  for (size_t index = 0; fds != NULL && index < count; index += 1) hold(environment, fds[index]);
}

/*
 * Every descriptor of a message: held at once, because the thread may end before JavaScript has
 * seen any.
 */
static void hold_received(struct environment *environment, const struct msghdr *message) {
  enum { SCM_PIDFD_TYPE = 4 };
  const unsigned char *control = message == NULL ? NULL : message->msg_control;
  size_t at = 0;
  while (control != NULL && at + sizeof(struct cmsghdr) <= message->msg_controllen) {
    const struct cmsghdr *part = (const void *)(control + at);
    size_t bytes = part->cmsg_len;
    if (bytes < sizeof(struct cmsghdr) || bytes > message->msg_controllen - at) return;
    bool carries = part->cmsg_level == SOL_SOCKET &&
                   (part->cmsg_type == SCM_RIGHTS || part->cmsg_type == SCM_PIDFD_TYPE);
    if (carries) hold_each(environment, (const int *)(part + 1), (bytes - sizeof(struct cmsghdr)) / sizeof(int));
    at += (bytes + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1);
  }
}

/* Adds or removes what this environment holds, after a call. */
static void follow(napi_env env, const struct call *call, const long a[ARGUMENT_COUNT_MAX], long result) {
  if (call->effect == NONE || result < 0) return;
  struct environment *environment = environment_of(env);
  switch (call->effect) {
    case GIVES_FD:
      hold(environment, result);
      return;
    case GIVES_TWO_FDS:
      hold_each(environment, (const int *)a[3], 2);
      return;
    case DUPLICATES:
      if (a[1] == F_DUPFD || a[1] == F_DUPFD_CLOEXEC) hold(environment, result);
      return;
    case MAPS:
      /* For a mapping at the caller's address, that address is what is held. */
      if (environment != NULL && (a[3] & MAP_FIXED) == 0) list_add(&environment->mappings, result, a[1]);
      return;
    case UNMAPS:
      if (environment != NULL) list_remove(&environment->mappings, a[0], a[1]);
      return;
    case RECEIVES:
      hold_received(environment, (const struct msghdr *)a[1]);
      return;
    case CLOSES:
    case NONE:
      return;
  }
}

static bool read_argument(napi_env env, char kind, napi_value value, long *out) {
  if (kind == 'p') return read_pointer(env, value, out);
  return kind == 'i' ? read_int(env, value, out) : read_long(env, value, out);
}

static napi_value make_call(napi_env env, napi_callback_info info) {
  static const struct __kernel_timespec no_time = {0, 0};
  napi_value values[ARGUMENT_COUNT_MAX];
  size_t value_count = ARGUMENT_COUNT_MAX;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &value_count, values, NULL, &data) != napi_ok) return NULL;
  const struct call *call = data;
  long a[ARGUMENT_COUNT_MAX] = {0};
  char text[PATH_BYTES_MAX];
  size_t next = 0;
  for (size_t at = 0; call->arguments[at] != '\0'; at += 1) {
    char kind = call->arguments[at];
    if (kind == '0') continue;
    if (kind == 'C') {
      a[at] = AT_FDCWD;
    } else if (kind == 'Z') {
      a[at] = (long)&no_time;
    } else if (kind == 's') {
      size_t length = 0;
      if (napi_get_value_string_utf8(env, values[next], text, sizeof(text), &length) != napi_ok)
        return refuse_arguments(env);
      if (length + 1 >= sizeof(text)) return to_number(env, -ENAMETOOLONG);
      a[at] = (long)text;
      next += 1;
    } else {
      if (!read_argument(env, kind, values[next], &a[at])) return refuse_arguments(env);
      next += 1;
    }
  }
  /* Before the call: the number may be reused as soon as it is closed. */
  if (call->effect == CLOSES) let_go(environment_of(env), a[0]);
  long result = enter_kernel(call->number, a);
  follow(env, call, a, result);
  return to_number(env, result);
}

#define TAKE_ARGUMENTS(count)                                                                                  \
  napi_value values[count];                                                                                    \
  size_t value_count = (count);                                                                                \
  if (napi_get_cb_info(env, info, &value_count, values, NULL, NULL) != napi_ok) return NULL

/*
 * ioctlForFd(fd, request, argument, at): an ioctl that returns a descriptor, `at` bytes into its
 * argument, or as its result where `at` is negative.
 */
static napi_value ioctl_for_fd(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(4);
  long fd, request, argument, at;
  if (!read_int(env, values[0], &fd) || !read_long(env, values[1], &request) ||
      !read_pointer(env, values[2], &argument) || !read_long(env, values[3], &at))
    return refuse_arguments(env);
  long result = SYSTEM_CALL(ioctl, fd, request, argument);
  if (result >= 0) hold(environment_of(env), at < 0 ? result : *(const int *)(argument + at));
  return to_number(env, result);
}

/* hold(fd): from now on a descriptor from elsewhere is closed with the others. */
static napi_value hold_fd(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(1);
  long fd;
  if (!read_int(env, values[0], &fd)) return refuse_arguments(env);
  hold(environment_of(env), fd);
  return NULL;
}

/* release(fd): from now on another owner has it. */
static napi_value release_fd(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(1);
  long fd;
  if (!read_int(env, values[0], &fd)) return refuse_arguments(env);
  let_go(environment_of(env), fd);
  return NULL;
}

/* Reads (address, length) of a window, and the list of them. NULL: refused, or nowhere to record it. */
static struct mapping_list *windows_of(napi_env env, napi_callback_info info, long *address, long *length) {
  TAKE_ARGUMENTS(2);
  if (!read_long(env, values[0], address) || !read_long(env, values[1], length)) {
    refuse_arguments(env);
    return NULL;
  }
  struct environment *environment = environment_of(env);
  return environment == NULL ? NULL : &environment->windows;
}

/* holdWindow(address, length): at the end of this thread, zeros are mapped over it. */
static napi_value hold_window(napi_env env, napi_callback_info info) {
  long address, length;
  struct mapping_list *windows = windows_of(env, info, &address, &length);
  if (windows != NULL) list_add(windows, address, length);
  return NULL;
}

/* releaseWindow(address, length): it shows no file any more. */
static napi_value release_window(napi_env env, napi_callback_info info) {
  long address, length;
  struct mapping_list *windows = windows_of(env, info, &address, &length);
  if (windows != NULL) list_remove(windows, address, length);
  return NULL;
}

/*
 * mapRuns(fd, address, offsets, lengths, count, protection, flags): one mmap per run, side by side
 * from `address` on.
 */
static napi_value map_runs(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(7);
  long fd, address, offsets_at, lengths_at, count, protection, flags;
  if (!read_int(env, values[0], &fd) || !read_long(env, values[1], &address) ||
      !read_pointer(env, values[2], &offsets_at) || !read_pointer(env, values[3], &lengths_at) ||
      !read_long(env, values[4], &count) || !read_long(env, values[5], &protection) ||
      !read_long(env, values[6], &flags))
    return refuse_arguments(env);
  const double *offsets = (const double *)offsets_at;
  const double *lengths = (const double *)lengths_at;
  for (long index = 0; index < count; index += 1) {
    long length = (long)lengths[index];
    long result = SYSTEM_CALL(mmap, address, length, protection, flags, fd, (long)offsets[index]);
    if (result < 0) return to_number(env, result);
    address += length;
  }
  return to_number(env, 0);
}

/* memset(address, byte, length) */
static napi_value fill_memory(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(3);
  long address, byte, length;
  if (!read_long(env, values[0], &address) || !read_long(env, values[1], &byte) || !read_long(env, values[2], &length))
    return refuse_arguments(env);
  memset((void *)address, (int)byte, (size_t)length);
  return to_number(env, address);
}

/*
 * touch(address, length, step): reads one byte at `address` and at every multiple of `step` after
 * it.
 */
static napi_value touch_memory(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(3);
  long address, length, step;
  if (!read_long(env, values[0], &address) || !read_long(env, values[1], &length) ||
      !read_long(env, values[2], &step) || step <= 0)
    return refuse_arguments(env);
  for (long offset = 0; offset < length; offset += step) (void)*(const volatile char *)(address + offset);
  return to_number(env, address);
}

/* getpagesize() */
static napi_value page_size(napi_env env, napi_callback_info info) {
  (void)info;
  return to_number(env, getpagesize());
}

/* addressOf(view) */
static napi_value address_of(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(1);
  long address;
  if (!read_pointer(env, values[0], &address)) return refuse_arguments(env);
  return to_number(env, address);
}

/* ---- Threads of our own ---------------------------------------------------------------------------------------------- */

/* Above PTHREAD_STACK_MIN of every C library. A default stack would reserve 8 MiB of addresses. */
#define STACK_BYTES (256 * 1024)

/*
 * The thread receives none of the program's signals: their handlers expect threads of the program.
 */
static long start_thread(pthread_t *thread, void *(*body)(void *), void *data) {
  if (pthread_create == NULL || pthread_attr_init == NULL || pthread_attr_setstacksize == NULL) return -ENOSYS;
  uint64_t all = ~(uint64_t)0;
  uint64_t before = 0;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return -ENOMEM;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  SYSTEM_CALL(rt_sigprocmask, SIG_BLOCK, (long)&all, (long)&before, sizeof(all));
  int refused = pthread_create(thread, &attributes, body, data);
  SYSTEM_CALL(rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof(before));
  if (pthread_attr_destroy != NULL) pthread_attr_destroy(&attributes);
  return -refused;
}

/* ---- Closing where it may take its time ------------------------------------------------------------------------------ */

/*
 * Closing a socket may linger, and closing a file on FUSE asks its server. So descriptors from
 * other processes are closed in a few threads, which run while there is something to close. They
 * belong to the process: a worker may end meanwhile.
 */
#define CLOSER_COUNT_MAX 4

static struct {
  pthread_mutex_t mutex;
  struct fd_set_of_any_size waiting;
  int closer_count;
} closing;

static void *close_waiting(void *data) {
  (void)data;
  for (;;) {
    pthread_mutex_lock(&closing.mutex);
    long fd = set_take_first(&closing.waiting, 0);
    if (fd < 0) closing.closer_count -= 1;
    pthread_mutex_unlock(&closing.mutex);
    if (fd < 0) return NULL;
    SYSTEM_CALL(close, fd);
  }
}

/* False: no thread can be created, and none is running. */
static bool have_closer(void) {
  if (closing.closer_count >= CLOSER_COUNT_MAX) return true;
  pthread_t thread;
  if (start_thread(&thread, close_waiting, NULL) != 0) return closing.closer_count > 0;
  if (pthread_detach != NULL) pthread_detach(thread);
  closing.closer_count += 1;
  return true;
}

/* closeAside(fd) */
static napi_value close_aside(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(1);
  long fd;
  if (!read_int(env, values[0], &fd)) return refuse_arguments(env);
  let_go(environment_of(env), fd);
  pthread_mutex_lock(&closing.mutex);
  bool waits = set_add(&closing.waiting, fd);
  bool closes = waits && have_closer();
  if (waits && !closes) set_remove(&closing.waiting, fd);
  pthread_mutex_unlock(&closing.mutex);
  if (!closes) SYSTEM_CALL(close, fd);
  return NULL;
}

/* ---- Waiting: a callback whenever a descriptor is readable ------------------------------------------------------------ */

enum { ARMED, TOLD, STOPPED };

/*
 * libuv watches where there is one: a thread in between costs one more wake-up. `by_thread` is for
 * runtimes without libuv. One page per watch: a JavaScript thread needs only one watch for any
 * number of descriptors, as it watches an epoll descriptor.
 */
struct watch {
  napi_env env;
  int fd;
  /* By libuv. */
  napi_ref callback;
  napi_async_cleanup_hook_handle hook;
  uv_handle *handle;
  bool closing;
  /* By a thread. */
  pthread_t thread;
  napi_threadsafe_function tell;
  int stop_fd;
  uint32_t state;
};

#define WATCH_BYTES 4096

/* An exception of the callback becomes an uncaught one. */
static void report_exception(napi_env env) {
  napi_value error = NULL;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok && napi_fatal_exception != NULL)
    napi_fatal_exception(env, error);
}

static void on_readable(uv_handle *handle, int status, int events) {
  (void)status;
  (void)events;
  struct watch *watch = handle->data;
  napi_handle_scope scope = NULL;
  if (napi_open_handle_scope(watch->env, &scope) != napi_ok) return;
  napi_value callback = NULL;
  napi_value receiver = NULL;
  if (napi_get_reference_value(watch->env, watch->callback, &callback) == napi_ok && callback != NULL &&
      napi_get_global(watch->env, &receiver) == napi_ok) {
    /*
     * With a callback scope: promises that it settles continue at once (without one, on Node 26,
     * perhaps never).
     */
    if (napi_make_callback(watch->env, NULL, receiver, callback, 0, NULL, NULL) == napi_pending_exception)
      report_exception(watch->env);
  }
  napi_close_handle_scope(watch->env, scope);
}

static void on_watch_closed(uv_handle *handle) {
  struct watch *watch = handle->data;
  if (watch->hook != NULL) napi_remove_async_cleanup_hook(watch->hook);
  give_back(watch, WATCH_BYTES);
}

static void close_loop_watch(struct watch *watch) {
  if (watch->closing) return;
  watch->closing = true;
  napi_delete_reference(watch->env, watch->callback);
  uv_close(watch->handle, on_watch_closed);
}

/*
 * The loop runs until on_watch_closed: libuv ends the process for a handle that outlives its loop.
 */
static void end_loop_watch(napi_async_cleanup_hook_handle hook, void *data) {
  struct watch *watch = data;
  watch->hook = hook;
  close_loop_watch(watch);
}

static napi_value to_external(napi_env env, struct watch *watch) {
  napi_value external = NULL;
  return napi_create_external(env, watch, NULL, NULL, &external) == napi_ok ? external : NULL;
}

static struct watch *read_watch(napi_env env, napi_value value) {
  void *data = NULL;
  return napi_get_value_external(env, value, &data) == napi_ok ? data : NULL;
}

/* watchByLoop(fd, callback): an external, or a negative error number. */
static napi_value watch_by_loop(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(2);
  long fd;
  if (!read_int(env, values[0], &fd)) return refuse_arguments(env);
  if (uv_poll_init == NULL || uv_handle_size == NULL || napi_get_uv_event_loop == NULL ||
      napi_add_async_cleanup_hook == NULL || sizeof(struct watch) + uv_handle_size(UV_POLL_TYPE) > WATCH_BYTES)
    return to_number(env, -ENOSYS);
  struct uv_loop_s *loop = NULL;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return NULL;
  struct watch *watch = allocate_zeroed(WATCH_BYTES);
  if (watch == NULL) return to_number(env, -ENOMEM);
  watch->env = env;
  watch->handle = (uv_handle *)(watch + 1);
  napi_value external = to_external(env, watch);
  if (external == NULL || napi_create_reference(env, values[1], 1, &watch->callback) != napi_ok) {
    give_back(watch, WATCH_BYTES);
    return NULL;
  }
  int refused = uv_poll_init(loop, watch->handle, (int)fd);
  if (refused != 0) {
    napi_delete_reference(env, watch->callback);
    give_back(watch, WATCH_BYTES);
    return to_number(env, refused);
  }
  watch->handle->data = watch;
  refused = uv_poll_start(watch->handle, UV_READABLE_EVENT, on_readable);
  bool ends_with_environment =
      napi_add_async_cleanup_hook(env, end_loop_watch, watch, &watch->hook) == napi_ok;
  if (refused == 0 && ends_with_environment) return external;
  close_loop_watch(watch);
  return to_number(env, refused != 0 ? refused : -ECANCELED);
}

/* ---- Waiting by a thread ---- */

static uint32_t state_of(struct watch *watch) { return __atomic_load_n(&watch->state, __ATOMIC_SEQ_CST); }

static bool change_state(struct watch *watch, uint32_t from, uint32_t to) {
  return __atomic_compare_exchange_n(&watch->state, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void futex_wake(uint32_t *word) { SYSTEM_CALL(futex, (long)word, FUTEX_WAKE_PRIVATE, INT32_MAX); }
static void futex_wait(uint32_t *word, uint32_t value) {
  SYSTEM_CALL(futex, (long)word, FUTEX_WAIT_PRIVATE, (long)value, 0);
}

static void *wait_in_thread(void *data) {
  struct watch *watch = data;
  for (;;) {
    struct pollfd waited[] = {{watch->fd, POLLIN, 0}, {watch->stop_fd, POLLIN, 0}};
    long count = SYSTEM_CALL(ppoll, (long)waited, COUNT_OF(waited));
    if (state_of(watch) == STOPPED) return NULL;
    if (count <= 0) continue;
    if (!change_state(watch, ARMED, TOLD)) return NULL;
    /* Once its status is not ok it must not be called again: the environment is ending. */
    if (napi_call_threadsafe_function(watch->tell, NULL, napi_tsfn_nonblocking) != napi_ok) return NULL;
    while (state_of(watch) == TOLD) futex_wait(&watch->state, TOLD);
  }
}

static void tell_from_thread(napi_env env, napi_value callback, void *context, void *data) {
  (void)data;
  if (env == NULL) return;
  struct watch *watch = context;
  napi_value receiver = NULL;
  if (napi_get_undefined(env, &receiver) == napi_ok &&
      napi_call_function(env, receiver, callback, 0, NULL, NULL) == napi_pending_exception)
    report_exception(env);
  change_state(watch, TOLD, ARMED);
  futex_wake(&watch->state);
}

/* Waits for the thread, which answers at once. Its memory stays: a call of tell_from_thread may still be queued. */
static void stop_thread(struct watch *watch) {
  if (watch->closing) return;
  watch->closing = true;
  __atomic_store_n(&watch->state, STOPPED, __ATOMIC_SEQ_CST);
  futex_wake(&watch->state);
  const uint64_t one = 1;
  SYSTEM_CALL(write, watch->stop_fd, (long)&one, sizeof(one));
  pthread_join(watch->thread, NULL);
  SYSTEM_CALL(close, watch->stop_fd);
}

static void end_thread_watch(void *data) { stop_thread(data); }

/* Its queue is empty now. */
static void on_tell_finalized(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  give_back(data, WATCH_BYTES);
}

/* watchByThread(fd, callback): an external, or a negative error number. */
static napi_value watch_by_thread(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(2);
  long fd;
  if (!read_int(env, values[0], &fd)) return refuse_arguments(env);
  if (pthread_join == NULL) return to_number(env, -ENOSYS);
  struct watch *watch = allocate_zeroed(WATCH_BYTES);
  if (watch == NULL) return to_number(env, -ENOMEM);
  watch->env = env;
  watch->fd = (int)fd;
  long stop_fd = SYSTEM_CALL(eventfd2, 0, O_CLOEXEC | O_NONBLOCK);
  napi_value name = NULL;
  napi_value external = to_external(env, watch);
  bool made = stop_fd >= 0 && external != NULL &&
              napi_create_string_utf8(env, "dmabuf.watch", NAPI_AUTO_LENGTH, &name) == napi_ok &&
              napi_create_threadsafe_function(env, values[1], NULL, name, 0, 1, watch, on_tell_finalized, watch,
                                              tell_from_thread, &watch->tell) == napi_ok;
  if (!made) {
    if (stop_fd >= 0) SYSTEM_CALL(close, stop_fd);
    give_back(watch, WATCH_BYTES);
    return stop_fd < 0 ? to_number(env, stop_fd) : NULL;
  }
  watch->stop_fd = (int)stop_fd;
  long refused = start_thread(&watch->thread, wait_in_thread, watch);
  if (refused != 0) {
    SYSTEM_CALL(close, stop_fd);
    napi_release_threadsafe_function(watch->tell, napi_tsfn_abort);
    return to_number(env, refused);
  }
  /*
   * After the function is made: hooks run in reverse order, and the thread must not call a function
   * that is ending.
   */
  if (napi_add_env_cleanup_hook(env, end_thread_watch, watch) == napi_ok) return external;
  stop_thread(watch);
  napi_release_threadsafe_function(watch->tell, napi_tsfn_abort);
  return to_number(env, -ECANCELED);
}

/* watchClose(watch): invalid afterwards. */
static napi_value watch_close(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(1);
  struct watch *watch = read_watch(env, values[0]);
  if (watch == NULL) return refuse_arguments(env);
  if (watch->handle != NULL) {
    close_loop_watch(watch);
    return NULL;
  }
  stop_thread(watch);
  napi_remove_env_cleanup_hook(env, end_thread_watch, watch);
  napi_release_threadsafe_function(watch->tell, napi_tsfn_abort);
  return NULL;
}

/* watchRef(watch, keepsAlive) */
static napi_value watch_ref(napi_env env, napi_callback_info info) {
  TAKE_ARGUMENTS(2);
  struct watch *watch = read_watch(env, values[0]);
  bool keeps_alive = true;
  if (watch == NULL || napi_get_value_bool(env, values[1], &keeps_alive) != napi_ok) return refuse_arguments(env);
  if (watch->handle != NULL) {
    (keeps_alive ? uv_ref : uv_unref)(watch->handle);
  } else if (keeps_alive) {
    napi_ref_threadsafe_function(env, watch->tell);
  } else {
    napi_unref_threadsafe_function(env, watch->tell);
  }
  return NULL;
}

/* ---- Registration ----------------------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  napi_callback function;
} functions[] = {
    {"addressOf", address_of},   {"closeAside", close_aside},
    {"getpagesize", page_size},  {"hold", hold_fd},
    {"holdWindow", hold_window}, {"ioctlForFd", ioctl_for_fd},
    {"mapRuns", map_runs},       {"memset", fill_memory},
    {"release", release_fd},     {"releaseWindow", release_window},
    {"touch", touch_memory},     {"watchByLoop", watch_by_loop},
    {"watchByThread", watch_by_thread}, {"watchClose", watch_close},
    {"watchRef", watch_ref},
};

static bool define(napi_env env, napi_value exports, const char *name, napi_callback function, const void *data) {
  napi_value value = NULL;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, function, (void *)data, &value) == napi_ok &&
         napi_set_named_property(env, exports, name, value) == napi_ok;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  struct environment *environment = allocate_zeroed(sizeof(struct environment));
  if (environment == NULL) return NULL;
  if (napi_add_env_cleanup_hook(env, end_environment, environment) != napi_ok) {
    give_back(environment, sizeof(struct environment));
    return NULL;
  }
  if (napi_set_instance_data(env, environment, NULL, NULL) != napi_ok) return NULL;
  for (size_t at = 0; at < COUNT_OF(calls); at += 1) {
    if (!define(env, exports, calls[at].name, make_call, &calls[at])) return NULL;
  }
  for (size_t at = 0; at < COUNT_OF(functions); at += 1) {
    if (!define(env, exports, functions[at].name, functions[at].function, NULL)) return NULL;
  }
  return exports;
}
