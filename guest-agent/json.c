/* Requests: one flat JSON object per frame. Values are whole numbers, strings, and lists of strings; nothing nests. */
#include "agent.h"

#include <string.h>

struct reader {
  char *at;
  char *end;
};

static void skip_space(struct reader *reader) {
  while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\r')) reader->at++;
}

static bool take(struct reader *reader, char expected) {
  skip_space(reader);
  if (reader->at == reader->end || *reader->at != expected) return false;
  reader->at++;
  return true;
}

static int hex4(const char *at, const char *end) {
  if (end - at < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* UTF-8 is never longer than the escape it was written as, so decoding in place cannot overtake reading. */
static char *put_utf8(char *out, unsigned point) {
  if (point < 0x80) {
    *out++ = (char)point;
  } else if (point < 0x800) {
    *out++ = (char)(0xc0 | point >> 6);
    *out++ = (char)(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *out++ = (char)(0xe0 | point >> 12);
    *out++ = (char)(0x80 | (point >> 6 & 0x3f));
    *out++ = (char)(0x80 | (point & 0x3f));
  } else {
    *out++ = (char)(0xf0 | point >> 18);
    *out++ = (char)(0x80 | (point >> 12 & 0x3f));
    *out++ = (char)(0x80 | (point >> 6 & 0x3f));
    *out++ = (char)(0x80 | (point & 0x3f));
  }
  return out;
}

/* The bytes of one character of well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates), or 0. */
static size_t utf8_length(const unsigned char *at, size_t room) {
  unsigned char first = at[0];
  if (first < 0x80) return 1;
  size_t length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length == 0 || room < length) return 0;
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < length; i++)
    if (at[i] < 0x80 || at[i] > 0xbf) return 0;
  return length;
}

static bool read_escape(struct reader *reader, char **out) {
  static const char from[] = "\"\\/bfnrt";
  static const char to[] = "\"\\/\b\f\n\r\t";
  if (reader->at == reader->end) return false;
  char c = *reader->at++;
  if (c != 'u') {
    const char *found = c == '\0' ? NULL : strchr(from, c);
    if (found == NULL) return false;
    *(*out)++ = to[found - from];
    return true;
  }
  int unit = hex4(reader->at, reader->end);
  /* A NUL would end the string early for everything that uses it. */
  if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return false;
  reader->at += 4;
  unsigned point = (unsigned)unit;
  if (unit >= 0xd800 && unit <= 0xdbff) {
    if (reader->end - reader->at < 6 || reader->at[0] != '\\' || reader->at[1] != 'u') return false;
    int second = hex4(reader->at + 2, reader->end);
    if (second < 0xdc00 || second > 0xdfff) return false;
    reader->at += 6;
    point = 0x10000 + ((unsigned)(unit - 0xd800) << 10) + (unsigned)(second - 0xdc00);
  }
  *out = put_utf8(*out, point);
  return true;
}

static char *read_string(struct reader *reader) {
  if (!take(reader, '"')) return NULL;
  char *start = reader->at;
  char *out = start;
  while (reader->at < reader->end) {
    unsigned char c = (unsigned char)*reader->at;
    if (c == '"') {
      reader->at++;
      *out = '\0';
      return start;
    }
    if (c == '\\') {
      reader->at++;
      if (!read_escape(reader, &out)) return NULL;
      continue;
    }
    size_t length = c < 0x20 ? 0 : utf8_length((unsigned char *)reader->at, (size_t)(reader->end - reader->at));
    if (length == 0) return NULL;
    memmove(out, reader->at, length);
    out += length;
    reader->at += length;
  }
  return NULL;
}

/* Whole numbers from 0 that every reader of JSON keeps exactly (up to 2^53 - 1). */
static bool read_number(struct reader *reader, int64_t *value) {
  char *start = reader->at;
  int64_t number = 0;
  while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
    number = number * 10 + (*reader->at++ - '0');
    if (number > 9007199254740991) return false;
  }
  if (reader->at == start || (*start == '0' && reader->at - start > 1)) return false;
  *value = number;
  return true;
}

static const char *read_list(struct frame *frame, struct reader *reader, struct field *field) {
  field->items = &frame->items[frame->items_used];
  if (!take(reader, ']')) {
    do {
      if (field->count == ITEMS_MAX || frame->items_used + 1 >= ITEMS_MAX + FIELDS_MAX) return "a list is too long";
      char *item = read_string(reader);
      if (item == NULL) return "a list holds what is no string";
      field->items[field->count++] = item;
      frame->items_used++;
    } while (take(reader, ','));
    if (!take(reader, ']')) return "a list does not end";
  }
  if (frame->items_used + 1 > ITEMS_MAX + FIELDS_MAX) return "a list is too long";
  frame->items[frame->items_used++] = NULL;
  return NULL;
}

static const char *read_value(struct frame *frame, struct reader *reader, struct field *field) {
  skip_space(reader);
  if (reader->at == reader->end) return "a value is missing";
  if (*reader->at == '"') {
    field->kind = STRING;
    field->text = read_string(reader);
    return field->text == NULL ? "a string is malformed" : NULL;
  }
  if (*reader->at == '[') {
    reader->at++;
    field->kind = LIST;
    return read_list(frame, reader, field);
  }
  field->kind = NUMBER;
  return read_number(reader, &field->number) ? NULL : "a value is neither a whole number, a string nor a list of strings";
}

const char *read_frame(struct frame *frame, char *bytes, size_t length) {
  struct reader reader = {bytes, bytes + length};
  frame->count = 0;
  frame->items_used = 0;
  if (!take(&reader, '{')) return "a frame is one JSON object";
  if (!take(&reader, '}')) {
    do {
      if (frame->count == FIELDS_MAX) return "there are too many keys";
      struct field *field = &frame->fields[frame->count];
      memset(field, 0, sizeof *field);
      field->name = read_string(&reader);
      if (field->name == NULL) return "a key is malformed";
      for (size_t i = 0; i < frame->count; i++)
        if (strcmp(frame->fields[i].name, field->name) == 0) return "a key is given twice";
      if (!take(&reader, ':')) return "a key has no value";
      const char *problem = read_value(frame, &reader, field);
      if (problem != NULL) return problem;
      frame->count++;
    } while (take(&reader, ','));
    if (!take(&reader, '}')) return "the object does not end";
  }
  skip_space(&reader);
  return reader.at == reader.end ? NULL : "something follows the object";
}

const struct field *field_of(const struct frame *frame, const char *name, enum kind kind) {
  for (size_t i = 0; i < frame->count; i++)
    if (strcmp(frame->fields[i].name, name) == 0 && frame->fields[i].kind == kind) return &frame->fields[i];
  return NULL;
}
