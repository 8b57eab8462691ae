/* A queue of bytes that grows as it must. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>

struct buffer {
    char *bytes;
    size_t start, used, room;
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t count);
void buffer_consume(struct buffer *buffer, size_t count);
void buffer_release(struct buffer *buffer);

static inline char *buffer_first(const struct buffer *buffer) { return buffer->bytes + buffer->start; }

#endif
