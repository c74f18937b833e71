/* Requests about files. Paths are absolute and stay below the root of the agent, whatever links say. */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

bool fail(struct failure *failure, const char *code, const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(failure->message, sizeof failure->message, format, values);
  va_end(values);
  failure->code = code;
  return false;
}

bool fail_errno(struct failure *failure, const char *what) {
  const char *code = errno == ENOENT || errno == ENOTDIR ? "not-found" : errno == EACCES || errno == EPERM ? "denied" : "failed";
  return fail(failure, code, "%s: %s", what, strerror(errno));
}

/* Opens the path of a request; -1 with the failure filled. Nothing is waited for: a FIFO has no writer, perhaps. */
static int open_path(const struct agent *agent, const struct frame *frame, uint64_t flags, struct failure *failure) {
  const struct field *path = field_of(frame, "path", STRING);
  if (path == NULL || path->text[0] != '/') return fail(failure, "bad-request", "path must be an absolute path"), -1;
  const struct field *mode = field_of(frame, "mode", NUMBER);
  if (mode != NULL && mode->number > 07777) return fail(failure, "bad-request", "mode has more than permission bits"), -1;
  struct open_how how = {.flags = flags | O_CLOEXEC};
  if ((flags & O_PATH) == 0) how.flags |= O_NONBLOCK | O_NOCTTY;
  if ((flags & O_CREAT) != 0) how.mode = mode == NULL ? 0644 : (uint64_t)mode->number;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int root = open(agent->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return fail_errno(failure, "the root cannot be opened"), -1;
  int file = (int)syscall(SYS_openat2, root, path->text, &how, sizeof how);
  if (file < 0) fail_errno(failure, "the path cannot be opened");
  close(root);
  return file;
}

static int open_regular(const struct agent *agent, const struct frame *frame, uint64_t flags, struct failure *failure) {
  int file = open_path(agent, frame, flags, failure);
  if (file < 0) return -1;
  struct stat info;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode)) return file;
  close(file);
  fail(failure, "failed", "the path is no regular file");
  return -1;
}

static const char *type_of(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "directory";
  if (S_ISLNK(mode)) return "symlink";
  if (S_ISCHR(mode)) return "character-device";
  if (S_ISBLK(mode)) return "block-device";
  return S_ISFIFO(mode) ? "fifo" : "socket";
}

bool do_stat(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  int file = open_path(agent, frame, O_PATH | O_NOFOLLOW, failure);
  if (file < 0) return false;
  struct stat info;
  char target[4096];
  ssize_t length = -1;
  bool known = fstat(file, &info) == 0;
  if (known && S_ISLNK(info.st_mode)) length = readlinkat(file, "", target, sizeof target);
  close(file);
  if (!known) return fail_errno(failure, "the path cannot be looked at");
  answer_text(answer, "type", type_of(info.st_mode));
  answer_number(answer, "size", info.st_size);
  answer_number(answer, "mode", info.st_mode & 07777);
  answer_number(answer, "uid", info.st_uid);
  answer_number(answer, "gid", info.st_gid);
  answer_number(answer, "mtime", info.st_mtime);
  if (length >= 0) answer_bytes(answer, "target", (uint8_t *)target, (size_t)length);
  return true;
}

bool do_read(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  const struct field *offset = field_of(frame, "offset", NUMBER);
  const struct field *length = field_of(frame, "length", NUMBER);
  if (length != NULL && length->number > CHUNK_MAX) return fail(failure, "too-large", "one read has at most %d bytes", CHUNK_MAX);
  size_t wanted = length == NULL ? CHUNK_MAX : (size_t)length->number;
  int64_t start = offset == NULL ? 0 : offset->number;
  int file = open_regular(agent, frame, O_RDONLY, failure);
  if (file < 0) return false;
  uint8_t bytes[CHUNK_MAX];
  size_t done = 0;
  ssize_t part = 1;
  while (done < wanted && part > 0) {
    part = pread(file, bytes + done, wanted - done, start + (off_t)done);
    if (part > 0) done += (size_t)part;
  }
  struct stat info;
  bool known = part >= 0 && fstat(file, &info) == 0;
  close(file);
  if (!known) return fail_errno(failure, "the file cannot be read");
  answer_number(answer, "size", info.st_size);
  answer_bytes(answer, "data", bytes, done);
  return true;
}

bool do_sha256(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  int file = open_regular(agent, frame, O_RDONLY, failure);
  if (file < 0) return false;
  struct sha256 hash;
  sha256_start(&hash);
  uint8_t bytes[CHUNK_MAX];
  int64_t size = 0;
  ssize_t part;
  while ((part = read(file, bytes, sizeof bytes)) > 0) {
    sha256_add(&hash, bytes, (size_t)part);
    size += part;
  }
  close(file);
  if (part < 0) return fail_errno(failure, "the file cannot be read");
  char hex[65];
  sha256_hex(&hash, hex);
  answer_number(answer, "size", size);
  answer_text(answer, "sha256", hex);
  return true;
}

bool do_write(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  const struct field *data = field_of(frame, "data", STRING);
  const struct field *offset = field_of(frame, "offset", NUMBER);
  uint8_t bytes[CHUNK_MAX];
  ssize_t length = data == NULL ? -1 : base64_decode(data->text, bytes, sizeof bytes);
  if (length < 0) return fail(failure, "bad-request", "data must be base64 of at most %d bytes", CHUNK_MAX);
  /* Without an offset the file becomes these bytes; with one, they are put into what is there. */
  int file = open_regular(agent, frame, O_WRONLY | O_CREAT | (offset == NULL ? O_TRUNC : 0), failure);
  if (file < 0) return false;
  int64_t start = offset == NULL ? 0 : offset->number;
  ssize_t done = 0;
  while (done < length) {
    ssize_t part = pwrite(file, bytes + done, (size_t)(length - done), start + done);
    if (part <= 0) break;
    done += part;
  }
  bool written = done == length;
  if (!written) fail_errno(failure, "the file cannot be written");
  if (close(file) != 0 && written) return fail_errno(failure, "the file cannot be written");
  if (!written) return false;
  answer_number(answer, "written", length);
  return true;
}
